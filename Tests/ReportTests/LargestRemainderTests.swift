// Whole bytes that sum to the whole, against every small case and random ones.

import TestSupport
import Testing

@testable import Report

@Suite struct LargestRemainderTests {
  @Test(
    "rounds by hand",
    arguments: [
      ([1.0 / 3, 1.0 / 3, 1.0 / 3], 1, [1, 0, 0]),
      ([10.0 / 3, 10.0 / 3, 10.0 / 3], 10, [4, 3, 3]),
      ([0.5, 1.5], 2, [1, 1]), ([1.2, 2.5, 3.3], 7, [1, 3, 3]), ([7], 7, [7]), ([], 0, []),
      ([0, 0], 0, [0, 0]),
    ] as [([Double], Int64, [Int64])])
  func byHand(shares: [Double], total: Int64, rounded: [Int64]) {
    #expect(LargestRemainder.round(shares, total: total) == rounded)
  }

  @Test("every way to divide up to 12 bytes of pages among up to 4 sites sums to the whole")
  func exhaustive() {
    // Each of three pages has its free bytes divided among a non-empty set of four sites.
    for a in 1..<16 {
      for b in 1..<16 {
        for bytes in 1...4 {
          var shares = [Double](repeating: 0, count: 4)
          for (set, free) in [(a, bytes), (b, 2 * bytes), (15, bytes)] {
            let sites = (0..<4).filter { set >> $0 & 1 == 1 }
            for site in sites { shares[site] += Double(free) / Double(sites.count) }
          }
          let rounded = LargestRemainder.round(shares, total: Int64(4 * bytes))
          #expect(rounded.reduce(0, +) == Int64(4 * bytes))
          #expect(zip(rounded, shares).allSatisfy { (Double($0) - $1).magnitude < 1 })
        }
      }
    }
  }

  @Test("random divisions of large wholes sum to them", arguments: [1, 2, 3])
  func random(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    for _ in 0..<200 {
      let total = Int64.random(in: 0...(1 << 45), using: &random)
      let weights = (0..<Int.random(in: 1...300, using: &random)).map { _ in
        Double.random(in: 0...1, using: &random)
      }
      let sum = weights.reduce(0, +)
      let shares = weights.map { Double(total) * $0 / sum }
      let rounded = LargestRemainder.round(shares, total: total)
      #expect(rounded.reduce(0, +) == total)
      #expect(zip(rounded, shares).allSatisfy { (Double($0) - $1).magnitude <= 1 })
    }
  }

  @Test("a part of the sites sums to its own part, not to the whole")
  func partial() {
    #expect(LargestRemainder.round([1.5, 1.5], total: 100) == [2, 1])
  }

  @Test("takes what is no share for none")
  func strange() {
    #expect(LargestRemainder.round([.nan, -3, 2.2], total: 2) == [0, 0, 2])
    #expect(LargestRemainder.round([.infinity, 1], total: .max) == [0, 1])
    #expect(LargestRemainder.round([1e300, 1], total: .max) == [1 << 62, 1])
    #expect(LargestRemainder.round([0x1p60, 0x1p60], total: 1 << 61).reduce(0, +) == 1 << 61)
  }
}
