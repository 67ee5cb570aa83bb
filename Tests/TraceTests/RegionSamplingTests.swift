// Which regions a sample has: as often as it says, and independently of each other.

import Foundation
import MemoryUnits
import TestSupport
import Testing
import Trace

@Suite struct RegionSamplingTests {
  @Test(
    "each region is sampled with probability 1/N, each pair with 1/N², over the seeds",
    arguments: [2, 3, 8, 64])
  func probabilities(denominator: Int) {
    let base: UInt64 = 0x5555_5600_0000
    let seeds = 40_000
    let neighbours: [UInt64] = [1, 2, 3, 5, 8, 1024]
    var hits = 0
    var pairs: [UInt64: Int] = [:]
    for seed in 0..<seeds {
      let sampling = RegionSampling(size: 65536, denominator: denominator, seed: UInt64(seed))
      guard sampling.samples(base: base) else { continue }
      hits += 1
      for distance in neighbours where sampling.samples(base: base + distance << 16) {
        pairs[distance, default: 0] += 1
      }
    }
    func check(_ count: Int, _ probability: Double, _ what: String) {
      let expected = Double(seeds) * probability
      let deviation = (expected * (1 - probability)).squareRoot()
      #expect(abs(Double(count) - expected) < 4.5 * deviation, "\(what): \(count) of \(expected)")
    }
    check(hits, 1 / Double(denominator), "one region")
    for distance in neighbours {
      check(
        pairs[distance] ?? 0, 1 / Double(denominator * denominator), "pair at distance \(distance)")
    }
  }

  @Test("borders are multiples of a page and, over the seeds, in all places alike")
  func grids() {
    var counts: [UInt64: Int] = [:]
    for seed in 0..<4096 as Range<UInt64> {
      let sampling = RegionSampling(size: 65536, denominator: 4, seed: seed)
      #expect(sampling.grid % 4096 == 0)
      counts[sampling.grid, default: 0] += 1
    }
    #expect(counts.count == 16)
    #expect(counts.values.allSatisfy { (160...352).contains($0) })
  }

  @Test("a region has the addresses that it says")
  func ranges() {
    for seed in 0..<50 as Range<UInt64> {
      let sampling = RegionSampling(size: 16384, denominator: 2, seed: seed)
      let base = sampling.base(of: 0x5555_5678_9abc)
      let range = sampling.range(base: base)
      #expect(range.contains(0x5555_5678_9abc))
      #expect(range.count == 16384)
      #expect(sampling.base(of: range.lowerBound) == base)
      #expect(sampling.base(of: range.upperBound - 1) == base)
      #expect(sampling.base(of: range.upperBound) == base + 16384)
      #expect(sampling.samples(Address(range.lowerBound)) == sampling.samples(base: base))
    }
  }

  @Test("a block counts if any byte that it needs lies in a sampled region")
  func blocks() {
    let sampling = RegionSampling(size: 4096, denominator: 4, seed: 7)
    var random = SeededRandom(seed: 3)
    for _ in 0..<5000 {
      let block = 0x7f00_0000_0000 + UInt64.random(in: 0..<1 << 20, using: &random) * 16
      let usable = UInt64.random(in: 0..<40_000, using: &random)
      let expected = (block - 16...block + usable).contains {
        ($0 % 4096 == 0 || $0 == block - 16) && sampling.samples(Address($0))
      }
      #expect(sampling.counts(block: Address(block), usable: ByteCount(Int64(usable))) == expected)
    }
  }

  @Test("everything has the blocks of all addresses")
  func all() {
    for address in [0, 4096, 0x7fff_ffff_f000, .max - 4096] as [UInt64] {
      #expect(RegionSampling.all.samples(Address(address)))
      #expect(RegionSampling.all.counts(block: Address(address), usable: 100))
    }
  }

  @Test("metadata keep the three numbers, and nonsense in them does no harm")
  func metadata() throws {
    var metadata = TraceMetadata()
    metadata.regions = RegionSampling(size: 1 << 20, denominator: 1000, seed: 12_345)
    let data = try JSONEncoder().encode(metadata)
    #expect(try JSONDecoder().decode(TraceMetadata.self, from: data) == metadata)
    let strange = [(-5, -7), (0, 0), (5000, 3), (Int.max, Int.max)]
    for (size, denominator) in strange {
      let text =
        #"{"regions": {"size": \#(size), "denominator": \#(denominator), "seed": 18446744073709551615}}"#
      let read = try JSONDecoder().decode(TraceMetadata.self, from: Data(text.utf8))
      let regions = try #require(read.regions)
      #expect(RegionSampling.isUsable(size: regions.size))
      #expect((1...RegionSampling.largestDenominator).contains(regions.denominator))
      #expect(regions.seed <= RegionSampling.largestSeed)
      _ = regions.counts(block: Address(.max - 3), usable: ByteCount(Int64.max))
    }
    #expect(RegionSampling(size: 5000, denominator: 2, seed: 0).size == 4096)
  }
}
