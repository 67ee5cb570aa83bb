// Blocks of many gibibytes and terabytes, whose tags no longer fit 32 bits, and nonsense sizes.

import Allocators
import MemoryUnits
import TestSupport
import Testing

@Suite struct HugeBlockTests {
  @Test(
    "agrees with the linear scan on sizes up to 2^47",
    arguments: NaivePolicy.allCases, [FitParameters(), FitParameters(align: 1, min: 1, growth: 1)])
  func hugeSequences(policy: NaivePolicy, parameters: FitParameters) {
    for seed in 0..<40 {
      var random = SeededRandom(seed: UInt64(seed))
      var steps: [Step] = []
      // At most three blocks of the largest size at a time keep below the arena's limit.
      let most = 30 + seed % 16
      for index in 0..<40 {
        let power = Int.random(in: 4..<most, using: &random)
        let size = (1 << power) + Int.random(in: 0..<(1 << power), using: &random)
        let alignment = index % 5 == 0 ? 1 << Int.random(in: 0..<34, using: &random) : 1
        switch Int.random(in: 0..<8, using: &random) {
        case 0..<4: steps.append(.allocate(size, alignment: alignment))
        case 4..<7: steps.append(.free(index * 7))
        default: steps.append(.reallocate(index * 7, size))
        }
      }
      let failure = firstDifference(policy, parameters, steps)
      #expect(failure == nil, "seed \(seed)")
    }
  }

  @Test("tells a hole of 2^47 bytes from one a granule shorter", arguments: NaivePolicy.allCases)
  func longTags(policy: NaivePolicy) {
    let huge = 1 << 47
    let steps: [Step] = [
      .allocate(huge - 16), .allocate(16), .allocate(huge), .allocate(16), .free(0), .free(1),
      .allocate(huge), .allocate(huge - 16), .free(2), .allocate(1 << 20), .allocate(huge - 32),
    ]
    #expect(firstDifference(policy, FitParameters(), steps) == nil)
  }

  @Test("survives sizes and alignments beyond all reason")
  func nonsense() {
    func provoke<H: Heap & ~Copyable>(_ heap: consuming H) {
      let sizes: [Int64] = [.max, .min, -1, 0, 1 << 62, 1 << 50, 1 << 49, (1 << 49) - 1, 1 << 48]
      for size in sizes {
        for alignment in sizes + [1, 3, 4096] {
          let request = BlockRequest(size: ByteCount(size), alignment: ByteCount(alignment))
          let placement = heap.allocate(request)
          #expect(placement.granted > 0)
          let again = heap.reallocate(placement, oldSize: ByteCount(size), to: request)
          heap.free(again)
        }
      }
      var held: Int64 = 0
      for change in heap.heldChanges {
        held += change.range.byteCount.rawValue * (change.isGrowth ? 1 : -1)
        #expect(change.range.lowerBound < change.range.upperBound)
      }
      #expect(held >= 0)
      #expect(heap.allocate(BlockRequest(size: 64)).granted >= 64)
    }
    provoke(FitHeap<FirstFit>())
    provoke(FitHeap<BestFit>())
    provoke(FitHeap<NextFit>(FitParameters(align: 1, min: 1, growth: 1)))
    provoke(FitHeap<WorstFit>(FitParameters(header: 1_048_576, trim: .always)))
    provoke(BuddyHeap())
    provoke(BuddyHeap(BuddyParameters(min: 1, header: 1_048_576)))
  }
}
