// Heaps that move blocks against an oracle that shifts a row, and what compaction must achieve.

import Allocators
import MemoryUnits
import TestSupport
import Testing

/// A compacting heap and its oracle side by side.
struct CompactionDuel<Policy: FitPolicy & ~Copyable>: ~Copyable {
  struct Block {
    var handle: UInt32
    var placement: Placement
    var request: BlockRequest
  }

  var heap: CompactingHeap<Policy>
  var naive: NaiveCompactingHeap
  var validator = PlacementValidator()
  var live: [Block] = []
  var wrong: [String] = []
  var handles: UInt32 = 0

  init(_ policy: NaivePolicy, _ parameters: FitParameters) {
    heap = CompactingHeap(parameters)
    naive = NaiveCompactingHeap(policy, parameters)
  }

  /// Takes a step on both sides; returns what differs or is wrong.
  mutating func take(_ step: Step) -> [String] {
    heap.heldChanges = []
    heap.relocations = []
    wrong = []
    switch step {
    case .allocate(let size, let alignment):
      handles += 1
      let request = BlockRequest(
        size: ByteCount(size), alignment: ByteCount(alignment), handle: handles)
      let placement = heap.allocate(request)
      let block = naive.allocate(size, alignment, handles)
      followMoves()
      place(placement, block, request, at: live.count)
    case .free(let choice):
      guard !live.isEmpty else { return [] }
      let victim = live.remove(at: choice % live.count)
      heap.free(victim.placement)
      naive.free(victim.handle)
      wrong += validator.free(victim.placement)
      followMoves()
    case .reallocate(let choice, let size, let alignment):
      guard !live.isEmpty else { return [] }
      let index = choice % live.count
      let old = live[index]
      let request = BlockRequest(
        size: ByteCount(size), alignment: ByteCount(alignment), handle: old.handle)
      let placement = heap.reallocate(old.placement, oldSize: old.request.size, to: request)
      let block = naive.reallocate(old.handle, old.request.size.int, size, alignment)
      followMoves()
      wrong += validator.free(live[index].placement)
      live.remove(at: index)
      place(placement, block, request, at: index)
    }
    wrong += validator.apply(heap.heldChanges.filter { !$0.isGrowth })
    compareState()
    return wrong
  }

  /// What was got comes before the moves, what was given back behind them and behind placements.
  mutating func followMoves() {
    wrong += validator.apply(heap.heldChanges.filter(\.isGrowth))
    if heap.relocations != naive.moves {
      wrong.append("moves \(heap.relocations), not \(naive.moves)")
    }
    for move in heap.relocations {
      guard let index = live.firstIndex(where: { $0.handle == move.handle }),
        live[index].placement == move.old
      else {
        wrong.append("\(move) is of no live block")
        continue
      }
      live[index].placement = move.new
      wrong += validator.free(move.old)
      wrong += validator.place(move.new, for: live[index].request)
    }
  }

  mutating func place(
    _ placement: Placement, _ block: Range<Int>, _ request: BlockRequest, at index: Int
  ) {
    wrong += validator.place(placement, for: request)
    if placement != NaiveCompactingHeap.placement(block) {
      wrong.append("placed at \(placement), the oracle at \(block)")
    }
    live.insert(
      Block(handle: request.handle, placement: placement, request: request), at: index)
  }

  mutating func compareState() {
    let plain = naive.plain
    let holes = plain.holes.map(NaiveFitHeap.range)
    if heap.holes != holes { wrong.append("holes \(heap.holes), not \(holes)") }
    if heap.heldChanges != plain.changes { wrong.append("held changes \(heap.heldChanges)") }
    if heap.held != NaiveFitHeap.range(plain.base..<plain.brk) { wrong.append("held \(heap.held)") }
    if heap.work != plain.work { wrong.append("work \(heap.work), not \(plain.work)") }
    var free = holes
    if !heap.wilderness.isEmpty { free.append(heap.wilderness) }
    if validator.freeRuns != free { wrong.append("free runs \(validator.freeRuns)") }
    let changes = heap.heldChanges.map(\.isGrowth)
    if changes.contains(true) && !(changes.first ?? true) { wrong.append("shrinks, then grows") }
  }
}

func firstCompactionDifference(
  _ policy: NaivePolicy, _ parameters: FitParameters, _ steps: [Step]
) -> String? {
  func run<Policy: FitPolicy & ~Copyable>(_ duel: consuming CompactionDuel<Policy>) -> String? {
    var duel = duel
    for (index, step) in steps.enumerated() {
      let wrong = duel.take(step)
      if !wrong.isEmpty { return "step \(index), \(step): \(wrong)" }
    }
    return nil
  }
  switch policy {
  case .first: return run(CompactionDuel<FirstFit>(policy, parameters))
  case .best: return run(CompactionDuel<BestFit>(policy, parameters))
  case .next: return run(CompactionDuel<NextFit>(policy, parameters))
  case .worst: return run(CompactionDuel<WorstFit>(policy, parameters))
  }
}

let compactions: [Compaction] = [
  Compaction(method: .sliding), Compaction(method: .twoFinger),
  Compaction(method: .sliding, trigger: .share(10)),
  Compaction(method: .twoFinger, trigger: .share(10)),
  Compaction(method: .sliding, trigger: .every(2)),
  Compaction(method: .twoFinger, trigger: .every(3)),
  Compaction(method: .sliding, trigger: .every(1), budget: 3),
  Compaction(method: .twoFinger, trigger: .failure, budget: 2),
]

@Suite struct CompactingHeapTests {
  @Test(
    "agrees with the oracle on every sequence of up to six steps",
    arguments: NaivePolicy.allCases, compactions)
  func everySequence(policy: NaivePolicy, compaction: Compaction) {
    let parameters = FitParameters(growth: 64, trim: .above(64), compaction: compaction)
    var sequences = 0
    var failure: String?
    func extend(_ steps: [Step], live: Int) {
      guard failure == nil else { return }
      // Every shorter sequence is checked as the beginning of a longer one.
      if steps.count == 6 {
        sequences += 1
        failure = firstCompactionDifference(policy, parameters, steps).map { "\(steps): \($0)" }
      }
      guard steps.count < 6 else { return }
      for step in [Step.allocate(16), .allocate(40)] { extend(steps + [step], live: live + 1) }
      if steps.count > 0, steps.count < 3 {
        extend(steps + [.allocate(16, alignment: 64)], live: live + 1)
      }
      for index in 0..<live {
        extend(steps + [.free(index)], live: live - 1)
        if steps.count > 3 { extend(steps + [.reallocate(index, 60)], live: live) }
      }
    }
    extend([], live: 0)
    #expect(failure == nil)
    #expect(sequences > 2_000)
  }

  @Test(
    "agrees with the oracle on random sequences", arguments: NaivePolicy.allCases, compactions)
  func randomSequences(policy: NaivePolicy, compaction: Compaction) {
    for seed in 0..<repetitions(320) {
      var random = SeededRandom(seed: UInt64(seed))
      let steps = FitHeapTests().randomSteps(&random, count: 20 + seed % 61)
      var parameters = parameterSets[seed % parameterSets.count]
      parameters.compaction = compaction
      let failure = firstCompactionDifference(policy, parameters, steps)
      #expect(failure == nil, "seed \(seed)")
      if failure != nil { return }
    }
  }
}
