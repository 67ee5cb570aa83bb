// The heap that follows a plan: its pages against a count of every page.

import Allocators
import MemoryUnits
import TestSupport
import Testing

@Suite struct PlannedHeapTests {
  /// Runs steps through a recorder, as a first pass does.
  private static func problem(_ steps: [Step]) -> LifetimeRecorder {
    var recorder = LifetimeRecorder()
    drive(&recorder, steps) { _, _ in }
    return recorder
  }

  /// Takes steps on a heap; `after` sees the live blocks and the heap after each.
  private static func drive<H: Heap & ~Copyable>(
    _ heap: inout H, _ steps: [Step],
    after: (inout H, [(placement: Placement, size: Int)]) -> Void
  ) {
    var live: [(placement: Placement, size: Int)] = []
    for step in steps {
      switch step {
      case .allocate(let size, let alignment):
        let request = BlockRequest(size: ByteCount(size), alignment: ByteCount(alignment))
        live.append((heap.allocate(request), size))
      case .free(let choice):
        guard !live.isEmpty else { continue }
        heap.free(live.remove(at: choice % live.count).placement)
      case .reallocate(let choice, let size, let alignment):
        guard !live.isEmpty else { continue }
        let old = live[choice % live.count]
        let request = BlockRequest(size: ByteCount(size), alignment: ByteCount(alignment))
        let new = heap.reallocate(old.placement, oldSize: ByteCount(old.size), to: request)
        live[choice % live.count] = (new, size)
      }
      after(&heap, live)
    }
  }

  @Test("holds exactly the pages on which something lives", arguments: [PackingOrder.time, .area])
  func pages(order: PackingOrder) {
    for seed in 0..<200 {
      var random = SeededRandom(seed: UInt64(seed))
      let steps = FitHeapTests().randomSteps(&random, count: 20 + seed % 61)
      let recorder = Self.problem(steps)
      var heap = PlannedHeap(recorder.problem, order)
      var held: Set<UInt64> = []
      var wrong: [String] = []
      Self.drive(&heap, steps) { heap, live in
        for change in heap.heldChanges {
          let range = change.range
          let pages = Set(range.lowerBound.rawValue / 4096..<range.upperBound.rawValue / 4096)
          if change.isGrowth ? !held.isDisjoint(with: pages) : !held.isSuperset(of: pages) {
            wrong.append("\(change) of \(held)")
          }
          if change.isGrowth { held.formUnion(pages) } else { held.subtract(pages) }
        }
        heap.heldChanges = []
        var needed: Set<UInt64> = []
        for block in live {
          let (start, end) = (block.placement.address.rawValue, block.placement.end.rawValue)
          needed.formUnion(start / 4096...(end - 1) / 4096)
          if block.placement.granted.int != NaiveFitHeap.up(max(block.size, 1), 16) {
            wrong.append("granted \(block.placement.granted)")
          }
        }
        if held != needed { wrong.append("held \(held), needed \(needed)") }
        for (index, block) in live.enumerated() {
          for other in live[..<index]
          where other.placement.address < block.placement.end
            && block.placement.address < other.placement.end
          {
            wrong.append("\(block) overlaps \(other)")
          }
        }
      }
      #expect(wrong == [], "seed \(seed)")
      let failures = heap.work.failures
      #expect(failures == 0)
      if !wrong.isEmpty { return }
    }
  }

  @Test("places blocks outside of the plan that it has no place for")
  func unplanned() {
    let steps: [Step] = [
      .allocate(100), .allocate(1 << 41), .allocate(1, alignment: 1 << 40), .free(1), .allocate(50),
    ]
    var heap = PlannedHeap(Self.problem(steps).problem, .time)
    Self.drive(&heap, steps) { _, _ in }
    // More than was planned.
    let granted = heap.allocate(BlockRequest(size: 10)).granted
    let failures = heap.work.failures
    #expect(granted >= 10)
    #expect(failures == 3)
  }
}
