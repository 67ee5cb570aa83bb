// What the recorded heap holds outside the data segment: arenas, and blocks mapped on their own.

internal import Allocators
internal import MemoryUnits

/// The address space in regions of 64 MiB, the size and alignment of a thread arena in glibc.
///
/// What a region holds is the union of two parts:
/// * its extent: from the lowest to the highest page that blocks ever covered there. It never
///   shrinks while a block lives in the region and is given back when the last one ends. A block
///   that crosses into other regions counts in each of them. Where the trace says how large the heap
///   of a thread arena is that fills the region, the extent is that, and stays when the last block
///   ends; a live block beyond it, which no sound trace has, is held all the same.
/// * mappings: blocks for each of which the allocator asked the system separately.
struct RegionTable: ~Copyable {
  // Not private: the compiler (6.3.1, debug) cannot lay it out from another file then.
  struct Region: BitwiseCopyable {
    var lower: UInt64 = 0
    var upper: UInt64 = 0
    var blocks: UInt32 = 0
    var mappings: UInt32 = 0
    /// Where ``PageCounts`` has its pages, if this is a heap whose size the trace tells; else 0.
    var slot: UInt32 = 0
    /// The bytes that the trace gives it.
    var heapBytes: UInt32 = 0
  }

  private static let shift: UInt64 = 26
  /// The bytes of a region.
  static let bytes: UInt64 = 1 << shift
  /// Mappings have at least two pages, so a real region has far fewer; a damaged trace may claim
  /// any number, each a little slower than the one before.
  private static let mostMappings: UInt32 = 4096

  private let regions = FlatTable<Region>(count: 1 << (47 - 26))
  private var pages = PageCounts()
  /// The mappings that reach into a region, whole, in no order.
  private var mappings: [Int: [Range<UInt64>]] = [:]

  /// Whether a block that is not mapped on its own lives in the region of this address.
  func hasBlocks(at address: UInt64) -> Bool { regions.base[Int(address >> Self.shift)].blocks > 0 }

  /// Whether the trace tells how large the heap is that the address lies in.
  func isInHeap(_ address: UInt64) -> Bool { regions.base[Int(address >> Self.shift)].slot > 0 }

  /// Whether the regions that these addresses lie in hold nothing.
  func isEmpty(between lower: UInt64, and upper: UInt64) -> Bool {
    indices(of: lower..<upper).allSatisfy {
      let region = regions.base[$0]
      return region.blocks == 0 && region.mappings == 0 && region.slot == 0
    }
  }

  private func indices(of range: Range<UInt64>) -> ClosedRange<Int> {
    Int(range.lowerBound >> Self.shift)...Int((range.upperBound &- 1) >> Self.shift)
  }

  /// The part of a range that lies in one region.
  private func part(of range: Range<UInt64>, in index: Int) -> Range<UInt64> {
    let start = UInt64(index) << Self.shift
    return max(range.lowerBound, start)..<min(range.upperBound, start &+ 1 << Self.shift)
  }

  /// A block below 2^47, not empty, begins.
  mutating func blockBegins(_ range: Range<UInt64>, _ changes: inout [HeldChange]) {
    for index in indices(of: range) {
      let part = part(of: range, in: index)
      let lower = part.lowerBound & ~4095
      let upper = (part.upperBound &+ 4095) & ~4095
      let region = regions.base[index]
      if region.slot > 0 { pages.add(region.slot, end: part.upperBound) }
      if region.blocks > 0 && lower >= region.lower && upper <= region.upper {
        regions.base[index].blocks &+= 1
        continue
      }
      change(index, &changes) { table in
        let isFirst = region.blocks == 0 && region.slot == 0
        table.regions.base[index].lower = isFirst ? lower : min(region.lower, lower)
        table.regions.base[index].upper = isFirst ? upper : max(region.upper, upper)
        table.regions.base[index].blocks &+= 1
      }
    }
  }

  /// A block ends that began here.
  mutating func blockEnds(_ range: Range<UInt64>, _ changes: inout [HeldChange]) {
    for index in indices(of: range) {
      let region = regions.base[index]
      if region.slot > 0, region.blocks > 0 {
        pages.remove(region.slot, end: part(of: range, in: index).upperBound)
      }
      if region.blocks > 1 {
        regions.base[index].blocks = region.blocks &- 1
      } else if region.blocks == 1 {
        change(index, &changes) { table in
          table.regions.base[index].blocks = 0
          table.fitHeap(index)
        }
      }
    }
  }

  /// The heap of a thread arena that begins here has so many bytes; none where it was given back.
  ///
  /// Nothing comes of it where blocks lived in the region before its first report: which of them are
  /// where, nobody counted.
  mutating func heapResized(
    at base: UInt64, to bytes: UInt64, _ changes: inout [HeldChange]
  ) {
    let index = Int(base >> Self.shift)
    guard index < regions.count, base & (Self.bytes - 1) == 0, bytes <= Self.bytes
    else { return }
    if regions.base[index].slot == 0 {
      guard regions.base[index].blocks == 0, bytes > 0, let slot = pages.takeSlot() else { return }
      regions.base[index].slot = slot
    }
    change(index, &changes) { table in
      table.regions.base[index].heapBytes = UInt32((bytes &+ 4095) & ~4095)
      table.fitHeap(index)
    }
  }

  /// Sets the extent of a region whose blocks became fewer, or whose heap has another size.
  private mutating func fitHeap(_ index: Int) {
    let region = regions.base[index]
    let base = UInt64(index) << Self.shift
    var bytes = UInt64(region.heapBytes)
    if region.slot > 0, region.blocks > 0 {
      bytes = max(bytes, pages.extent(region.slot, below: region.upper &- base))
    }
    regions.base[index].lower = bytes > 0 ? base : 0
    regions.base[index].upper = bytes > 0 ? base &+ bytes : 0
    guard region.slot > 0, bytes == 0 else { return }
    pages.giveBack(region.slot)
    regions.base[index].slot = 0
  }

  /// A block begins that is a mapping of its own.
  ///
  /// False when there is no room to note it.
  mutating func mappingBegins(_ range: Range<UInt64>, _ changes: inout [HeldChange]) -> Bool {
    for index in indices(of: range) where regions.base[index].mappings >= Self.mostMappings {
      return false
    }
    for index in indices(of: range) {
      change(index, &changes) { table in
        table.regions.base[index].mappings &+= 1
        table.mappings[index, default: []].append(range)
      }
    }
    return true
  }

  /// The mapping ends that covers exactly this range.
  ///
  /// False when there is none.
  mutating func mappingEnds(_ range: Range<UInt64>, _ changes: inout [HeldChange]) -> Bool {
    let first = Int(range.lowerBound >> Self.shift)
    guard regions.base[first].mappings > 0, mappings[first]?.contains(range) == true else {
      return false
    }
    for index in indices(of: range) {
      change(index, &changes) { table in
        guard let place = table.mappings[index]?.lastIndex(of: range) else { return }
        table.regions.base[index].mappings &-= 1
        table.mappings[index]?.remove(at: place)
        if table.regions.base[index].mappings == 0 { table.mappings[index] = nil }
      }
    }
    return true
  }

  /// Runs `body` and notes how it changed what the region holds.
  private mutating func change(
    _ index: Int, _ changes: inout [HeldChange], _ body: (inout RegionTable) -> Void
  ) {
    let old = held(index)
    body(&self)
    changes.appendDifference(from: old, to: held(index))
  }

  /// What a region holds, sorted, without overlaps.
  private func held(_ index: Int) -> [Range<UInt64>] {
    let region = regions.base[index]
    var ranges: [Range<UInt64>] = []
    if region.lower < region.upper { ranges.append(region.lower..<region.upper) }
    guard region.mappings > 0, let mapped = mappings[index] else { return ranges }
    for range in mapped { ranges.append(part(of: range, in: index)) }
    ranges.sort { $0.lowerBound < $1.lowerBound }
    var union: [Range<UInt64>] = []
    for range in ranges {
      if let last = union.last, range.lowerBound <= last.upperBound {
        union[union.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
      } else {
        union.append(range)
      }
    }
    return union
  }
}
