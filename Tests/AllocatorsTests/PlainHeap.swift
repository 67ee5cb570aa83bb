// Any heap against any oracle, step by step.

import Allocators
import MemoryUnits
import TestSupport
import Testing

/// An oracle: a heap of plain arrays and linear scans, with addresses as integers.
protocol PlainHeap {
  var changes: [HeldChange] { get set }
  var work: Work { get }
  mutating func allocate(_ size: Int, _ alignment: Int) -> Range<Int>
  mutating func free(_ block: Range<Int>)
  mutating func reallocate(
    _ block: Range<Int>, _ oldSize: Int, _ size: Int, _ alignment: Int
  ) -> Range<Int>
}

extension NaiveFitHeap: PlainHeap {}
extension NaiveBuddyHeap: PlainHeap {}

/// Runs a sequence on both sides; the first step that goes wrong, with what is wrong.
///
/// The validator, which takes time in proportion to the square of the blocks, watches if asked to.
func firstDisagreement<H: Heap & ~Copyable, P: PlainHeap>(
  _ made: consuming H, _ plain: P, _ steps: [Step], validates: Bool = true,
  prepare: (BlockRequest, inout P) -> Void = { _, _ in }
) -> String? {
  var heap = made
  var plain = plain
  var validator = PlacementValidator()
  var live: [(placement: Placement, block: Range<Int>, size: Int)] = []
  if heap.heldChanges != plain.changes { return "held at first: \(heap.heldChanges)" }
  if validates { _ = validator.apply(heap.heldChanges) }
  for (index, step) in steps.enumerated() {
    heap.heldChanges = []
    plain.changes = []
    var wrong: [String] = []
    var placed: (Placement, Range<Int>)?
    switch step {
    case .allocate(let size, let alignment):
      let request = BlockRequest(
        size: ByteCount(size), alignment: ByteCount(alignment), site: UInt32(index % 5))
      prepare(request, &plain)
      let pair = (heap.allocate(request), plain.allocate(size, alignment))
      if validates {
        wrong += validator.apply(heap.heldChanges) + validator.place(pair.0, for: request)
      }
      live.append((pair.0, pair.1, size))
      placed = pair
    case .free(let choice):
      guard !live.isEmpty else { continue }
      let victim = live.remove(at: choice % live.count)
      heap.free(victim.placement)
      plain.free(victim.block)
      if validates {
        wrong += validator.free(victim.placement) + validator.apply(heap.heldChanges)
      }
    case .reallocate(let choice, let size, let alignment):
      guard !live.isEmpty else { continue }
      let old = live[choice % live.count]
      let request = BlockRequest(
        size: ByteCount(size), alignment: ByteCount(alignment), site: UInt32(index % 5))
      prepare(request, &plain)
      let pair = (
        heap.reallocate(old.placement, oldSize: ByteCount(old.size), to: request),
        plain.reallocate(old.block, old.size, size, alignment)
      )
      if validates {
        wrong += validator.free(old.placement) + validator.apply(heap.heldChanges)
        wrong += validator.place(pair.0, for: request)
      }
      live[choice % live.count] = (pair.0, pair.1, size)
      placed = pair
    }
    if let (placement, block) = placed,
      placement.address.rawValue != block.lowerBound || placement.granted.int != block.count
    {
      wrong.append("placed at \(placement), the oracle at \(block)")
    }
    if heap.heldChanges != plain.changes {
      wrong.append("held changes \(heap.heldChanges), not \(plain.changes)")
    }
    if heap.work != plain.work { wrong.append("work \(heap.work), not \(plain.work)") }
    if !wrong.isEmpty { return "step \(index), \(step): \(wrong)" }
  }
  return nil
}

/// All sequences of six steps over these sizes, which have every shorter one as their beginning.
///
/// Stops at the first for which `check` finds something wrong.
func everySequence(
  of sizes: [Int], late: Step? = nil, check: ([Step]) -> String?
) -> (failure: String?, count: Int) {
  var count = 0
  var failure: String?
  func extend(_ steps: [Step], live: Int) {
    guard failure == nil else { return }
    guard steps.count < 6 else {
      count += 1
      failure = check(steps).map { "\(steps): \($0)" }
      return
    }
    for size in sizes { extend(steps + [.allocate(size)], live: live + 1) }
    if steps.count < 3, let late { extend(steps + [late], live: live + 1) }
    for index in 0..<live {
      extend(steps + [.free(index)], live: live - 1)
      if steps.count > 3 { extend(steps + [.reallocate(index, sizes[0])], live: live) }
      if steps.count > 2 { extend(steps + [.reallocate(index, sizes[1] + 20)], live: live) }
    }
  }
  extend([], live: 0)
  return (failure, count)
}

/// Random steps: first growth, then churn, then shrinking.
func randomCourse(
  _ random: inout SeededRandom, count: Int, largest: Int, alignments: Int = 9
) -> [Step] {
  (0..<count).map { index in
    let bound = Int.random(in: 0..<5, using: &random) == 0 ? largest : max(largest / 30, 32)
    let size = Int.random(in: 0...bound, using: &random)
    let power = Int.random(in: 0..<alignments, using: &random)
    let alignment = Int.random(in: 0..<8, using: &random) == 0 ? 1 << power : 1
    let choice = Int.random(in: 0..<1000, using: &random)
    let phase = index * 3 / count
    switch Int.random(in: 0..<10, using: &random) {
    case 0..<[6, 4, 2][phase]: return .allocate(size, alignment: alignment)
    case 8...: return .reallocate(choice, size, alignment: alignment)
    default: return .free(choice)
    }
  }
}
