// The estimator by hand: sums that can be done on paper.

import Testing

@testable import Analysis

@Suite struct RegionEstimatorTests {
  private func part(_ known: Int64, _ found: Double) -> RegionEstimator.Part {
    RegionEstimator.Part(known: known, found: found)
  }

  @Test("outside the data segment, N times what was found")
  func scaled() throws {
    let estimator = RegionEstimator(denominator: 4, knownTotal: 0, known: [])
    let estimate = estimator.estimate([part(0, 10), part(0, 30)])
    #expect(estimate.value == 160)
    // Variance 4 · 3 · (100 + 900); one effective degree of freedom would be 12.7 deviations.
    let interval = try #require(
      RegionEstimator(denominator: 4, knownTotal: 0, known: []).estimate(
        [10, 10, 10, 10].map { part(0, $0) }
      ).interval)
    #expect(interval.lowerBound >= 40)
    #expect(abs(interval.upperBound - (160 + 3.182 * (12.0 * 400).squareRoot())) < 1e-9)
  }

  @Test("in the data segment, equal regions leave nothing uncertain")
  func equal() {
    // 100 regions of 64 bytes, four of them sampled, each half full.
    let estimator = RegionEstimator(denominator: 25, knownTotal: 6400, known: [64, 64, 64, 64])
    let parts = Array(repeating: part(64, 32), count: 4)
    let estimate = estimator.estimate(parts)
    #expect(abs(estimate.value - 3200) < 1e-9)
    #expect(estimate.interval == nil || estimate.interval == estimate.value...estimate.value)
  }

  @Test("regions in which nothing was found count too")
  func empty() {
    let estimator = RegionEstimator(denominator: 10, knownTotal: 1000, known: [10, 10, 10, 10])
    // A quarter of the regions hold 8 of 10 bytes: 200 of 1000 in all.
    #expect(abs(estimator.estimate([part(10, 8)]).value - 200) < 1e-9)
    #expect(estimator.estimate([]).value == 0)
  }

  @Test("one region alone gives no range, and nothing is less than what was seen")
  func few() throws {
    let estimator = RegionEstimator(denominator: 8, knownTotal: 0, known: [])
    #expect(estimator.estimate([part(0, 5)]).interval == nil)
    #expect(estimator.estimate([]).interval == nil)
    let interval = try #require(estimator.estimate([part(0, 5), part(0, 5)]).interval)
    #expect(interval.lowerBound == 10)
  }

  @Test("the mean over all samples is the truth, whatever the regions hold")
  func unbiased() {
    // Every subset of six regions, with its probability at N = 3.
    let known: [Int64] = [10, 10, 10, 4, 0, 0]
    let found: [Double] = [9, 2, 0, 4, 100, 3]
    var mean = 0.0
    for subset in 0..<64 {
      let chosen = (0..<6).filter { subset >> $0 & 1 == 1 }
      let probability = chosen.reduce(1.0) { p, _ in p / 2 } * 64.0 / 729
      let estimator = RegionEstimator(
        denominator: 3, knownTotal: 34, known: chosen.map { known[$0] })
      mean += probability * estimator.estimate(chosen.map { part(known[$0], found[$0]) }).value
    }
    #expect(abs(mean - 118) < 1e-9)
  }
}
