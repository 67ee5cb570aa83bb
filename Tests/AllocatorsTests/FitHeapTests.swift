// First, best, next and worst fit against the textbook, step by step.

import Allocators
import MemoryUnits
import TestSupport
import Testing

enum Step: Equatable, Sendable {
  case allocate(Int, alignment: Int = 1)
  case free(Int)
  case reallocate(Int, Int, alignment: Int = 1)
}

/// A heap and its oracle side by side.
struct FitDuel<Policy: FitPolicy & ~Copyable>: ~Copyable {
  var heap: FitHeap<Policy>
  var naive: any NaiveHeap
  var validator = PlacementValidator()
  var live: [(placement: Placement, block: Range<Int>, size: Int)] = []

  /// Whether the validator watches, which takes time in proportion to the square of the blocks.
  let validates: Bool

  init(_ policy: NaivePolicy, _ parameters: FitParameters, validates: Bool) {
    self.validates = validates
    heap = FitHeap(parameters)
    let isPlain = parameters.order == .address && parameters.coalesce == .immediate
    naive =
      isPlain ? NaiveFitHeap(policy, parameters) : NaiveListHeap(policy, parameters)
  }

  /// Takes a step on both sides; returns what differs or is wrong.
  mutating func take(_ step: Step, comparesState: Bool = true) -> [String] {
    naive.changes = []
    heap.heldChanges = []
    var wrong: [String] = []
    switch step {
    case .allocate(let size, let alignment):
      let request = BlockRequest(size: ByteCount(size), alignment: ByteCount(alignment))
      let placement = heap.allocate(request)
      let block = naive.allocate(size, alignment)
      live.append((placement, block, size))
      if validates { wrong += validator.apply(heap.heldChanges) }
      if validates { wrong += validator.place(placement, for: request) }
      wrong += compare(placement, block)
    case .free(let choice):
      guard !live.isEmpty else { return [] }
      let victim = live.remove(at: choice % live.count)
      heap.free(victim.placement)
      naive.free(victim.block)
      if validates { wrong += validator.free(victim.placement) }
      if validates { wrong += validator.apply(heap.heldChanges) }
    case .reallocate(let choice, let size, let alignment):
      guard !live.isEmpty else { return [] }
      let index = choice % live.count
      let old = live[index]
      let request = BlockRequest(size: ByteCount(size), alignment: ByteCount(alignment))
      let placement = heap.reallocate(old.placement, oldSize: ByteCount(old.size), to: request)
      let block = naive.reallocate(old.block, old.size, size, alignment)
      live[index] = (placement, block, size)
      if validates { wrong += validator.free(old.placement) }
      if validates { wrong += validator.apply(heap.heldChanges) }
      if validates { wrong += validator.place(placement, for: request) }
      wrong += compare(placement, block)
    }
    return comparesState ? wrong + compareState() : wrong
  }

  func compare(_ placement: Placement, _ block: Range<Int>) -> [String] {
    let same =
      placement.address.rawValue == block.lowerBound && placement.granted.int == block.count
    return same ? [] : ["placed at \(placement), the scan at \(block)"]
  }

  func compareState() -> [String] {
    var wrong: [String] = []
    let holes = naive.holes.map(NaiveFitHeap.range)
    if heap.holes != holes { wrong.append("holes \(heap.holes), not \(holes)") }
    if heap.holeCount != holes.count { wrong.append("counts \(heap.holeCount) holes") }
    if heap.heldChanges != naive.changes { wrong.append("held changes \(heap.heldChanges)") }
    if heap.held != NaiveFitHeap.range(naive.base..<naive.brk) { wrong.append("held \(heap.held)") }
    if heap.work != naive.work { wrong.append("work \(heap.work), not \(naive.work)") }
    guard validates else { return wrong }
    var free = holes
    if !heap.wilderness.isEmpty { free.append(heap.wilderness) }
    if validator.freeRuns != Self.joined(free) { wrong.append("free runs \(validator.freeRuns)") }
    let total = validator.grantedBytes + free.reduce(.zero) { $0 + $1.byteCount }
    if total != validator.heldBytes { wrong.append("bytes lost: \(total)") }
    return wrong
  }

  /// Touching runs as one.
  static func joined(_ runs: [Range<Address>]) -> [Range<Address>] {
    runs.reduce(into: []) { joined, run in
      if let last = joined.last, last.upperBound == run.lowerBound {
        joined[joined.count - 1] = last.lowerBound..<run.upperBound
      } else {
        joined.append(run)
      }
    }
  }
}

/// Runs a whole sequence; the first step that goes wrong, with what is wrong.
func firstDifference(
  _ policy: NaivePolicy, _ parameters: FitParameters, _ steps: [Step], compareEvery: Int = 1
) -> String? {
  func run<Policy: FitPolicy & ~Copyable>(_ duel: consuming FitDuel<Policy>) -> String? {
    var duel = duel
    for (index, step) in steps.enumerated() {
      let wrong = duel.take(step, comparesState: (index + 1) % compareEvery == 0)
      if !wrong.isEmpty { return "step \(index), \(step): \(wrong)" }
    }
    return nil
  }
  let validates = compareEvery == 1
  if parameters.order != .address {
    switch policy {
    case .first: return run(FitDuel<Listed<FirstFit>>(policy, parameters, validates: validates))
    case .best: return run(FitDuel<Listed<BestFit>>(policy, parameters, validates: validates))
    case .next: return run(FitDuel<Listed<NextFit>>(policy, parameters, validates: validates))
    case .worst: return run(FitDuel<Listed<WorstFit>>(policy, parameters, validates: validates))
    }
  }
  switch policy {
  case .first: return run(FitDuel<FirstFit>(policy, parameters, validates: validates))
  case .best: return run(FitDuel<BestFit>(policy, parameters, validates: validates))
  case .next: return run(FitDuel<NextFit>(policy, parameters, validates: validates))
  case .worst: return run(FitDuel<WorstFit>(policy, parameters, validates: validates))
  }
}

let parameterSets = [
  FitParameters(),
  FitParameters(header: 8, align: 8, min: 24, growth: 64, trim: .always),
  FitParameters(align: 16, min: 64, growth: 256, trim: .above(512)),
  FitParameters(align: 1, min: 1, growth: 1),
  FitParameters(header: 16, align: 32, min: 100, growth: 16, trim: .above(0)),
]

@Suite struct FitHeapTests {
  @Test(
    "agrees with the linear scan on every sequence of up to six steps",
    arguments: NaivePolicy.allCases, [parameterSets[0], parameterSets[1]])
  func everySequence(policy: NaivePolicy, parameters: FitParameters) {
    var sequences = 0
    var failure: String?
    func extend(_ steps: [Step], live: Int) {
      guard failure == nil else { return }
      // Every shorter sequence is checked as the beginning of a longer one.
      if steps.count == 6 {
        sequences += 1
        failure = firstDifference(policy, parameters, steps).map { "\(steps): \($0)" }
      }
      guard steps.count < 6 else { return }
      for step in [Step.allocate(16), .allocate(40)] { extend(steps + [step], live: live + 1) }
      if steps.count > 1 { extend(steps + [.allocate(16, alignment: 64)], live: live + 1) }
      for index in 0..<live {
        extend(steps + [.free(index)], live: live - 1)
        if steps.count > 3 { extend(steps + [.reallocate(index, 16)], live: live) }
        if steps.count > 2 { extend(steps + [.reallocate(index, 60)], live: live) }
      }
    }
    extend([], live: 0)
    #expect(failure == nil)
    #expect(sequences > 5_000)
  }

  @Test(
    "agrees with the linear scan on random sequences",
    arguments: NaivePolicy.allCases, parameterSets)
  func randomSequences(policy: NaivePolicy, parameters: FitParameters) {
    for seed in 0..<500 {
      var random = SeededRandom(seed: UInt64(seed))
      let steps = randomSteps(&random, count: 20 + seed % 61)
      let failure = firstDifference(policy, parameters, steps)
      #expect(failure == nil, "seed \(seed)")
      if failure != nil { return }
    }
  }

  // Some thousand blocks, over so many addresses that searches climb and descend in the trees.
  @Test("agrees with the linear scan on a long course", arguments: NaivePolicy.allCases)
  func longCourse(policy: NaivePolicy) {
    var random = SeededRandom(seed: 99)
    var steps: [Step] = []
    for phase in 0..<4 {
      for _ in 0..<2000 {
        let large = Int.random(in: 0..<8, using: &random) == 0
        let size = Int.random(in: 1...(large ? 200_000 : 600), using: &random)
        let choice = Int.random(in: 0..<100_000, using: &random)
        switch Int.random(in: 0..<20, using: &random) {
        case 0: steps.append(.reallocate(choice, size))
        case 1: steps.append(.allocate(size, alignment: 4096))
        case 2..<[18, 11, 6, 11][phase]: steps.append(.allocate(size))
        default: steps.append(.free(choice))
        }
      }
    }
    #expect(firstDifference(policy, FitParameters(), steps, compareEvery: 500) == nil)
  }

  func randomSteps(_ random: inout SeededRandom, count: Int) -> [Step] {
    let largest = [64, 300, 5000][Int.random(in: 0..<3, using: &random)]
    return (0..<count).map { index in
      let size = Int.random(in: 0...largest, using: &random)
      let power = Int.random(in: 0..<9, using: &random)
      let alignment = Int.random(in: 0..<6, using: &random) == 0 ? 1 << power : 1
      let choice = Int.random(in: 0..<1000, using: &random)
      // Grow first, then churn, then shrink.
      let phase = index * 3 / count
      switch Int.random(in: 0..<10, using: &random) {
      case 0..<[6, 4, 2][phase]: return .allocate(size, alignment: alignment)
      case 8...: return .reallocate(choice, size, alignment: alignment)
      default: return .free(choice)
      }
    }
  }
}
