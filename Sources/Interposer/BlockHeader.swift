// Whether the blocks of an unknown allocator are glibc's after all.

import CaptureABI

/// Looks at the first blocks of a library that stands between the program and the allocator.
enum BlockHeader {
  /// Blocks still to be looked at.
  nonisolated(unsafe) static var remainingProbes = 0

  /// Compares the word in front of a block with what glibc would have written there: the size of
  /// the chunk, and three flags (malloc.c 2.36, "A chunk").
  @inline(never)
  static func probe(_ address: UInt64, usable: UInt64) {
    // Within a page, so that the word in front is mapped too.
    guard address & 4095 >= 16, let block = UnsafePointer<UInt64>(bitPattern: UInt(address)) else {
      return
    }
    // A chunk that is mapped on its own (flag 2) has another rule, and tells nothing.
    guard block[-1] & 2 == 0 else { return }
    guard block[-1] & ~7 == usable &+ 8 else {
      remainingProbes = 0
      return
    }
    remainingProbes = remainingProbes &- 1
    if remainingProbes == 0 { session.header.unsafelyUnwrapped.pointee.block_header_bytes = 8 }
  }
}
