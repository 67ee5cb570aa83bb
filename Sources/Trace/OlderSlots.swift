// The slots of blocks that have outlived the ring of the newest allocations.

/// Finds the slots of old blocks by the numbers of their allocations.
///
/// Allocation numbers are cut into pages of 1,024. A page of which a quarter lives when it gets here
/// is kept as a flat array, so that neither moving it nor looking into it hashes a number for each block;
/// what is left of a page when less than an eighth lives moves to a hash table, like the blocks of
/// sparse pages. So a kept page takes 32 bytes at most for each block that lives in it, and the hash
/// table 32 to 64 for each of the most that it ever had.
struct OlderSlots: ~Copyable {
  static let pageSize = 1 << 10
  private static let fewestToKeep = pageSize / 4
  private static let fewestToStay = pageSize / 8
  private static let none = Slot.none.rawValue

  /// One kept page.
  private struct Page {
    var slots: UnsafeMutablePointer<UInt32>
    var live: Int
  }

  private var pages = FlatMap<UInt32>(capacityShift: 6)
  private var kept: UnsafeMutablePointer<Page>
  private var keptCount = 0
  private var keptCapacity = 1 << 4
  /// Places of `kept` whose page is gone, each with memory for another.
  private var spare: [UInt32] = []
  private var sparse = FlatMap<UInt32>()

  init() { kept = .allocate(capacity: keptCapacity) }

  deinit {
    for place in 0..<keptCount { kept[place].slots.deallocate() }
    kept.deallocate()
  }

  /// The tables are made for addresses, which are sixteen bytes apart or more.
  @inline(__always)
  private static func key(_ number: UInt64) -> UInt64 { number &<< 4 }

  /// Takes one block over.
  mutating func set(_ allocation: UInt64, _ slot: UInt32) {
    _ = sparse.set(Self.key(allocation), slot)
  }

  /// Takes the blocks of a page over, whose first allocation has this number, and clears the page.
  mutating func takeOver(_ first: UInt64, _ slots: UnsafeMutablePointer<UInt32>) {
    var live = 0
    for place in 0..<Self.pageSize { live &+= slots[place] == Self.none ? 0 : 1 }
    guard live > 0 else { return }
    if live >= Self.fewestToKeep {
      keep(first, slots, live: live)
    } else {
      scatter(first, slots)
    }
    slots.update(repeating: Self.none, count: Self.pageSize)
  }

  /// The slot of an allocation, which is no longer known afterwards; nil where it is not known.
  mutating func take(_ allocation: UInt64) -> UInt32? {
    let number = allocation / UInt64(Self.pageSize)
    guard let place = pages.find(Self.key(number)) else {
      return sparse.remove(Self.key(allocation))
    }
    let page = kept + Int(place)
    let entry = page.pointee.slots + Int(allocation % UInt64(Self.pageSize))
    let slot = entry.pointee
    guard slot != Self.none else { return nil }
    entry.pointee = Self.none
    page.pointee.live &-= 1
    if page.pointee.live < Self.fewestToStay { dissolve(number, place) }
    return slot
  }

  private mutating func scatter(_ first: UInt64, _ slots: UnsafeMutablePointer<UInt32>) {
    for place in 0..<Self.pageSize where slots[place] != Self.none {
      set(first &+ UInt64(place), slots[place])
    }
  }

  private mutating func keep(
    _ first: UInt64, _ slots: UnsafeMutablePointer<UInt32>, live: Int
  ) {
    let place: UInt32
    if let known = spare.popLast() {
      place = known
    } else {
      if keptCount == keptCapacity { growKept() }
      place = UInt32(keptCount)
      (kept + keptCount).initialize(
        to: Page(slots: .allocate(capacity: Self.pageSize), live: 0))
      keptCount += 1
    }
    let page = kept + Int(place)
    page.pointee.slots.update(from: slots, count: Self.pageSize)
    page.pointee.live = live
    _ = pages.set(Self.key(first / UInt64(Self.pageSize)), place)
  }

  @inline(never)
  private mutating func dissolve(_ number: UInt64, _ place: UInt32) {
    _ = pages.remove(Self.key(number))
    scatter(number &* UInt64(Self.pageSize), kept[Int(place)].slots)
    spare.append(place)
  }

  private mutating func growKept() {
    let larger = UnsafeMutablePointer<Page>.allocate(capacity: keptCapacity * 2)
    larger.moveInitialize(from: kept, count: keptCount)
    kept.deallocate()
    kept = larger
    keptCapacity *= 2
  }
}
