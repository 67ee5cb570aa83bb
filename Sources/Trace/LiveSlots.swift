// Which slot each live block has, found by the number of the allocation that made it.

/// Gives live blocks slots and finds them by allocation number.
///
/// The newest allocations stand in a ring; blocks that outlive it move to ``OlderSlots``, page by page.
/// So memory follows the blocks that live, not the length of the trace, and the common case (most
/// blocks die young) touches one flat array. A slot that is given back is the next one given out.
struct LiveSlots: ~Copyable {
  private static let largestRing: UInt64 = 1 << 17
  private static let page = UInt64(OlderSlots.pageSize)
  private static let none = Slot.none.rawValue

  private let ringSize: UInt64
  private let ring: UnsafeMutablePointer<UInt32>
  private var older = OlderSlots()
  private var free: UnsafeMutablePointer<UInt32>
  private var freeCount = 0
  private var freeCapacity = 1 << 10
  private var slots: UInt32 = 0
  /// The number that the next allocation gets.
  private(set) var next: UInt64 = 0
  /// The first allocation whose place is in the ring.
  private var oldest: UInt64 = 0

  /// Makes room for a trace of about so many allocations.
  init(expecting allocations: UInt64) {
    var size = 2 * Self.page
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

  @inline(__always)
  private func place(_ allocation: UInt64) -> UnsafeMutablePointer<UInt32> {
    ring + Int(truncatingIfNeeded: allocation & (ringSize &- 1))
  }

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
    if allocation >= oldest {
      place(allocation).pointee = slots
    } else {
      older.set(allocation, slots)
    }
    slots &+= 1
  }

  /// Gives the next allocation a slot that `take` returned before.
  @inline(__always)
  mutating func keep(_ slot: UInt32) {
    if next & (Self.page &- 1) == 0 { turnPage(at: next) }
    place(next).pointee = slot
    next &+= 1
  }

  /// The slot of an allocation, which is no longer known afterwards; nil where it is not known.
  @inline(__always)
  mutating func take(_ allocation: UInt64) -> UInt32? {
    if allocation &- oldest < next &- oldest {
      let place = place(allocation)
      let slot = place.pointee
      place.pointee = Self.none
      return slot == Self.none ? nil : slot
    }
    return takeOlder(allocation)
  }

  @inline(never)
  private mutating func takeOlder(_ allocation: UInt64) -> UInt32? {
    allocation < oldest ? older.take(allocation) : nil
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
    var first = (next &+ Self.page &- 1) & ~(Self.page &- 1)
    if allocation > ringSize, first < allocation &- ringSize {
      // Nothing of the ring stays: every page of it is turned once, in the order of its blocks.
      for _ in 0..<ringSize / Self.page {
        turnPage(at: first)
        first &+= Self.page
      }
      first = max(first, (allocation &- ringSize) & ~(Self.page &- 1))
    }
    while first < allocation {
      turnPage(at: first)
      first &+= Self.page
    }
    next = allocation
  }

  /// Makes room in the ring for the page of allocations that begins with this one.
  @inline(never)
  private mutating func turnPage(at first: UInt64) {
    if first >= ringSize { older.takeOver(first &- ringSize, place(first)) }
    let end = first &+ Self.page
    oldest = end > ringSize ? end &- ringSize : 0
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
