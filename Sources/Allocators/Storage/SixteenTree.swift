// A complete tree with sixteen children a node, laid out so that positions are arithmetic.

/// Positions in the tree.
///
/// The root is position -1. The children of position `p` are the sixteen positions from
/// `16 * (p + 1)`, which is one cache line of 32-bit values; the parent of `p` is `p / 16 - 1`.
/// With `depth` levels below the root the leaves are the last 16^depth positions.
///
///     -1 | 0 … 15 | 16 … 31 (children of 0) | 32 … 47 (children of 1) | …
///
/// The memory behind a tree starts one cache line before position 0.
@usableFromInline
enum SixteenTree {
  @usableFromInline typealias Nodes = UnsafeMutablePointer<UInt32>

  /// The position of the first leaf: (16^depth - 16) / 15.
  static func firstLeaf(depth: Int) -> Int { ((1 << (4 * depth)) - 16) / 15 }

  /// 32-bit values that a tree takes, the line of the root included.
  static func valueCount(depth: Int) -> Int { 16 + firstLeaf(depth: depth) + 1 << (4 * depth) }

  /// The parent's position.
  @inline(__always)
  static func parent(_ position: Int) -> Int { (position >> 4) &- 1 }

  // MARK: Maxima

  /// Sets a leaf and every ancestor to the maximum of what lies below it, stopping as soon as one
  /// does not change.
  ///
  /// Returns whether the root changed.
  @inline(__always)
  static func setMaximum(_ nodes: Nodes, at leafPosition: Int, to leafValue: UInt32) -> Bool {
    var position = leafPosition
    var value = leafValue
    while true {
      let old = nodes[position]
      if old == value { return false }
      nodes[position] = value
      if position < 0 { return true }
      let above = parent(position)
      let maximum = nodes[above]
      if value < maximum {
        if old < maximum { return false }
        value = maximumOfGroup(nodes, around: position)
      }
      position = above
    }
  }

  @inline(__always)
  private static func maximumOfGroup(_ nodes: Nodes, around position: Int) -> UInt32 {
    let group = nodes + (position & ~15)
    var maximum: UInt32 = 0
    for lane in 0..<16 where group[lane] > maximum { maximum = group[lane] }
    return maximum
  }

  /// The first leaf of at least `key`; the root must be at least `key`.
  @inline(__always)
  static func firstLeaf(_ nodes: Nodes, atLeast key: UInt32, firstLeaf: Int) -> Int {
    descend(nodes, fromGroup: 0, atLeast: key, firstLeaf: firstLeaf)
  }

  @inline(__always)
  private static func descend(
    _ nodes: Nodes, fromGroup start: Int, atLeast key: UInt32, firstLeaf: Int
  ) -> Int {
    var group = start
    while true {
      var position = group
      while nodes[position] < key { position &+= 1 }
      if position >= firstLeaf { return position &- firstLeaf }
      group = (position &+ 1) << 4
    }
  }

  /// The first leaf behind `leaf` of at least `key`, or -1.
  @inline(__always)
  static func nextLeaf(
    _ nodes: Nodes, after leaf: Int, atLeast key: UInt32, firstLeaf: Int
  ) -> Int {
    var position = firstLeaf &+ leaf
    while position >= 0 {
      let end = position | 15
      while position < end {
        position &+= 1
        guard nodes[position] >= key else { continue }
        if position >= firstLeaf { return position &- firstLeaf }
        return descend(
          nodes, fromGroup: (position &+ 1) << 4, atLeast: key, firstLeaf: firstLeaf)
      }
      position = parent(position)
    }
    return -1
  }

  // MARK: Sums

  /// Adds to a leaf and all its ancestors; wraps, so that adding 2^32 - 1 takes one away.
  @inline(__always)
  static func add(_ nodes: Nodes, at leafPosition: Int, _ amount: UInt32) {
    var position = leafPosition
    while true {
      nodes[position] &+= amount
      if position < 0 { return }
      position = parent(position)
    }
  }

  /// Takes one from a leaf and gives one to another, up to where their paths meet.
  @inline(__always)
  static func move(_ nodes: Nodes, from leafPosition: Int, to otherPosition: Int) {
    var from = leafPosition
    var to = otherPosition
    while from != to {
      nodes[from] &-= 1
      nodes[to] &+= 1
      from = parent(from)
      to = parent(to)
    }
  }

  /// The sum of all leaves before `leaf`.
  ///
  /// `masks` are sixteen values of all ones, then sixteen zeros.
  @inline(__always)
  static func sum(
    _ nodes: Nodes, before leaf: Int, firstLeaf: Int, masks: UnsafePointer<UInt32>
  ) -> UInt32 {
    var position = firstLeaf &+ leaf
    var sum: UInt32 = 0
    while position >= 0 {
      let group = nodes + (position & ~15)
      // Always all sixteen: added side by side, and no branch to guess wrong.
      let mask = masks + (16 &- (position & 15))
      for lane in 0..<16 { sum &+= group[lane] & mask[lane] }
      position = parent(position)
    }
    return sum
  }
}
