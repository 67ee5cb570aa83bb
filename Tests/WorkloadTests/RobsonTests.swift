// Robson's adversary, replayed from its trace.

import Allocators
import MemoryUnits
import Replay
import Testing
import Trace
import Workload

/// Adds up what a heap holds.
private struct HeldCounter: Observer, ~Copyable {
  var held: Int64 = 0
  var peak: Int64 = 0
  var live: Int64 = 0
  var peakLive: Int64 = 0

  mutating func stepBegins(at time: Timestamp) {}
  mutating func stepEnds(isEvent: Bool) {}
  mutating func heldChanged(_ change: HeldChange) {
    held += change.isGrowth ? change.range.byteCount.rawValue : -change.range.byteCount.rawValue
    peak = max(peak, held)
  }
  mutating func blockBegins(_ block: LiveBlock) {
    live += block.size.rawValue
    peakLive = max(peakLive, live)
  }
  mutating func blockEnds(_ block: LiveBlock) { live -= block.size.rawValue }
}

/// Replays all requests through a heap.
private struct Held: HeapVisitor {
  let requests: [Request]

  mutating func visit<H: Heap & ~Copyable>(_ heap: consuming H) -> (peak: Int64, live: Int64) {
    var replayer = Replayer(heap: heap, observer: HeldCounter())
    requests.withUnsafeBufferPointer { replayer.apply($0) }
    return (replayer.observer.peak, replayer.observer.peakLive)
  }
}

@Suite struct RobsonTests {
  private func peak(_ generated: Generated, _ heap: String) throws -> (peak: Int64, live: Int64) {
    var held = Held(requests: generated.requests)
    return try #require(try HeapSpecification(parsing: heap).kind.build(&held))
  }

  // Robson, JACM 21(3), 1974: M(½ lg n + 1) - n + 1.
  @Test(
    "the trace makes the heap that it was played against hold exactly the bound",
    arguments: [(64, 8, 153), (128, 16, 369), (256, 16, 753), (256, 32, 865)],
    ["first-fit", "best-fit"])
  func exact(_ numbers: (live: Int, largest: Int, bound: Int), policy: String) throws {
    let heap = "\(policy)(align=1,min=1,growth=1)"
    let generated = try Generated(
      "robson(live=\(numbers.live),largest=\(numbers.largest),unit=1,against=\(heap))")
    #expect(generated.summary.bound == ByteCount(numbers.bound))
    #expect(generated.summary.heldByHeap == ByteCount(numbers.bound))
    let found = try peak(generated, heap)
    #expect(found.peak == Int64(numbers.bound))
    #expect(found.live <= Int64(numbers.live))
  }

  @Test(
    "no heap that moves no block stays below the bound",
    arguments: ["next-fit", "worst-fit", "first-fit(header=8)", "buddy", "buddy(min=64)"])
  func bound(heap: String) throws {
    let generated = try Generated("robson(live=1024,largest=64,unit=16,against=\(heap))")
    let bound = try #require(generated.summary.bound)
    #expect(bound == ByteCount(16 * (1024 * 4 - 63)))
    let found = try peak(generated, heap)
    #expect(found.peak >= bound.rawValue)
    #expect(ByteCount(found.peak) == generated.summary.heldByHeap)
    #expect(found.live == 16 * 1024)
  }

  @Test("the smallest games")
  func small() throws {
    for live in 1...5 {
      for largest in [1, 2, 4] where largest <= live {
        let generated = try Generated(
          "robson(live=\(live),largest=\(largest),unit=1,"
            + "against=first-fit(align=1,min=1,growth=1))")
        #expect(try peak(generated, "first-fit(align=1,min=1,growth=1)").live <= Int64(live))
      }
    }
  }
}
