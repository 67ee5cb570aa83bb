// Orders of the list of holes, and late or no coalescing, against scans of an explicit list.

import Allocators
import MemoryUnits
import TestSupport
import Testing

/// Every order with every rule of coalescing but the plain one, which other tests are about.
let listParameterSets: [FitParameters] = HoleOrder.allCases.flatMap { order in
  CoalesceRule.allCases.compactMap { rule in
    guard order != .address || rule != .immediate else { return nil }
    return FitParameters(growth: 64, trim: .above(128), order: order, coalesce: rule)
  }
}

@Suite struct ListOrderTests {
  @Test(
    "agrees with the scan of the list on every sequence of up to six steps",
    arguments: NaivePolicy.allCases, listParameterSets)
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
      if steps.count > 3 { extend(steps + [.allocate(16, alignment: 64)], live: live + 1) }
      for index in 0..<live {
        extend(steps + [.free(index)], live: live - 1)
        if steps.count > 3 { extend(steps + [.reallocate(index, 24)], live: live) }
      }
    }
    extend([], live: 0)
    #expect(failure == nil)
    #expect(sequences > 2_000)
  }

  /// The other settings vary with the seed.
  static func vary(_ plain: FitParameters, _ seed: Int) -> FitParameters {
    var parameters = parameterSets[seed % parameterSets.count]
    parameters.order = plain.order
    parameters.coalesce = plain.coalesce
    return parameters
  }

  @Test(
    "agrees with the scan of the list on random sequences",
    arguments: NaivePolicy.allCases, listParameterSets)
  func randomSequences(policy: NaivePolicy, plain: FitParameters) {
    for seed in 0..<repetitions(320) {
      var random = SeededRandom(seed: UInt64(seed))
      let steps = FitHeapTests().randomSteps(&random, count: 20 + seed % 61)
      let failure = firstDifference(policy, Self.vary(plain, seed), steps)
      #expect(failure == nil, "seed \(seed)")
      if failure != nil { return }
    }
  }

  // Some thousand holes, and so many new pieces that places are numbered anew several times.
  @Test(
    "agrees with the scan of the list on a long course",
    arguments: NaivePolicy.allCases, listParameterSets)
  func longCourse(policy: NaivePolicy, parameters: FitParameters) {
    var random = SeededRandom(seed: 7)
    var steps: [Step] = []
    for phase in 0..<4 {
      for _ in 0..<1500 {
        let large = Int.random(in: 0..<8, using: &random) == 0
        let size = Int.random(in: 1...(large ? 20_000 : 600), using: &random)
        let choice = Int.random(in: 0..<100_000, using: &random)
        switch Int.random(in: 0..<20, using: &random) {
        case 0: steps.append(.reallocate(choice, size))
        case 1: steps.append(.allocate(size, alignment: 4096))
        case 2..<[18, 11, 6, 11][phase]: steps.append(.allocate(size))
        default: steps.append(.free(choice))
        }
      }
    }
    #expect(firstDifference(policy, parameters, steps, compareEvery: 250) == nil)
  }

  @Test("agrees on sizes up to 2^38", arguments: NaivePolicy.allCases, listParameterSets)
  func hugeSequences(policy: NaivePolicy, plain: FitParameters) {
    for seed in 0..<2 {
      var random = SeededRandom(seed: UInt64(seed))
      let steps = (0..<40).map { index in
        let power = Int.random(in: 20..<38, using: &random)
        let size = (1 << power) + Int.random(in: 0..<(1 << power), using: &random)
        return index % 5 > 2 ? Step.free(index * 7) : .allocate(size)
      }
      let failure = firstDifference(policy, Self.vary(plain, seed), steps)
      #expect(failure == nil, "seed \(seed)")
    }
  }
}
