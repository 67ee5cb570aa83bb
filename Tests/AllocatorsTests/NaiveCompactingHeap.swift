// Compaction as plain as can be: a row of blocks that is shifted, or refilled from its end.

import Allocators
import MemoryUnits

/// A row of blocks with names, over the row of the plain heap.
struct NaiveCompactingHeap {
  struct Block {
    var handle: UInt32
    var range: Range<Int>
    var alignment: Int
  }

  var plain: NaiveFitHeap
  let parameters: FitParameters
  var known: [Block] = []
  var moves: [Relocation] = []
  var requests = 0
  var allocatedBytes = 0
  var movedBytes = 0
  var bytesLeft = 0
  var isSettled = true

  init(_ policy: NaivePolicy, _ parameters: FitParameters) {
    plain = NaiveFitHeap(policy, parameters)
    self.parameters = parameters
  }

  var holeBytes: Int { plain.holes.reduce(0) { $0 + $1.count } }

  // MARK: Requests

  mutating func allocate(_ size: Int, _ alignment: Int, _ handle: UInt32) -> Range<Int> {
    begin()
    defer { finish() }
    passIfDue()
    return place(size, alignment, handle)
  }

  mutating func free(_ handle: UInt32) {
    begin()
    drop(handle)
    passIfDue()
    finish()
  }

  mutating func reallocate(
    _ handle: UInt32, _ oldSize: Int, _ size: Int, _ alignment: Int
  ) -> Range<Int> {
    begin()
    defer { finish() }
    passIfDue()
    guard let index = known.firstIndex(where: { $0.handle == handle }) else { return 0..<0 }
    let old = known[index].range
    // The plain heap resizes in place exactly if it says so of a copy of it.
    var trial = plain
    let result = trial.reallocate(old, oldSize, size, alignment)
    if result.lowerBound == old.lowerBound {
      plain = trial
      if result.count < old.count { isSettled = false }
      allocatedBytes += max(result.count - old.count, 0)
      known[index].range = result
      known[index].alignment = alignment
      return result
    }
    let moved = place(size, alignment, .max)
    plain.work.bytesMoved += UInt64(min(size, oldSize))
    drop(handle)
    known[known.count - 1].handle = handle
    return moved
  }

  mutating func place(_ size: Int, _ alignment: Int, _ handle: UInt32) -> Range<Int> {
    let length = plain.rounded(size)
    let fits = plain.holes.contains {
      plain.place($0.lowerBound, alignment) + length <= $0.upperBound
    }
    if !fits, parameters.compaction.trigger == .failure, !isSettled, holeBytes >= length {
      plain.work.holesInspected += UInt64(plain.holes.count)
      pass()
    }
    let range = plain.allocate(size, alignment)
    allocatedBytes += range.count
    known.append(Block(handle: handle, range: range, alignment: alignment))
    return range
  }

  mutating func drop(_ handle: UInt32) {
    guard let index = known.firstIndex(where: { $0.handle == handle }) else { return }
    plain.free(known.remove(at: index).range)
    isSettled = false
  }

  mutating func begin() {
    requests += 1
    moves = []
    plain.changes = []
  }

  /// Trims if a pass kept the heap from it.
  mutating func finish() {
    guard plain.parameters.trim != parameters.trim else { return }
    plain.parameters.trim = parameters.trim
    plain.trim(after: plain.topOfBlocks..<plain.topOfBlocks)
  }

  // MARK: Passes

  mutating func passIfDue() {
    let held = plain.brk - plain.base
    let isDue =
      switch parameters.compaction.trigger {
      case .failure: false
      case .every(let count): requests >= count
      case .share(let percent):
        holeBytes * 100 > held * percent && holeBytes > 2 * bytesLeft
      }
    if isDue { pass() }
  }

  mutating func pass() {
    requests = 0
    plain.parameters.trim = .never
    isSettled = parameters.compaction.method == .sliding ? slide() : fill()
    bytesLeft = holeBytes
  }

  func affords(_ bytes: Int) -> Bool {
    parameters.compaction.budget.map { (movedBytes + bytes) * $0 <= allocatedBytes } ?? true
  }

  mutating func move(_ index: Int, to range: Range<Int>) {
    let old = known[index].range
    known[index].range = range
    movedBytes += old.count
    plain.work.blocksRelocated += 1
    plain.work.bytesRelocated += UInt64(old.count)
    moves.append(
      Relocation(
        handle: known[index].handle, from: Self.placement(old), to: Self.placement(range)))
  }

  mutating func slide() -> Bool {
    guard let lowest = plain.holes.first else { return true }
    let before = plain.holes
    var free = lowest.lowerBound
    var stop: Int?
    for old in plain.blocks where old.lowerBound > lowest.lowerBound {
      guard let index = known.firstIndex(where: { $0.range == old }) else { return false }
      let start = min(plain.place(free, known[index].alignment), old.lowerBound)
      if start < old.lowerBound {
        guard affords(old.count) else {
          stop = old.lowerBound
          break
        }
        move(index, to: start..<start + old.count)
      }
      free = start + old.count
    }
    plain.blocks = known.map(\.range).sorted { $0.lowerBound < $1.lowerBound }
    // Holes behind the block at which the pass ended were not touched.
    for holes in [before, plain.holes] {
      plain.work.listOperations += UInt64(holes.filter { $0.upperBound <= stop ?? .max }.count)
    }
    return stop == nil
  }

  mutating func fill() -> Bool {
    for old in plain.blocks.reversed() {
      let below = plain.holes.filter { $0.lowerBound < old.lowerBound }
      if below.isEmpty { return true }
      guard let index = known.firstIndex(where: { $0.range == old }) else { return false }
      let alignment = known[index].alignment
      let target = below.first {
        plain.place($0.lowerBound, alignment) + old.count <= $0.upperBound
      }
      guard let target else { continue }
      guard affords(old.count) else { return false }
      let start = plain.place(target.lowerBound, alignment)
      let rest = target.upperBound - start - old.count
      let keepsRest = rest > 0 && rest >= parameters.min.int
      plain.work.splits += (start > target.lowerBound ? 1 : 0) + (keepsRest ? 1 : 0)
      let holeCount = plain.holes.count
      let new = start..<(keepsRest ? start + old.count : target.upperBound)
      plain.blocks.append(new)
      plain.blocks.sort { $0.lowerBound < $1.lowerBound }
      plain.countListOperations(since: holeCount)
      move(index, to: new)
      plain.free(old)
    }
    return true
  }

  static func placement(_ range: Range<Int>) -> Placement {
    Placement(address: Address(UInt64(range.lowerBound)), granted: ByteCount(range.count))
  }
}
