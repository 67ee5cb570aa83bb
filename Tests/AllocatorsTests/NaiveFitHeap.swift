// The textbook's fit heap as slow and as plain as can be: a row of blocks, and linear scans.

import Allocators
import MemoryUnits

enum NaivePolicy: CaseIterable { case first, best, next, worst }

/// Keeps only the blocks, sorted by address, and the break.
///
/// Holes are recomputed as the gaps between blocks whenever somebody asks.
struct NaiveFitHeap: NaiveHeap {
  var policy: NaivePolicy
  var parameters: FitParameters
  var blocks: [Range<Int>] = []
  let base: Int
  var brk: Int
  var lastPlacedEnd = 0
  var changes: [HeldChange] = []
  var work = Work()

  /// Where holes stand in lists by size.
  var filing: NaiveFiling?

  init(_ policy: NaivePolicy, _ parameters: FitParameters, base: Int = 0x1000_0000) {
    self.policy = policy
    self.parameters = parameters
    self.base = base
    brk = base
  }

  var topOfBlocks: Int { blocks.last?.upperBound ?? base }

  var holes: [Range<Int>] {
    var gaps: [Range<Int>] = []
    var from = base
    for block in blocks {
      if block.lowerBound > from { gaps.append(from..<block.lowerBound) }
      from = block.upperBound
    }
    return gaps
  }

  func rounded(_ size: Int) -> Int {
    Self.up(max(size, 1) + parameters.header.int, parameters.align.int)
  }

  static func up(_ value: Int, _ unit: Int) -> Int { (value + unit - 1) / unit * unit }

  /// The lowest place in a free run that is aligned and leaves no gap that is too small.
  func place(_ start: Int, _ alignment: Int) -> Int {
    let unit = max(alignment, parameters.align.int)
    let candidates = [Self.up(start, unit), Self.up(start + parameters.min.int, unit)]
    return candidates.filter { $0 == start || $0 - start >= parameters.min.int }.min() ?? -1
  }

  mutating func choose(_ size: Int, _ alignment: Int) -> Range<Int>? {
    if let filing {
      let (hole, inspected) = filing.choose(
        size, alignment > parameters.align.int ? alignment : 1, parameters
      ) { place($0.lowerBound, alignment) + size <= $0.upperBound }
      work.holesInspected += UInt64(inspected)
      return hole
    }
    let holes = self.holes
    func fits(_ hole: Range<Int>) -> Bool {
      place(hole.lowerBound, alignment) + size <= hole.upperBound
    }
    var scan = holes
    if policy == .next {
      scan = holes.filter { $0.lowerBound >= lastPlacedEnd }
      scan += holes.filter { $0.lowerBound < lastPlacedEnd }
    }
    if policy == .first || policy == .next {
      for hole in scan {
        work.holesInspected += 1
        if fits(hole) { return hole }
      }
      return nil
    }
    var best: Range<Int>?
    for hole in scan {
      work.holesInspected += 1
      guard fits(hole) else { continue }
      guard let chosen = best else {
        best = hole
        continue
      }
      if policy == .best ? hole.count < chosen.count : hole.count > chosen.count { best = hole }
    }
    return best
  }

  mutating func allocate(_ size: Int, _ alignment: Int) -> Range<Int> {
    let length = rounded(size)
    let holeCount = holes.count
    defer { countListOperations(since: holeCount) }
    var block: Range<Int>
    if let hole = choose(length, alignment) {
      let start = place(hole.lowerBound, alignment)
      block = start..<(start + length)
      if start > hole.lowerBound { work.splits += 1 }
      let rest = hole.upperBound - block.upperBound
      if rest >= parameters.min.int && rest > 0 {
        work.splits += 1
      } else {
        block = start..<hole.upperBound
      }
    } else {
      let start = place(topOfBlocks, alignment)
      if start > topOfBlocks { work.splits += 1 }
      block = start..<(start + length)
      growTo(block.upperBound)
    }
    blocks.append(block)
    blocks.sort { $0.lowerBound < $1.lowerBound }
    lastPlacedEnd = block.upperBound
    return block
  }

  mutating func growTo(_ end: Int) {
    guard end > brk else { return }
    let growth = Self.up(parameters.growth.int, parameters.align.int)
    let newBreak = brk + Self.up(end - brk, growth)
    changes.append(HeldChange(range: Self.range(brk..<newBreak), isGrowth: true))
    brk = newBreak
  }

  mutating func free(_ block: Range<Int>) {
    let holeCount = holes.count
    defer { countListOperations(since: holeCount) }
    countMerges(of: block)
    blocks.removeAll { $0 == block }
    trim(after: block)
  }

  /// In order of address, holes that only change their bounds cost no operation on the list, and no
  /// step changes their number by more than one.
  mutating func countListOperations(since holeCount: Int) {
    if filing != nil {
      let now = holes
      work.listOperations += UInt64(filing?.update(now) ?? 0)
      return
    }
    work.listOperations += UInt64(abs(holes.count - holeCount))
  }

  /// Free neighbours, before the blocks change.
  mutating func countMerges(of run: Range<Int>) {
    for hole in holes where hole.upperBound == run.lowerBound || hole.lowerBound == run.upperBound {
      work.merges += 1
    }
    if run.upperBound == topOfBlocks, brk > topOfBlocks { work.merges += 1 }
  }

  mutating func trim(after run: Range<Int>) {
    guard run.lowerBound >= topOfBlocks, case .above(let bytes) = parameters.trim else { return }
    let free = brk - topOfBlocks
    let growth = Self.up(parameters.growth.int, parameters.align.int)
    guard free / parameters.align.int > bytes.int / parameters.align.int, free >= growth else {
      return
    }
    let newBreak = brk - free / growth * growth
    changes.append(HeldChange(range: Self.range(newBreak..<brk), isGrowth: false))
    brk = newBreak
  }

  mutating func reallocate(
    _ block: Range<Int>, _ oldSize: Int, _ size: Int, _ alignment: Int
  ) -> Range<Int> {
    let length = rounded(size)
    guard let index = blocks.firstIndex(of: block) else { return 0..<0 }
    if block.lowerBound % max(alignment, parameters.align.int) == 0 {
      let holeCount = holes.count
      defer { countListOperations(since: holeCount) }
      let tail = block.count - length
      if tail >= 0 {
        guard tail > 0, tail >= parameters.min.int else { return block }
        let kept = block.lowerBound..<(block.lowerBound + length)
        work.splits += 1
        countMerges(of: kept.upperBound..<block.upperBound)
        blocks[index] = kept
        trim(after: kept.upperBound..<block.upperBound)
        return kept
      }
      let end = block.lowerBound + length
      if index + 1 == blocks.count {
        growTo(end)
        blocks[index] = block.lowerBound..<end
        return blocks[index]
      }
      let room = blocks[index + 1].lowerBound
      if end <= room {
        let rest = room - end
        let keepsRest = rest > 0 && rest >= parameters.min.int
        if keepsRest { work.splits += 1 }
        blocks[index] = block.lowerBound..<(keepsRest ? end : room)
        return blocks[index]
      }
    }
    let moved = allocate(size, alignment)
    work.bytesMoved += UInt64(min(size, oldSize))
    free(block)
    return moved
  }

  static func range(_ range: Range<Int>) -> Range<Address> {
    Address(UInt64(range.lowerBound))..<Address(UInt64(range.upperBound))
  }
}
