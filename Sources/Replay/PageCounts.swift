// Counts for the pages of the heaps of thread arenas.

/// For each page of so many regions of 64 MiB the number of live blocks whose last byte lies on it.
///
/// Regions are given slots, and give them back when they hold nothing.
struct PageCounts: ~Copyable {
  /// More heaps, 256 GiB of them, get no counts.
  static let mostSlots = 4096
  private static let pages = 1 << 14

  private let counts = FlatTable<UInt32>(count: mostSlots * pages)
  private var free: [UInt32] = []
  private var used: UInt32 = 0

  /// A slot whose counts are zero, never slot 0; nil when all are taken.
  mutating func takeSlot() -> UInt32? {
    if let slot = free.popLast() { return slot }
    guard used < Self.mostSlots - 1 else { return nil }
    used += 1
    return used
  }

  /// Takes back a slot whose counts are zero.
  mutating func giveBack(_ slot: UInt32) { free.append(slot) }

  /// The page, counted from the start of the region, on which a range in it ends.
  @inline(__always)
  private static func page(_ end: UInt64) -> Int { Int((end &- 1) >> 12) & (pages - 1) }

  @inline(__always)
  func add(_ slot: UInt32, end: UInt64) {
    counts.base[Int(slot) &* Self.pages &+ Self.page(end)] &+= 1
  }

  @inline(__always)
  func remove(_ slot: UInt32, end: UInt64) {
    counts.base[Int(slot) &* Self.pages &+ Self.page(end)] &-= 1
  }

  /// The bytes from the start of the region up to the end of the last page below `bytes` on which a
  /// block ends; 0 where there is none.
  ///
  /// - Complexity: O(pages between), and nothing where the last page has a block.
  func extent(_ slot: UInt32, below bytes: UInt64) -> UInt64 {
    var page = Int(bytes >> 12)
    while page > 0, counts.base[Int(slot) * Self.pages + page - 1] == 0 { page -= 1 }
    return UInt64(page) << 12
  }
}
