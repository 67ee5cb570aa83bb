// The rule of sampled regions, as the traced program and as the analysis ask it.

import CaptureABI
import MemoryUnits
import TestSupport
import Testing
import Trace

@testable import Recorder

@Suite struct RegionRuleTests {
  @Test("both halves give the same answer for every block")
  func agreement() throws {
    var random = SeededRandom(seed: 11)
    for seed in 0..<40 as Range<UInt64> {
      let sampling = RegionSampling(
        size: 4096 << Int.random(in: 0...10, using: &random),
        denominator: [1, 2, 3, 64, 1000, 65_536].randomElement(using: &random) ?? 1, seed: seed)
      var settings = CaptureSettings()
      settings.regions = sampling
      let segment = try Segment(settings, usesMonotonicClock: true)
      var rule = segment.header.pointee.regions
      for _ in 0..<500 {
        let places: [UInt64] = [0x5555_5555_0000, 0x7f12_3400_0000, 0, .max]
        let place = places.randomElement(using: &random) ?? 0
        let block = place &+ UInt64.random(in: 0..<1 << 24, using: &random) & ~7
        let usable = UInt64(1) << UInt64.random(in: 3...22, using: &random) + 24
        #expect(
          (lacuna_block_counts(&rule, block, usable) != 0)
            == sampling.counts(block: Address(block), usable: ByteCount(Int64(usable))),
          "\(sampling) \(block) \(usable)")
      }
    }
  }
}
