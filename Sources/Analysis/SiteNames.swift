// Names for the stacks of a trace, and which of them count as one call site.

import MemoryUnits
import Symbols
import Trace

/// What makes two blocks come from the same call site.
public enum SiteGrouping: String, CaseIterable, Sendable {
  /// The first frame of the user's own is in the same function of the same file.
  case function
  /// All return addresses are the same.
  case stack
}

/// Names stacks and numbers call sites, in order of first appearance.
final class SiteNames {
  private enum Key: Hashable {
    case function(NamedFrame)
    case stack([CodeAddress])
  }

  private let stacks: StackTable
  private let symbolizer: Symbolizer
  private let grouping: SiteGrouping
  private var siteOfStack: [StackID: SiteIndex] = [:]
  private var siteOfKey: [Key: SiteIndex] = [:]

  init(stacks: StackTable, symbolizer: Symbolizer, grouping: SiteGrouping) {
    self.stacks = stacks
    self.symbolizer = symbolizer
    self.grouping = grouping
  }

  var count: Int { siteOfKey.count }

  /// The number of the site that a stack belongs to.
  ///
  /// - Complexity: O(1) for a stack asked for before.
  func site(of stack: StackID) -> SiteIndex {
    if let known = siteOfStack[stack] { return known }
    let key: Key
    switch grouping {
    case .function:
      var frame = userFrame(of: stack)
      frame.line = nil
      key = .function(frame)
    case .stack:
      key = .stack(stacks.frames(of: stack))
    }
    let site = siteOfKey[key] ?? siteOfKey.count
    siteOfKey[key] = site
    siteOfStack[stack] = site
    return site
  }

  /// The frame to name when one asks who allocated.
  func userFrame(of stack: StackID) -> NamedFrame {
    var frames: [Frame] = []
    for address in stacks.frames(of: stack) {
      let frame = symbolizer.frame(at: address)
      // Frames further out cannot change the choice.
      if frame.kind == .user { return Self.named(frame) }
      frames.append(frame)
    }
    return frames.isEmpty ? Self.unknown : Self.named(frames[userFrameIndex(frames)])
  }

  /// All frames of a stack, innermost first.
  func frames(of stack: StackID) -> [NamedFrame] {
    stacks.frames(of: stack).map { Self.named(symbolizer.frame(at: $0)) }
  }

  private static let unknown = NamedFrame(function: "(unknown)", module: "")

  private static func named(_ frame: Frame) -> NamedFrame {
    NamedFrame(
      function: frame.function, module: frame.module, file: frame.file, line: frame.line)
  }
}
