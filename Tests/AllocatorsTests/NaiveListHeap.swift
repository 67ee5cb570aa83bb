// The textbook's fit heap with an explicit list of free pieces: plain arrays, linear scans.

import Allocators
import MemoryUnits

/// What a duel asks of the slow side.
protocol NaiveHeap {
  var changes: [HeldChange] { get set }
  var work: Work { get }
  var base: Int { get }
  var brk: Int { get }
  /// In order of address, without the wilderness.
  var holes: [Range<Int>] { get }
  mutating func allocate(_ size: Int, _ alignment: Int) -> Range<Int>
  mutating func free(_ block: Range<Int>)
  mutating func reallocate(
    _ block: Range<Int>, _ oldSize: Int, _ size: Int, _ alignment: Int
  ) -> Range<Int>
}

/// Keeps the free pieces in an array in list order, and where the wilderness begins.
struct NaiveListHeap: NaiveHeap {
  let policy: NaivePolicy
  let parameters: FitParameters
  let base = 0x1000_0000
  var brk = 0x1000_0000
  var top = 0x1000_0000
  var list: [Range<Int>] = []
  /// The place on the list at which the next scan of next fit begins.
  var rover = 0
  /// The same in order of address: where the block placed last ended.
  var lastPlacedEnd = 0
  var changes: [HeldChange] = []
  var work = Work()

  init(_ policy: NaivePolicy, _ parameters: FitParameters) {
    self.policy = policy
    self.parameters = parameters
  }

  var holes: [Range<Int>] { list.sorted { $0.lowerBound < $1.lowerBound } }
  var isByAddress: Bool { parameters.order == .address }
  var unit: Int { parameters.align.int }
  var growth: Int { up(parameters.growth.int, unit) }

  func up(_ value: Int, _ unit: Int) -> Int { (value + unit - 1) / unit * unit }

  // MARK: The list

  mutating func put(_ piece: Range<Int>) {
    work.listOperations += 1
    switch parameters.order {
    case .address:
      list.append(piece)
      list.sort { $0.lowerBound < $1.lowerBound }
    case .lifo:
      list.insert(piece, at: 0)
      rover += 1
    case .fifo: list.append(piece)
    }
  }

  mutating func take(_ piece: Range<Int>) {
    guard let index = list.firstIndex(of: piece) else { return }
    work.listOperations += 1
    list.remove(at: index)
    if index < rover { rover -= 1 }
  }

  /// Makes one piece of free ones that touch, and perhaps of a run that is not on the list yet.
  mutating func join(_ old: [Range<Int>], to whole: Range<Int>) {
    if isByAddress, let first = old.first, let index = list.firstIndex(of: first) {
      for piece in old.dropFirst() { take(piece) }
      list[index] = whole
    } else {
      for piece in old { take(piece) }
      put(whole)
    }
  }

  // MARK: Choosing

  func position(in start: Int, _ alignment: Int) -> Int {
    let place = up(start, max(alignment, unit))
    let isGapShort = place != start && place - start < parameters.min.int
    return isGapShort ? up(start + parameters.min.int, max(alignment, unit)) : place
  }

  func fits(_ hole: Range<Int>, _ length: Int, _ alignment: Int) -> Bool {
    hole.count >= length && position(in: hole.lowerBound, alignment) + length <= hole.upperBound
  }

  mutating func choose(_ length: Int, _ alignment: Int) -> Int? {
    var index = 0
    if policy == .next {
      index = isByAddress ? list.filter { $0.lowerBound < lastPlacedEnd }.count : rover
    }
    var found: Int?
    for _ in 0..<list.count {
      if index == list.count { index = 0 }
      defer { index += 1 }
      work.holesInspected += 1
      guard fits(list[index], length, alignment) else { continue }
      switch policy {
      case .first, .next:
        rover = index
        return index
      case .best: if found.map({ list[index].count < list[$0].count }) ?? true { found = index }
      case .worst: if found.map({ list[index].count > list[$0].count }) ?? true { found = index }
      }
    }
    return found
  }

  // MARK: Requests

  func rounded(_ size: Int) -> Int { up(max(size, 1) + parameters.header.int, unit) }

  mutating func allocate(_ size: Int, _ alignment: Int) -> Range<Int> {
    let length = rounded(size)
    if let index = choose(length, alignment) { return cut(length, alignment, index) }
    var isSwept = false
    if parameters.coalesce == .deferred {
      isSwept = sweep()
      if isSwept, let index = choose(length, alignment) {
        let block = cut(length, alignment, index)
        trim()
        return block
      }
    }
    let start = position(in: top, alignment)
    growTo(start + length)
    if start > top {
      work.splits += 1
      put(top..<start)
    }
    top = start + length
    lastPlacedEnd = top
    if isSwept { trim() }
    return start..<top
  }

  mutating func cut(_ length: Int, _ alignment: Int, _ index: Int) -> Range<Int> {
    let hole = list[index]
    let start = position(in: hole.lowerBound, alignment)
    var end = start + length
    if end < hole.upperBound, hole.upperBound - end < parameters.min.int { end = hole.upperBound }
    let rests = [hole.lowerBound..<start, end..<hole.upperBound].filter { !$0.isEmpty }
    work.splits += UInt64(rests.count)
    if let first = rests.first { list[index] = first } else { take(hole) }
    if rests.count == 2 { put(rests[1]) }
    lastPlacedEnd = end
    return start..<end
  }

  mutating func free(_ run: Range<Int>) {
    guard parameters.coalesce == .immediate else { return put(run) }
    let neighbours = holes.filter {
      $0.upperBound == run.lowerBound || $0.lowerBound == run.upperBound
    }
    work.merges += UInt64(neighbours.count)
    let start = neighbours.map(\.lowerBound).reduce(run.lowerBound, min)
    if run.upperBound == top {
      if top < brk { work.merges += 1 }
      for piece in neighbours { take(piece) }
      top = start
      trim()
    } else {
      join(neighbours, to: start..<neighbours.map(\.upperBound).reduce(run.upperBound, max))
    }
  }

  /// Joins all that touches; says whether anything did.
  mutating func sweep() -> Bool {
    let pieces = holes
    var runs: [[Range<Int>]] = []
    for piece in pieces {
      if runs.last?.last?.upperBound == piece.lowerBound {
        runs[runs.count - 1].append(piece)
      } else {
        runs.append([piece])
      }
    }
    let reachesTop = pieces.last?.upperBound == top
    guard reachesTop || runs.count < pieces.count else { return false }
    work.holesInspected += UInt64(pieces.count)
    for run in runs {
      let whole = run[0].lowerBound..<run[run.count - 1].upperBound
      work.merges += UInt64(run.count - 1)
      if whole.upperBound == top {
        if top < brk { work.merges += 1 }
        for piece in run { take(piece) }
        top = whole.lowerBound
      } else if run.count > 1 {
        join(run, to: whole)
      }
    }
    return true
  }

  mutating func growTo(_ end: Int) {
    while brk < end {
      let more = up(end - brk, growth)
      changes.append(HeldChange(range: NaiveFitHeap.range(brk..<brk + more), isGrowth: true))
      brk += more
    }
  }

  mutating func trim() {
    guard case .above(let bytes) = parameters.trim else { return }
    let surplus = (brk - top) / growth * growth
    guard (brk - top) / unit > bytes.int / unit, surplus > 0 else { return }
    changes.append(HeldChange(range: NaiveFitHeap.range(brk - surplus..<brk), isGrowth: false))
    brk -= surplus
  }

  mutating func reallocate(
    _ block: Range<Int>, _ oldSize: Int, _ size: Int, _ alignment: Int
  ) -> Range<Int> {
    let length = rounded(size)
    let end = block.lowerBound + length
    if block.lowerBound % max(alignment, unit) == 0 {
      if end <= block.upperBound {
        guard end < block.upperBound, block.upperBound - end >= parameters.min.int else {
          return block
        }
        work.splits += 1
        free(end..<block.upperBound)
        return block.lowerBound..<end
      }
      if block.upperBound == top {
        growTo(end)
        top = end
        return block.lowerBound..<end
      }
      if let next = list.firstIndex(where: { $0.lowerBound == block.upperBound }),
        list[next].upperBound >= end
      {
        let placed = lastPlacedEnd
        let grown = cut(end - block.upperBound, 1, next)
        lastPlacedEnd = placed
        return block.lowerBound..<grown.upperBound
      }
    }
    let moved = allocate(size, alignment)
    work.bytesMoved += UInt64(min(size, oldSize))
    free(block)
    return moved
  }
}
