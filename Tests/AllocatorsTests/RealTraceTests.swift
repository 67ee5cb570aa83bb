// The fit heaps against linear scans on what a real program asked.

import Allocators
import Foundation
import MemoryUnits
import TestSupport
import Testing
import Trace

@Suite struct RealTraceTests {
  private static let trace = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../Traces/python-json.trace").standardizedFileURL.path

  /// The steps of the recording up to the limit, as the duel counts blocks: by their place among
  /// the live ones.
  static func steps(limit: Int) throws -> [Step] {
    var steps: [Step] = []
    var order: [UInt32] = []
    try TraceFile(path: trace).read(addresses: false) { batch in
      for request in batch where steps.count < limit {
        let place = order.firstIndex(of: request.slot.rawValue)
        switch request.operation {
        case .allocate:
          steps.append(
            .allocate(request.size.int, alignment: request.alignment?.int ?? 1))
          order.append(request.slot.rawValue)
        case .free:
          let place = try #require(place)
          steps.append(.free(place))
          order.remove(at: place)
        case .reallocate:
          steps.append(.reallocate(try #require(place), request.size.int))
        default: break
        }
      }
    }
    return steps
  }

  private func run<Policy: FitPolicy & ~Copyable>(
    _: Policy.Type, _ naive: NaivePolicy, _ parameters: FitParameters
  ) throws {
    let steps = try Self.steps(limit: 15_000)
    #expect(steps.count == 15_000)
    var duel = FitDuel<Policy>(naive, parameters, validates: false)
    for (number, step) in steps.enumerated() {
      let wrong = duel.take(step, comparesState: number % 1000 == 999)
      try #require(wrong.isEmpty, "\(naive) at step \(number): \(wrong)")
    }
  }

  @Test(
    "the first steps of a Python program, over lists in other orders",
    arguments: NaivePolicy.allCases, [HoleOrder.lifo, .fifo])
  func listedSlice(policy: NaivePolicy, order: HoleOrder) throws {
    let steps = try Self.steps(limit: 5000)
    for rule in [CoalesceRule.immediate, .deferred] {
      let parameters = FitParameters(header: 8, order: order, coalesce: rule)
      #expect(firstDifference(policy, parameters, steps, compareEvery: 500) == nil)
    }
  }

  @Test("the first steps of a Python program, with compaction", arguments: NaivePolicy.allCases)
  func compactedSlice(policy: NaivePolicy) throws {
    let steps = try Self.steps(limit: 500)
    for method in [Compaction.Method.sliding, .twoFinger] {
      let compaction = Compaction(method: method, trigger: .share(5))
      let parameters = FitParameters(header: 8, trim: .always, compaction: compaction)
      #expect(firstCompactionDifference(policy, parameters, steps) == nil)
    }
  }

  @Test("the first steps of a Python program", arguments: NaivePolicy.allCases)
  func slice(policy: NaivePolicy) throws {
    let plain = FitParameters()
    let withHeaders = FitParameters(header: 8, trim: .above(131_072))
    for parameters in [plain, withHeaders] {
      switch policy {
      case .first: try run(FirstFit.self, policy, parameters)
      case .best: try run(BestFit.self, policy, parameters)
      case .next: try run(NextFit.self, policy, parameters)
      case .worst: try run(WorstFit.self, policy, parameters)
      }
    }
  }
}
