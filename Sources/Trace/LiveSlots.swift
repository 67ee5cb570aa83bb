// Which slot each live block has, found by the number of the allocation that made it.

/// Gives live blocks slots and finds them by allocation number.
///
/// The newest allocations stand in a ring; blocks that outlive it move to a hash table. So memory
/// follows the blocks that live, not the length of the trace, and the common case (most blocks die
/// young) touches one flat array. A slot that is given back is the next one given out.
struct LiveSlots: ~Copyable {
  private static let largestRing: UInt64 = 1 << 17
  private static let none = Slot.none.rawValue

  private let ringSize: UInt64
  private let ring: UnsafeMutablePointer<UInt32>
  private var older = FlatMap<UInt32>()
  private var free: UnsafeMutablePointer<UInt32>
  private var freeCount = 0
  private var freeCapacity = 1 << 10
  private var slots: UInt32 = 0
  /// The number that the next allocation gets.
  private(set) var next: UInt64 = 0

  /// Makes room for a trace of about so many allocations.
  init(expecting allocations: UInt64) {
    var size: UInt64 = 1 << 8
    while size < allocations && size < Self.largestRing { size <<= 1 }
    ringSize = size
    ring = .allocate(capacity: Int(size))
    ring.initialize(repeating: Self.none, count: Int(size))
    free = .allocate(capacity: freeCapacity)
  }

  deinit {
    ring.deallocate()
    free.deallocate()
  }

  /// The table is made for addresses, which are sixteen bytes apart or more.
  @inline(__always)
  private static func key(_ allocation: UInt64) -> UInt64 { allocation &<< 4 }

  /// Gives the next allocation a slot; nil when there are 2^32 - 1 live blocks.
  @inline(__always)
  mutating func begin() -> UInt32? {
    let slot: UInt32
    if freeCount > 0 {
      freeCount &-= 1
      slot = free[freeCount]
    } else {
      guard slots < Self.none else { return nil }
      slot = slots
      slots &+= 1
    }
    keep(slot)
    return slot
  }

  /// Slots that were given out so far, whether or not they are free now.
  var slotsUsed: UInt32 { slots }

  /// Gives an allocation before `next`, which is not known yet, the next slot that nobody had.
  mutating func adopt(_ allocation: UInt64) {
    let place = Int(truncatingIfNeeded: allocation & (ringSize &- 1))
    if next &- allocation <= ringSize {
      ring[place] = slots
    } else {
      _ = older.set(allocation, slots)
    }
    slots &+= 1
  }

  /// Gives the next allocation a slot that `take` returned before.
  @inline(__always)
  mutating func keep(_ slot: UInt32) {
    let place = Int(truncatingIfNeeded: next & (ringSize &- 1))
    if ring[place] != Self.none { retire(place, next &- ringSize) }
    ring[place] = slot
    next &+= 1
  }

  /// The slot of an allocation, which is no longer known afterwards; nil where it is not known.
  @inline(__always)
  mutating func take(_ allocation: UInt64) -> UInt32? {
    let distance = next &- allocation
    if distance &- 1 < ringSize {
      let place = Int(truncatingIfNeeded: allocation & (ringSize &- 1))
      let slot = ring[place]
      ring[place] = Self.none
      return slot == Self.none ? nil : slot
    }
    return allocation < next ? older.remove(Self.key(allocation)) : nil
  }

  /// Makes a slot that `take` returned available again.
  @inline(__always)
  mutating func release(_ slot: UInt32) {
    if freeCount == freeCapacity { growFree() }
    free[freeCount] = slot
    freeCount &+= 1
  }

  /// Leaves out allocations that are lost; `allocation` is the number of the next one.
  mutating func skip(to allocation: UInt64) {
    let first = next
    let count = min(allocation &- first, ringSize)
    for passed in 0..<count {
      let place = Int(truncatingIfNeeded: (first &+ passed) & (ringSize &- 1))
      if ring[place] != Self.none { retire(place, first &+ passed &- ringSize) }
    }
    next = allocation
  }

  @inline(never)
  private mutating func retire(_ place: Int, _ allocation: UInt64) {
    _ = older.set(Self.key(allocation), ring[place])
    ring[place] = Self.none
  }

  @inline(never)
  private mutating func growFree() {
    let larger = UnsafeMutablePointer<UInt32>.allocate(capacity: freeCapacity * 2)
    larger.update(from: free, count: freeCount)
    free.deallocate()
    free = larger
    freeCapacity *= 2
  }
}
