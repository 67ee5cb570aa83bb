// The slabs of a cache that have free objects, in the order in which they are used.

/// How the slabs of a list follow each other.
enum SlabOrder { case recent, oldest, address }

/// One slab, and its place in the list of its cache.
struct Slab {
  enum List: UInt8 { case none, partial, empty }

  var base: Int
  /// What the heap below granted; zero for a slab that is not live.
  var granted: Int
  var liveObjects = 0
  var cache: Int
  var list = List.none
  /// The neighbours in the list, 0 at its ends.
  var previous = 0
  var next = 0
  var objects: SlabObjects
}

/// A list of slabs: doubly linked, or a queue in which the lowest is found.
struct SlabList {
  private var head = 0
  private var tail = 0
  private var lowest = AddressQueue()
  private(set) var count = 0

  init() {}

  func deallocate() { lowest.deallocate() }

  /// The slab to use next; there must be one.
  ///
  /// A place of the queue is the page of a slab; `find` gives the slab in this list there, or 0.
  @inline(__always)
  mutating func first(_ order: SlabOrder, find: (Int) -> Int) -> Int {
    order == .address ? find(lowest.lowest { find($0) != 0 }) : head
  }

  /// Puts a slab where the order wants it.
  mutating func insert(
    _ slab: Int, _ order: SlabOrder, in slabs: UnsafeMutablePointer<Slab>, find: (Int) -> Int
  ) {
    count += 1
    switch order {
    case .recent:
      slabs[slab].previous = 0
      slabs[slab].next = head
      if head != 0 { slabs[head].previous = slab } else { tail = slab }
      head = slab
    case .oldest:
      slabs[slab].next = 0
      slabs[slab].previous = tail
      if tail != 0 { slabs[tail].next = slab } else { head = slab }
      tail = slab
    case .address:
      lowest.push(slabs[slab].base >> 12) { find($0) != 0 }
    }
  }

  /// Takes a slab out, which must be in the list (and for the queue no longer say so).
  mutating func remove(
    _ slab: Int, _ order: SlabOrder, in slabs: UnsafeMutablePointer<Slab>
  ) {
    count -= 1
    guard order != .address else {
      _ = lowest.vanish()
      return
    }
    let (previous, next) = (slabs[slab].previous, slabs[slab].next)
    if previous != 0 { slabs[previous].next = next } else { head = next }
    if next != 0 { slabs[next].previous = previous } else { tail = previous }
  }

  /// Moves a slab to the front; returns whether it was elsewhere.
  @inline(__always)
  mutating func moveToFront(_ slab: Int, in slabs: UnsafeMutablePointer<Slab>) -> Bool {
    guard head != slab else { return false }
    remove(slab, .recent, in: slabs)
    insert(slab, .recent, in: slabs) { _ in 0 }
    return true
  }
}
