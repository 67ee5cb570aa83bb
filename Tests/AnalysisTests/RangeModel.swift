// A naive model of an address space: arrays of ranges, everything recomputed from scratch.

import Allocators
import MemoryUnits

@testable import Analysis

/// What a heap holds and where its blocks are, with the measures computed the slow way.
struct RangeModel {
  var held: [Range<UInt64>] = []
  var blocks: [Range<UInt64>] = []
  var touched: Set<UInt64> = []

  mutating func hold(_ range: Range<UInt64>) { held.append(range) }

  mutating func release(_ range: Range<UInt64>) {
    held = held.flatMap { piece -> [Range<UInt64>] in
      let below = piece.lowerBound..<max(piece.lowerBound, min(piece.upperBound, range.lowerBound))
      let above = min(piece.upperBound, max(piece.lowerBound, range.upperBound))..<piece.upperBound
      return [below, above].filter { !$0.isEmpty }
    }
    let pages = range.lowerBound / 4096...(range.upperBound - 1) / 4096
    touched.subtract(pages.filter { page in bytes(of: held, onPage: page) == 0 })
  }

  mutating func begin(_ range: Range<UInt64>) {
    blocks.append(range)
    touched.formUnion(range.lowerBound / 4096...(range.upperBound - 1) / 4096)
  }

  mutating func end(_ range: Range<UInt64>) { blocks.removeAll { $0 == range } }

  func bytes(of ranges: [Range<UInt64>], onPage page: UInt64) -> Int64 {
    let whole = page * 4096..<(page + 1) * 4096
    return ranges.reduce(0) { $0 + Int64($1.clamped(to: whole).count) }
  }

  /// The held ranges, those that touch joined.
  var segments: [Range<UInt64>] {
    var result: [Range<UInt64>] = []
    for range in held.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = result.last, last.upperBound == range.lowerBound {
        result[result.count - 1] = last.lowerBound..<range.upperBound
      } else {
        result.append(range)
      }
    }
    return result
  }

  /// The holes, and the free runs at the tops of the segments.
  var freeRuns: (holes: [UInt64], tops: [UInt64]) {
    var holes: [UInt64] = []
    var tops: [UInt64] = []
    let sorted = blocks.sorted { $0.lowerBound < $1.lowerBound }
    for segment in segments {
      var position = segment.lowerBound
      for block in sorted where segment.overlaps(block) {
        if block.lowerBound > position { holes.append(block.lowerBound - position) }
        position = block.upperBound
      }
      if segment.upperBound > position { tops.append(segment.upperBound - position) }
    }
    return (holes, tops)
  }

  var census: MapCensus {
    var result = MapCensus()
    let (holes, tops) = freeRuns
    result.holes = holes.count
    result.holeBytes = Int64(holes.reduce(0, +))
    result.largestHole = Int64(holes.max() ?? 0)
    result.wildernessBytes = Int64(tops.reduce(0, +))
    for hole in holes {
      var power = 0
      while 2 << power <= hole { power += 1 }
      while result.holeHistogram.count <= power { result.holeHistogram.append(HoleBucket()) }
      result.holeHistogram[power].count += 1
      result.holeHistogram[power].bytes = ByteCount(
        result.holeHistogram[power].bytes.rawValue + Int64(hole))
    }
    var pages: Set<UInt64> = []
    for range in held { pages.formUnion(range.lowerBound / 4096...(range.upperBound - 1) / 4096) }
    for page in pages {
      let live = bytes(of: blocks, onPage: page)
      let free = bytes(of: held, onPage: page) - live
      if live == 0 {
        result.freePageBytes += free
      } else {
        result.occupiedPages += 1
        result.pinnedBytes += free
        var bucket = 0
        while live * 16 > Int64(bucket + 1) * 4096 { bucket += 1 }
        result.pageOccupancy[bucket] += 1
      }
    }
    return result
  }
}

extension Range where Bound == UInt64 {
  var addresses: Range<Address> { Address(lowerBound)..<Address(upperBound) }
}

/// What differs between the map and the model; empty where nothing does.
func differences(_ map: inout AddressMap, _ model: RangeModel) -> [String] {
  var result: [String] = []
  let (holes, tops) = model.freeRuns
  if map.freeRuns != holes.count + tops.count { result.append("free runs \(map.freeRuns)") }
  let free = Int64(holes.reduce(0, +) + tops.reduce(0, +))
  if map.freeBytes != free { result.append("free bytes \(map.freeBytes), not \(free)") }
  if map.touchedPages != model.touched.count {
    result.append("touched pages \(map.touchedPages), not \(model.touched.count)")
  }
  let wilderness = Wilderness(count: Int64(tops.count), bytes: Int64(tops.reduce(0, +)))
  let found = map.wilderness()
  if found != wilderness { result.append("\(found), not \(wilderness)") }
  let census = map.census()
  if census != model.census { result.append("\(census), not \(model.census)") }
  return result
}
