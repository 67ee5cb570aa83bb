// The data segment of the recorded process: the memory that grows and shrinks with brk.

internal import Allocators
internal import MemoryUnits

/// What the recorded heap holds between the start of the data segment and the break.
///
/// The recorded break is what some thread saw at some moment; with several threads it may be a
/// little stale. So a block beyond the known break extends the segment, and a break that moves
/// below a live block shrinks the segment only to the page where that block ends.
struct BreakSegment: ~Copyable {
  /// How far above its start the segment may reach; blocks further up belong to other regions.
  static var reach: UInt64 { 64 << 30 }

  /// The first address of the segment, a multiple of the page size; 0 where it is unknown.
  private(set) var start: UInt64
  /// The first address that is no longer held.
  private(set) var end: UInt64
  private(set) var liveBlocks = 0
  /// For each page above the start the number of live blocks whose last byte lies on it.
  private let blocksEnding: FlatTable<UInt32>
  /// No live block ends on a page above this one.
  private var highestPage = 0

  init(start: Address) {
    self.start = start.alignedDown(to: .page).rawValue
    end = self.start
    blocksEnding = FlatTable(count: Int(Self.reach / 4096))
  }

  /// Whether an address lies where the segment may reach.
  @inline(__always)
  func covers(_ address: UInt64) -> Bool {
    address &- start < Self.reach && start != 0
  }

  @inline(__always)
  private func page(of blockEnd: UInt64) -> Int { Int((blockEnd &- 1 &- start) >> 12) }

  /// A block, all of it where the segment may reach, begins.
  @inline(__always)
  mutating func blockBegins(_ range: Range<UInt64>, _ changes: inout [HeldChange]) {
    liveBlocks &+= 1
    let page = page(of: range.upperBound)
    blocksEnding.base[page] &+= 1
    highestPage = max(highestPage, page)
    if range.upperBound > end { move(to: range.upperBound, &changes) }
  }

  /// A block of the segment ends.
  ///
  /// False when the segment knows of no such block.
  @inline(__always)
  mutating func blockEnds(_ range: Range<UInt64>) -> Bool {
    let page = page(of: range.upperBound)
    guard blocksEnding.base[page] != 0 else { return false }
    blocksEnding.base[page] &-= 1
    liveBlocks &-= 1
    return true
  }

  /// The recorded break is at `address` now, somewhere where the segment may reach.
  mutating func breakMoved(to address: UInt64, _ changes: inout [HeldChange]) {
    guard address < end else { return move(to: address, &changes) }
    while highestPage > 0 && blocksEnding.base[highestPage] == 0 { highestPage -= 1 }
    let needed = liveBlocks == 0 ? start : start &+ UInt64(highestPage &+ 1) &* 4096
    move(to: min(end, max(address, needed)), &changes)
  }

  /// Another program image has its segment elsewhere; only when no block lives in this one.
  mutating func restart(at address: UInt64, _ changes: inout [HeldChange]) {
    changes.append(start..<end, isGrowth: false)
    start = address & ~4095
    end = start
    highestPage = 0
  }

  private mutating func move(to address: UInt64, _ changes: inout [HeldChange]) {
    let newEnd = (address &+ 4095) & ~4095
    if newEnd > end {
      changes.append(end..<newEnd, isGrowth: true)
    } else {
      changes.append(newEnd..<end, isGrowth: false)
    }
    end = newEnd
  }
}
