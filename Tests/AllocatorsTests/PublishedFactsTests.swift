// What the literature proves or measured of fit policies, reproduced.

import Allocators
import MemoryUnits
import TestSupport
import Testing

@Suite struct PublishedFactsTests {
  static let byteHeap = FitParameters(align: 1, min: 1, growth: 1)

  /// Robson's adversary (JACM 1971, 1974): fills the memory with ones, then for each power of two
  /// keeps only the blocks that cover one residue, and refills.
  ///
  /// Returns the memory it takes.
  func robsonPeak<Policy: FitPolicy & ~Copyable>(
    _ heap: consuming FitHeap<Policy>, live limit: Int, largest: Int
  ) -> Int {
    func place(_ size: Int) -> Placement { heap.allocate(BlockRequest(size: ByteCount(size))) }
    var blocks = (0..<limit).map { _ in place(1) }
    var residue = 0
    var size = 2
    while size <= largest {
      func covering(_ residue: Int) -> [Placement] {
        blocks.filter { block in
          let start = Int(block.address.rawValue) - 0x1000_0000
          return (start..<(start + block.granted.int)).contains { $0 % size == residue }
        }
      }
      let choices = [residue, residue + size / 2]
      residue = covering(choices[0]).count >= covering(choices[1]).count ? choices[0] : choices[1]
      let kept = covering(residue)
      for block in blocks where !kept.contains(block) { heap.free(block) }
      blocks = kept
      var live = blocks.reduce(0) { $0 + $1.granted.int }
      while live + size <= limit {
        blocks.append(place(size))
        live += size
      }
      size *= 2
    }
    return heap.held.byteCount.int
  }

  @Test(
    "meets Robson's bound M(lg n / 2 + 1) - n + 1 exactly",
    arguments: [(64, 8, 153), (128, 16, 369), (256, 16, 753), (256, 32, 865)])
  func robsonBound(limit: Int, largest: Int, bound: Int) {
    let first = FitHeap<FirstFit>(Self.byteHeap)
    #expect(robsonPeak(first, live: limit, largest: largest) == bound)
    let best = FitHeap<BestFit>(Self.byteHeap)
    #expect(robsonPeak(best, live: limit, largest: largest) == bound)
  }
}
