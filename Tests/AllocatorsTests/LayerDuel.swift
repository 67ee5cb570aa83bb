// A layer and its oracle side by side.

import Allocators
import MemoryUnits
import TestSupport

/// A step that a thread takes; blocks are chosen by their place among the live ones.
struct ThreadStep: Equatable {
  var step: Step
  var thread: Int
}

/// Runs a sequence on the heap that a specification names and on its oracle; says which step went
/// wrong first, and how.
struct LayerDuel<Naive: NaiveLayer>: HeapVisitor {
  var naive: Naive
  let steps: [ThreadStep]
  /// Whether the validator watches, which takes time in proportion to the square of the blocks.
  var validates = true

  mutating func visit<H: Heap & ~Copyable>(_ heap: consuming H) -> String? {
    var heap = heap
    var validator = PlacementValidator()
    var live: [(placement: Placement, block: Range<Int>, size: Int)] = []
    for (index, step) in steps.enumerated() {
      heap.heldChanges = []
      naive.changes = []
      var wrong: [String] = []
      let thread = UInt32(step.thread)
      switch step.step {
      case .allocate(let size, let alignment):
        let request = BlockRequest(
          size: ByteCount(size), alignment: ByteCount(alignment), thread: thread)
        let placement = heap.allocate(request)
        let block = naive.allocate(size, alignment, by: step.thread)
        live.append((placement, block, size))
        wrong += compare(placement, block)
        if validates {
          wrong += validator.apply(heap.heldChanges) + validator.place(placement, for: request)
        }
      case .free(let choice):
        guard !live.isEmpty else { continue }
        let victim = live.remove(at: choice % live.count)
        heap.free(victim.placement, by: thread)
        naive.free(victim.block, by: step.thread)
        if validates {
          wrong += validator.free(victim.placement) + validator.apply(heap.heldChanges)
        }
      case .reallocate(let choice, let size, let alignment):
        guard !live.isEmpty else { continue }
        let old = live[choice % live.count]
        let request = BlockRequest(
          size: ByteCount(size), alignment: ByteCount(alignment), thread: thread)
        let placement = heap.reallocate(
          old.placement, oldSize: ByteCount(old.size), to: request)
        let block = naive.reallocate(old.block, old.size, size, alignment, by: step.thread)
        live[choice % live.count] = (placement, block, size)
        wrong += compare(placement, block)
        if validates {
          wrong += validator.free(old.placement) + validator.apply(heap.heldChanges)
          wrong += validator.place(placement, for: request)
        }
      }
      if heap.heldChanges != naive.changes { wrong.append("held changes \(heap.heldChanges)") }
      if heap.work != naive.work { wrong.append("work \(heap.work), not \(naive.work)") }
      if !wrong.isEmpty { return "step \(index), \(step): \(wrong)" }
    }
    return nil
  }

  private func compare(_ placement: Placement, _ block: Range<Int>) -> [String] {
    let same =
      placement.address.rawValue == block.lowerBound && placement.granted.int == block.count
    return same ? [] : ["placed at \(placement), the oracle at \(block)"]
  }

  /// The first difference on a heap over first fit with these settings.
  static func difference(
    _ layer: String, _ naive: Naive, _ steps: [ThreadStep], validates: Bool = true
  ) -> String? {
    var duel = LayerDuel(naive: naive, steps: steps, validates: validates)
    do {
      let kind = try HeapSpecification(parsing: layer).kind
      return kind.build(&duel) ?? "not built"
    } catch {
      return "\(error)"
    }
  }
}

/// All sequences of six steps of two threads over blocks of two sizes.
func everyThreadSequence(_ sizes: [Int], _ body: ([ThreadStep]) -> Bool) -> Int {
  var sequences = 0
  var goesOn = true
  func extend(_ steps: [ThreadStep], live: Int) {
    guard goesOn else { return }
    // Every shorter sequence is checked as the beginning of a longer one.
    if steps.count == 6 {
      sequences += 1
      goesOn = body(steps)
      return
    }
    func take(_ step: Step, live: Int, threads: ClosedRange<Int> = 0...1) {
      for thread in threads { extend(steps + [ThreadStep(step: step, thread: thread)], live: live) }
    }
    take(.allocate(sizes[0]), live: live + 1, threads: 0...(steps.isEmpty ? 0 : 1))
    if steps.count < 3 { take(.allocate(sizes[1]), live: live + 1, threads: 0...0) }
    for index in 0..<live {
      take(.free(index), live: live - 1, threads: 0...(index == 0 ? 1 : 0))
      if steps.count > 2 {
        for size in sizes { take(.reallocate(index, size), live: live, threads: 1...1) }
      }
    }
  }
  extend([], live: 0)
  return sequences
}

/// Random steps of some threads: growing, then churning, then shrinking.
func randomThreadSteps(
  seed: Int, count: Int, threads: Int, sizes: (inout SeededRandom) -> Int
) -> [ThreadStep] {
  var random = SeededRandom(seed: UInt64(seed))
  return (0..<count).map { index in
    let size = sizes(&random)
    let power = Int.random(in: 0..<14, using: &random)
    let alignment = Int.random(in: 0..<9, using: &random) == 0 ? 1 << power : 1
    let choice = Int.random(in: 0..<1000, using: &random)
    let phase = index * 3 / count
    let step: Step
    switch Int.random(in: 0..<10, using: &random) {
    case 0..<[6, 4, 2][phase]: step = .allocate(size, alignment: alignment)
    case 9...: step = .reallocate(choice, size, alignment: alignment)
    default: step = .free(choice)
    }
    return ThreadStep(step: step, thread: Int.random(in: 0..<threads, using: &random))
  }
}
