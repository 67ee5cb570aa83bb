// The long holes in order of length, then of address: a treap.

/// A binary search tree over (length, start), kept shallow by random priorities (Seidel & Aragon,
/// Algorithmica 1996): every operation takes O(log n) steps on average.
///
/// The priorities come from a fixed sequence, so that two runs are alike.
@usableFromInline
struct SizeTree: ~Copyable {
  struct Node {
    var length: Int
    var start: Int
    var priority: UInt32
    var left: UInt32
    var right: UInt32
  }

  private var nodes: UnsafeMutablePointer<Node>
  private var capacity = 64
  /// Node 0 is no node; unused ones are chained by `left`.
  private var used: UInt32 = 1
  private var unused: UInt32 = 0
  private var root: UInt32 = 0
  private var seed: UInt32 = 0x9e37_79b9

  init() { nodes = .allocate(capacity: capacity) }

  @inlinable deinit { deallocate() }

  @usableFromInline
  func deallocate() { nodes.deallocate() }

  private static func precedes(_ a: (Int, Int), _ node: Node) -> Bool {
    a.0 < node.length || (a.0 == node.length && a.1 < node.start)
  }

  mutating func insert(_ start: Int, _ length: Int) {
    let fresh = makeNode(start, length)
    let priority = nodes[Int(fresh)].priority
    // Walk down to where the priorities say that it belongs, then split what is there.
    var link: (node: UInt32, isLeft: Bool) = (0, false)
    var at = root
    while at != 0, nodes[Int(at)].priority >= priority {
      let isLeft = Self.precedes((length, start), nodes[Int(at)])
      link = (at, isLeft)
      at = isLeft ? nodes[Int(at)].left : nodes[Int(at)].right
    }
    split(at, around: (length, start), into: fresh)
    setLink(link, fresh)
  }

  /// Removes a pair that is in the tree.
  mutating func remove(_ start: Int, _ length: Int) {
    var link: (node: UInt32, isLeft: Bool) = (0, false)
    var at = root
    while at != 0, nodes[Int(at)].start != start || nodes[Int(at)].length != length {
      let isLeft = Self.precedes((length, start), nodes[Int(at)])
      link = (at, isLeft)
      at = isLeft ? nodes[Int(at)].left : nodes[Int(at)].right
    }
    precondition(at != 0, "a hole that was never added cannot vanish")
    join(nodes[Int(at)].left, nodes[Int(at)].right, at: link)
    nodes[Int(at)].left = unused
    unused = at
  }

  /// The first pair of at least this length and, among equal lengths, from this start on; the
  /// start is -1 if there is none.
  func first(atLeast length: Int, from start: Int = 0) -> (start: Int, length: Int) {
    var found: UInt32 = 0
    var at = root
    while at != 0 {
      let node = nodes[Int(at)]
      if node.length < length || (node.length == length && node.start < start) {
        at = node.right
      } else {
        found = at
        at = node.left
      }
    }
    return found == 0 ? (-1, 0) : (nodes[Int(found)].start, nodes[Int(found)].length)
  }

  /// The greatest length below this one; zero if there is none.
  func greatestLength(below length: Int) -> Int {
    var found = 0
    var at = root
    while at != 0 {
      let node = nodes[Int(at)]
      if node.length < length {
        found = node.length
        at = node.right
      } else {
        at = node.left
      }
    }
    return found
  }

  /// Forgets all pairs.
  mutating func removeAll() {
    used = 1
    unused = 0
    root = 0
  }

  // MARK: Links

  private mutating func setLink(_ link: (node: UInt32, isLeft: Bool), _ child: UInt32) {
    if link.node == 0 {
      root = child
    } else if link.isLeft {
      nodes[Int(link.node)].left = child
    } else {
      nodes[Int(link.node)].right = child
    }
  }

  /// Hangs what precedes the key below `node` on the left and the rest on the right.
  private mutating func split(_ tree: UInt32, around key: (Int, Int), into node: UInt32) {
    var below: (node: UInt32, isLeft: Bool) = (node, true)
    var above: (node: UInt32, isLeft: Bool) = (node, false)
    var at = tree
    while at != 0 {
      if Self.precedes(key, nodes[Int(at)]) {
        setLink(above, at)
        above = (at, true)
        at = nodes[Int(at)].left
      } else {
        setLink(below, at)
        below = (at, false)
        at = nodes[Int(at)].right
      }
    }
    setLink(below, 0)
    setLink(above, 0)
  }

  /// Hangs both trees, of which all of the first precedes the second, at a link.
  private mutating func join(
    _ first: UInt32, _ second: UInt32, at place: (node: UInt32, isLeft: Bool)
  ) {
    var (a, b, link) = (first, second, place)
    while a != 0, b != 0 {
      if nodes[Int(a)].priority >= nodes[Int(b)].priority {
        setLink(link, a)
        link = (a, false)
        a = nodes[Int(a)].right
      } else {
        setLink(link, b)
        link = (b, true)
        b = nodes[Int(b)].left
      }
    }
    setLink(link, a == 0 ? b : a)
  }

  private mutating func makeNode(_ start: Int, _ length: Int) -> UInt32 {
    seed ^= seed << 13
    seed ^= seed >> 17
    seed ^= seed << 5
    let index: UInt32
    if unused != 0 {
      index = unused
      unused = nodes[Int(index)].left
    } else {
      if Int(used) == capacity { grow() }
      index = used
      used += 1
    }
    nodes[Int(index)] = Node(length: length, start: start, priority: seed, left: 0, right: 0)
    return index
  }

  private mutating func grow() {
    let larger = UnsafeMutablePointer<Node>.allocate(capacity: capacity * 2)
    larger.update(from: nodes, count: capacity)
    nodes.deallocate()
    nodes = larger
    capacity *= 2
  }
}
