// Partitions as plain arrays.

import Allocators
import MemoryUnits

/// Segments beyond a heap's own space, one after the other.
struct NaiveSegments {
  var next = 1 << 56
  var changes: [HeldChange] = []

  mutating func place(_ size: Int, _ alignment: Int) -> Range<Int> {
    let unit = max(alignment, 4096)
    let start = (next + unit - 1) / unit * unit
    next = start + (max(size, 1) + 4095) / 4096 * 4096
    changes.append(HeldChange(range: NaiveFitHeap.range(start..<next), isGrowth: true))
    return start..<next
  }

  mutating func free(_ block: Range<Int>) {
    changes.append(HeldChange(range: NaiveFitHeap.range(block), isGrowth: false))
  }
}

/// Every partition with whether it is free.
struct NaiveFixedPartitions: PlainHeap {
  let isBest: Bool
  var partitions: [(range: Range<Int>, isFree: Bool)] = []
  var segments = NaiveSegments()
  var work = Work()

  var changes: [HeldChange] {
    get { segments.changes }
    set { segments.changes = newValue }
  }

  init(_ sizes: [Int], isBest: Bool) {
    self.isBest = isBest
    var start = 0x1000_0000
    for size in sizes {
      partitions.append((start..<(start + size), true))
      start += size
    }
    changes = [HeldChange(range: NaiveFitHeap.range(0x1000_0000..<start), isGrowth: true)]
  }

  mutating func allocate(_ size: Int, _ alignment: Int) -> Range<Int> {
    var chosen: Int?
    for (index, partition) in partitions.enumerated()
    where partition.isFree && partition.range.count >= size
      && partition.range.lowerBound % alignment == 0
    {
      guard let before = chosen else {
        chosen = index
        continue
      }
      if isBest, partition.range.count < partitions[before].range.count { chosen = index }
    }
    guard let chosen else {
      work.failures += 1
      return segments.place(size, alignment)
    }
    partitions[chosen].isFree = false
    return partitions[chosen].range
  }

  mutating func free(_ block: Range<Int>) {
    guard let index = partitions.firstIndex(where: { $0.range == block }) else {
      return segments.free(block)
    }
    partitions[index].isFree = true
  }

  mutating func reallocate(
    _ block: Range<Int>, _ oldSize: Int, _ size: Int, _ alignment: Int
  ) -> Range<Int> {
    if partitions.contains(where: { $0.range == block }), block.count >= size,
      block.lowerBound % alignment == 0
    {
      return block
    }
    let moved = allocate(size, alignment)
    work.bytesMoved += UInt64(min(size, oldSize))
    free(block)
    return moved
  }
}

/// A row of first-fit heaps, each asked only for what fits.
struct NaiveStaticPartitions: PlainHeap {
  let parameters: StaticPartitionParameters
  var regions: [NaiveFitHeap] = []
  var segments = NaiveSegments()
  var own = Work()
  var site: UInt32 = 0

  var changes: [HeldChange] {
    get { segments.changes }
    set { segments.changes = newValue }
  }

  var work: Work { regions.reduce(own) { $0 + $1.work } }

  init(_ parameters: StaticPartitionParameters) {
    self.parameters = parameters
    let count = parameters.by == .size ? parameters.limits.count + 1 : parameters.regions
    let size = parameters.size.int
    for region in 0..<count {
      regions.append(
        NaiveFitHeap(
          .first, FitParameters(growth: parameters.size), base: 0x1000_0000 + region * size))
    }
    let whole = 0x1000_0000..<(0x1000_0000 + count * size)
    changes = [HeldChange(range: NaiveFitHeap.range(whole), isGrowth: true)]
  }

  func region(_ size: Int) -> Int {
    if parameters.by == .size {
      return parameters.limits.firstIndex { $0 >= size } ?? parameters.limits.count
    }
    var random = UInt64(site)
    random = (random ^ (random >> 30)) &* 0xbf58_476d_1ce4_e5b9
    random = (random ^ (random >> 27)) &* 0x94d0_49bb_1331_11eb
    return Int((random ^ (random >> 31)) % UInt64(regions.count))
  }

  func end(_ region: Int) -> Int { regions[region].base + parameters.size.int }

  mutating func allocate(_ size: Int, _ alignment: Int) -> Range<Int> {
    let region = region(size)
    let before = regions[region]
    let block = regions[region].allocate(size, alignment)
    if block.upperBound <= end(region) { return block }
    return fail(region, before, size, alignment)
  }

  /// Takes a placement back but for the holes that were looked at.
  mutating func fail(
    _ region: Int, _ before: NaiveFitHeap, _ size: Int, _ alignment: Int
  ) -> Range<Int> {
    let inspected = regions[region].work.holesInspected
    regions[region] = before
    regions[region].work.holesInspected = inspected
    own.failures += 1
    return segments.place(size, alignment)
  }

  func regionOf(_ block: Range<Int>) -> Int? {
    regions.firstIndex { $0.blocks.contains(block) }
  }

  mutating func free(_ block: Range<Int>) {
    guard let region = regionOf(block) else { return segments.free(block) }
    regions[region].free(block)
  }

  mutating func reallocate(
    _ block: Range<Int>, _ oldSize: Int, _ size: Int, _ alignment: Int
  ) -> Range<Int> {
    let region = region(size)
    if regionOf(block) == region {
      let before = regions[region]
      let resized = regions[region].reallocate(block, oldSize, size, alignment)
      if resized.upperBound <= end(region) { return resized }
      regions[region] = before
    }
    let moved = allocate(size, alignment)
    own.bytesMoved += UInt64(min(size, oldSize))
    free(block)
    return moved
  }
}
