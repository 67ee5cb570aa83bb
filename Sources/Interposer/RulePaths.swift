// Where the rules of a walk will be looked for: guessed from the walk before that began alike.

import InterposerEntry

/// For each of some thousand places that call the allocator, the sets of the rule cache that the last
/// walk from there came to: how many frames beyond the first, and their sets.
///
/// A walk looks one rule up after the other, since each says where the next address is, and the rules
/// of a large program do not stay in the caches nearest to the processor. So the exported functions
/// have all of them fetched before they call the allocator (`lacuna_fetch_walk`). What is guessed is
/// only fetched: a wrong guess, or one that two threads write at once, costs a fetch in vain.
enum RulePaths {
  private static let width = LACUNA_PATH_WIDTH
  static let bytes = (1 << LACUNA_PATH_BITS) &* width &* 2

  /// Lets the exported functions fetch ahead, if stacks are walked by rules and of most blocks.
  static func begin() {
    let isUseful =
      session.stackLimit > 0 && !session.usesFramePointers
      && session.header.unsafelyUnwrapped.pointee.regions.multiplier == 0
    lacuna_use_walks(isUseful ? session.rules : nil, session.rulePaths)
  }

  /// Notes the set of a frame, the one from which the walk begins being frame 0.
  @inline(__always)
  static func note(_ set: UInt16, frame: Int, in path: UnsafeMutablePointer<UInt16>) {
    if frame > 0, frame < width, path[frame] != set { path[frame] = set }
  }

  /// Notes how many frames were fresh; fewer than before are believed bit by bit.
  @inline(__always)
  static func end(_ path: UnsafeMutablePointer<UInt16>, frames: Int) {
    let count = UInt16(truncatingIfNeeded: max(min(frames, width), 1) &- 1)
    if path[0] != count { path[0] = max(count, path[0] &- 1) }
  }
}
