// Tests of the sweep: every consumer gets every step once, in order.

import Synchronization
import Testing
import Trace

@testable import Replay

/// Keeps the times of the steps that it gets; each batch must come after the one before.
private final class Collector: BatchConsumer {
  let times = Mutex<[UInt64]>([])

  func consume(_ batch: UnsafeBufferPointer<Request>) {
    times.withLock { times in times += batch.map(\.time.nanoseconds) }
  }
}

@Suite struct SweepTests {
  private struct Broken: Error {}

  private static func steps(_ range: Range<Int>) -> [Request] {
    range.map {
      Request(operation: .free, slot: Slot(0), time: Timestamp(nanoseconds: UInt64($0)))
    }
  }

  @Test(
    "hands over all steps whatever the batches are",
    arguments: [
      [], [0], [1], [32768], [32767, 1, 1], [100_000, 0, 3], Array(repeating: 4096, count: 17),
    ])
  func allSteps(batches: [Int]) {
    let collectors = (0..<5).map { _ in Collector() }
    var count = 0
    Sweep.run(collectors) { body in
      for batch in batches {
        Self.steps(count..<count + batch).withUnsafeBufferPointer(body)
        count += batch
      }
    }
    for collector in collectors {
      #expect(collector.times.withLock { $0 } == Array(0..<UInt64(count)))
    }
  }

  @Test("passes a failure on, after the steps before it were taken")
  func failure() {
    let collector = Collector()
    #expect(throws: Broken.self) {
      try Sweep.run([collector]) { body in
        Self.steps(0..<40000).withUnsafeBufferPointer(body)
        throw Broken()
      }
    }
    #expect(collector.times.withLock { $0.count } == 40000)
  }

  @Test("decodes without any consumer")
  func noConsumer() {
    var isRead = false
    Sweep.run([]) { body in
      Self.steps(0..<10).withUnsafeBufferPointer(body)
      isRead = true
    }
    #expect(isRead)
  }
}
