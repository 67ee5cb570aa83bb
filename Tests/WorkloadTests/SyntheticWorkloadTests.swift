// Lifetimes, shapes, threads, and that a seed gives the same trace every time.

import Foundation
import MemoryUnits
import Testing
import Trace
import Workload

@Suite struct SyntheticWorkloadTests {
  /// Thousand blocks of one size that live at a time.
  private func thousandBlocks(_ lifetimes: String, events: Int = 200_000) throws -> Generated {
    try Generated(
      "plateau(events=\(events),live=64000,sizes=constant(size=64),lifetimes=\(lifetimes))")
  }

  @Test("random ends: lifetimes are exponential, with as many allocations as blocks live")
  func exponential() throws {
    let lifetimes = try thousandBlocks("exponential").lifetimes.dropFirst(50_000).map(\.length)
    let found = moments(Array(lifetimes))
    #expect(abs(found.mean - 1000) < 30, "\(found)")
    #expect(abs(found.deviation - 1000) < 50, "\(found)")
    let long = lifetimes.count { $0 > 2000 }
    #expect(abs(Double(long) / Double(lifetimes.count) - exp(-2)) < 0.01)
  }

  @Test("first in, first out: all lifetimes are the same")
  func fifo() throws {
    let lifetimes = try thousandBlocks("fifo").lifetimes
    #expect(lifetimes.map(\.birth) == Array(0..<lifetimes.count))
    #expect(lifetimes.allSatisfy { $0.length == 1000 })
  }

  @Test("last in, first out: the block that ends is the youngest")
  func lifo() throws {
    let generated = try Generated(
      "peaks(peaks=3,base=0,events=6000,live=10000,sizes=uniform(from=1,to=50),lifetimes=lifo)")
    var stack: [UInt32] = []
    for request in generated.requests {
      if request.operation == .allocate {
        stack.append(request.slot.rawValue)
      } else {
        #expect(stack.popLast() == request.slot.rawValue)
      }
    }
  }

  @Test("phases end together")
  func phases() throws {
    let generated = try thousandBlocks("phases(length=100)", events: 20_000)
    var births: [Int] = []
    for (birth, _) in generated.lifetimes { births.append(birth) }
    // The frees of a phase follow one another, oldest first, and no allocation lies between them.
    #expect(births == Array(0..<births.count))
    let frees = generated.requests.enumerated().filter { $0.element.operation == .free }
      .map(\.offset)
    for group in stride(from: 0, to: frees.count - 99, by: 100) {
      #expect(frees[group + 99] - frees[group] == 99)
    }
    #expect(frees.count > 5000)
  }

  @Test("a plateau is reached at once and kept")
  func plateau() throws {
    let course = try Generated("plateau(events=50000,sizes=uniform(from=16,to=512))").course
    let start = try #require(course.firstIndex { $0 >= 1 << 20 })
    // Nothing but allocations of 264 bytes on average leads there.
    #expect(abs(Double(start) - 1_048_576 / 264) < 100)
    #expect(course[start...].allSatisfy { abs($0 - 1 << 20) <= 512 })
  }

  @Test("a ramp rises evenly to its target")
  func ramp() throws {
    let course = try Generated(
      "ramp(events=50000,live=2M,sizes=uniform(from=16,to=512))"
    ).course
    for part in 1...10 {
      let target = 2_097_152 * part / 10
      #expect(abs(course[part * 5000 - 1] - target) < 1024)
    }
  }

  @Test("peaks rise to the target and fall to their base")
  func peaks() throws {
    let course = try Generated(
      "peaks(events=80000,live=1M,peaks=4,base=25%,sizes=uniform(from=16,to=512))"
    ).course
    for peak in 0..<4 {
      #expect(abs(course[peak * 20000 + 10000] - 1_048_576) < 1024)
      if peak > 0 { #expect(abs(course[peak * 20000] - 262_144) < 1024) }
    }
  }

  @Test("threads, frees by other threads, and reallocations come as often as asked for")
  func mixed() throws {
    let generated = try Generated(
      "plateau(events=100000,threads=4,remote=30%,reallocations=20%,sizes=exponential(mean=100))")
    var owners: [UInt32: UInt32] = [:]
    var counts = [Int](repeating: 0, count: 4)
    var (frees, remote, resized) = (0, 0, 0)
    for request in generated.requests {
      switch request.operation {
      case .allocate:
        owners[request.slot.rawValue] = request.thread.rawValue
        counts[Int(request.thread.rawValue)] += 1
      case .free:
        frees += 1
        if owners[request.slot.rawValue] != request.thread.rawValue { remote += 1 }
      case .reallocate: resized += 1
      default: Issue.record("\(request.operation)")
      }
    }
    #expect(abs(Double(remote) / Double(frees) - 0.3) < 0.02)
    #expect(abs(Double(resized) / 100_000 - 0.2) < 0.01)
    let allocations = counts.reduce(0, +)
    for count in counts { #expect(abs(Double(count) / Double(allocations) - 0.25) < 0.02) }
    #expect(generated.file.metadata.knowsThreads)
    #expect(generated.summary.totals.reallocations == UInt64(resized))
  }

  @Test("the trace says what it knows, and that each event took a microsecond")
  func metadata() throws {
    let generated = try Generated("plateau(events=1000)", seed: 5)
    let metadata = generated.file.metadata
    #expect(!metadata.knowsAddresses && !metadata.knowsStacks)
    #expect(!metadata.knowsTimes && !metadata.knowsThreads)
    #expect(metadata.command.suffix(3) == ["plateau(events=1000)", "--seed", "5"])
    #expect(generated.requests.count == 1000)
    #expect(generated.requests.last?.time == Timestamp(nanoseconds: 1_000_000))
    #expect(generated.file.isComplete)
  }

  @Test("the same seed gives the same bytes, another one another trace")
  func reproducible() throws {
    let text = "peaks(events=20000,threads=3,remote=10%,reallocations=5%)"
    func bytes(_ seed: UInt64) throws -> Data {
      let generated = try Generated(text, seed: seed)
      return try withExtendedLifetime(generated) {
        try Data(contentsOf: URL(fileURLWithPath: generated.path))
      }
    }
    let first = try bytes(7)
    #expect(try bytes(7) == first)
    #expect(try Generated(text, seed: 7).sizes != Generated(text, seed: 8).sizes)
  }

  // From the same formulas in Python. Should these change, no trace that was ever generated could be
  // made again.
  @Test("the numbers that a seed gives are fixed for ever")
  func fixed() throws {
    func first(_ sizes: String) throws -> [Int] {
      try Generated("plateau(events=6,live=1T,sizes=\(sizes))", seed: 42).sizes
    }
    #expect(try first("uniform(from=1,to=1000)") == [84, 379, 681, 925, 992, 770])
    #expect(try first("log-uniform(from=16,to=1M)") == [41, 1070, 30167, 454868, 957467, 81575])
    #expect(try first("exponential(mean=1000)") == [88, 476, 1140, 2586, 4804, 1469])
    #expect(try first("normal(mean=1000,deviation=100)") == [927, 1022, 1046, 1148, 1101, 1103])
  }
}
