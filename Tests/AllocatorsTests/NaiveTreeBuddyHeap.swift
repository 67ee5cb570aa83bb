// Fibonacci, weighted and double buddies as trees of objects that are searched as a whole.

import Allocators
import MemoryUnits

/// A piece of address space in units: cut in two, or whole.
final class BuddyNode {
  enum State { case live, free, unheld }

  let start: Int
  let size: Int
  var state: State
  var parts: [BuddyNode] = []

  init(_ start: Int, _ size: Int, _ state: State) {
    (self.start, self.size, self.state) = (start, size, state)
  }

  /// All whole pieces, in order of address.
  var leaves: [BuddyNode] { parts.isEmpty ? [self] : parts.flatMap(\.leaves) }

  /// Joins what can be joined once; says whether anything was.
  func join() -> Bool {
    if parts.isEmpty { return false }
    if parts.allSatisfy({ $0.parts.isEmpty && $0.state == .free }) {
      parts = []
      state = .free
      return true
    }
    return parts.contains { $0.join() }
  }
}

/// One or two trees; sizes are found by listing them.
struct NaiveTreeBuddyHeap: PlainHeap {
  let system: BuddySystem
  let least: Int
  let header: Int
  let growth: Int
  var bases: [Int]
  var roots: [BuddyNode?]
  let sizes: [[Int]]
  var changes: [HeldChange] = []
  var work = Work()

  init(_ system: BuddySystem, _ parameters: BuddyParameters) {
    self.system = system
    least = parameters.min.int
    header = parameters.header.int
    growth = parameters.growth.int
    bases = system == .double ? [0x1000_0000, 1 << 39] : [0x1000_0000]
    roots = bases.map { _ in nil }
    let powers = (0..<40).map { 1 << $0 }
    switch system {
    case .fibonacci:
      var list = [1, 2]
      while list.count < 50 { list.append(list[list.count - 1] + list[list.count - 2]) }
      sizes = [list]
    case .weighted: sizes = [(powers + powers.map { $0 * 3 }).sorted()]
    case .double: sizes = [powers, powers.map { $0 * 3 }]
    }
  }

  /// The sizes of the two parts of a block.
  func parts(_ size: Int) -> (Int, Int) {
    if size == 2 || system == .double { return (size / 2, size / 2) }
    switch system {
    case .weighted: return size % 3 == 0 ? (size / 3 * 2, size / 3) : (size / 4 * 3, size / 4)
    default:
      let list = sizes[0]
      let upper = list[list.firstIndex(of: size).map { $0 - 2 } ?? 0]
      return (size - upper, upper)
    }
  }

  /// What all addresses of such blocks are multiples of.
  func alignment(_ size: Int) -> Int {
    switch system {
    case .fibonacci: 1
    case .weighted: size % 3 == 0 ? size / 3 * 4 : size
    case .double: size % 3 == 0 ? size / 3 : size
    }
  }

  func choose(_ bytes: Int, _ alignment: Int) -> (tree: Int, size: Int, isShifted: Bool) {
    var units = (max(bytes, 1) + header + least - 1) / least
    let natural = max(alignment / least, 1)
    let isShifted = natural > 1 && system == .fibonacci
    if isShifted { units += natural - 1 }
    var best = (tree: 0, size: Int.max, isShifted: isShifted)
    for (tree, list) in sizes.enumerated() {
      for size in list
      where size >= units && (isShifted || self.alignment(size) >= natural) && size < best.size {
        best.size = size
        best.tree = tree
      }
    }
    return best
  }

  static func best(_ root: BuddyNode?, _ state: BuddyNode.State, _ size: Int) -> BuddyNode? {
    (root?.leaves ?? []).filter { $0.state == state && $0.size >= size }
      .min { ($0.size, $0.start) < ($1.size, $1.start) }
  }

  /// Cuts a node down to a size; the rests get its state.
  func cut(_ node: BuddyNode, _ size: Int) -> (node: BuddyNode, cuts: Int) {
    guard node.size > size else { return (node, 0) }
    let (lower, upper) = parts(node.size)
    node.parts = [
      BuddyNode(node.start, lower, node.state),
      BuddyNode(node.start + lower, upper, node.state),
    ]
    let next = cut(node.parts[upper >= size ? 1 : 0], size)
    return (next.node, next.cuts + 1)
  }

  func index(_ tree: Int, _ size: Int) -> Int { sizes[tree].firstIndex(of: size) ?? -1 }

  func block(_ node: BuddyNode, _ tree: Int, _ alignment: Int) -> Range<Int> {
    let start = bases[tree] + node.start * least
    let aligned = (start + alignment - 1) / alignment * alignment
    return aligned..<(start + node.size * least)
  }

  mutating func allocate(_ bytes: Int, _ alignment: Int) -> Range<Int> {
    let (tree, size, isShifted) = choose(bytes, alignment)
    var whole: BuddyNode
    if let found = Self.best(roots[tree], .free, size) {
      whole = found
      work.holesInspected += UInt64(index(tree, found.size) - index(tree, size) + 1)
      work.listOperations += 1
    } else {
      whole = acquire(tree, size)
    }
    whole.state = .free
    let (node, cuts) = cut(whole, size)
    work.splits += UInt64(cuts)
    work.listOperations += UInt64(cuts)
    node.state = .live
    return block(node, tree, isShifted ? alignment : 1)
  }

  mutating func acquire(_ tree: Int, _ size: Int) -> BuddyNode {
    let least = sizes[tree].first { $0 >= size && $0 * self.least >= growth } ?? size
    while Self.best(roots[tree], .unheld, least) == nil {
      guard let root = roots[tree] else {
        roots[tree] = BuddyNode(0, least, .unheld)
        continue
      }
      let larger = sizes[tree][index(tree, root.size) + 1]
      let parent = BuddyNode(0, larger, .unheld)
      parent.parts = [root, BuddyNode(root.size, larger - root.size, .unheld)]
      roots[tree] = parent
    }
    guard let piece = Self.best(roots[tree], .unheld, least) else { return BuddyNode(0, 0, .free) }
    let node = cut(piece, least).node
    let start = bases[tree] + node.start * self.least
    changes.append(
      HeldChange(
        range: NaiveFitHeap.range(start..<(start + node.size * self.least)), isGrowth: true))
    return node
  }

  func find(_ block: Range<Int>) -> (tree: Int, node: BuddyNode)? {
    for (tree, root) in roots.enumerated() {
      for node in root?.leaves ?? [] where node.state == .live {
        let end = bases[tree] + (node.start + node.size) * least
        if end == block.upperBound { return (tree, node) }
      }
    }
    return nil
  }

  mutating func free(_ block: Range<Int>) {
    guard let (tree, node) = find(block) else { return }
    node.state = .free
    work.listOperations += 1
    while roots[tree]?.join() == true {
      work.merges += 1
      work.listOperations += 1
    }
  }

  mutating func reallocate(
    _ block: Range<Int>, _ oldBytes: Int, _ bytes: Int, _ alignment: Int
  ) -> Range<Int> {
    let (tree, size, isShifted) = choose(bytes, alignment)
    if let (oldTree, node) = find(block), oldTree == tree, !isShifted,
      block.lowerBound % alignment == 0, bases[tree] + node.start * least == block.lowerBound,
      resize(node, tree, size)
    {
      return block.lowerBound..<(block.lowerBound + size * least)
    }
    let moved = allocate(bytes, alignment)
    work.bytesMoved += UInt64(min(oldBytes, bytes))
    free(block)
    return moved
  }

  mutating func resize(_ node: BuddyNode, _ tree: Int, _ size: Int) -> Bool {
    var cuts = 0
    if size <= node.size {
      var piece = node
      while piece.size > size {
        let (lower, upper) = parts(piece.size)
        piece.parts = [
          BuddyNode(piece.start, lower, .live), BuddyNode(piece.start + lower, upper, .free),
        ]
        piece = piece.parts[0]
        cuts += 1
      }
      work.splits += UInt64(cuts)
      work.listOperations += UInt64(cuts)
      return true
    }
    // The ancestor of that size that starts where the block does and is free but for it.
    var candidate = roots[tree]
    while let at = candidate, at.size > size || at.start != node.start {
      candidate = at.parts.first { $0.start <= node.start && node.start < $0.start + $0.size }
    }
    guard let grown = candidate, grown.size == size, grown.start == node.start else { return false }
    let others = grown.leaves.filter { $0 !== node }
    guard others.allSatisfy({ $0.state == .free }) else { return false }
    work.merges += UInt64(others.count)
    work.listOperations += UInt64(others.count)
    grown.parts = []
    grown.state = .live
    return true
  }
}
