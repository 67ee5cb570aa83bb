// Overlapping ranges, against a scan of all of them.

import Symbols
import TestSupport
import Testing

@Suite struct CoverMapTests {
  /// The first range that covers the address: the definition.
  private func scan(_ ranges: [Range<UInt64>], _ address: UInt64) -> Int? {
    ranges.firstIndex { $0.contains(address) }
  }

  @Test("every list of three ranges on a line of five points")
  func exhaustive() {
    let all = (UInt64(0)...5).flatMap { low in (low...5).map { low..<$0 } }
    for a in all {
      for b in all {
        for c in all {
          let map = CoverMap(bestFirst: [a, b, c])
          for address in UInt64(0)...6 {
            #expect(
              map.owner(of: address) == scan([a, b, c], address), "\(a) \(b) \(c) \(address)")
          }
        }
      }
    }
  }

  @Test("many random ranges, up to the end of the address space", arguments: [1, 2, 3, 4, 5, 6])
  func random(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    for _ in 0..<50 {
      let span = UInt64.random(in: 1...400, using: &random)
      let base = Bool.random(using: &random) ? 0 : UInt64.max - span
      let ranges = (0..<Int.random(in: 0...60, using: &random)).map { _ in
        let low = UInt64.random(in: 0...span, using: &random)
        return base + low..<base + UInt64.random(in: low...span, using: &random)
      }
      let map = CoverMap(bestFirst: ranges)
      for offset in 0...span {
        #expect(map.owner(of: base + offset) == scan(ranges, base + offset))
      }
    }
  }
}
