// What the literature proves or measured of fit policies, reproduced.

import Allocators
import MemoryUnits
import TestSupport
import Testing

@Suite struct PublishedFactsTests {
  static let byteHeap = FitParameters(align: 1, min: 1, growth: 1)

  struct Equilibrium {
    var holesPerBlock = 0.0
    /// How often a block leaves a rest of its hole, or meets none.
    var inexactShare = 0.0
  }

  func equilibrium<Policy: FitPolicy & ~Copyable>(
    _ heap: consuming FitHeap<Policy>, isFirstInFirstOut: Bool = false
  ) -> Equilibrium {
    var random = SeededRandom(seed: 50)
    let blockCount = 5000
    let rounds = 400_000
    func request(_ random: inout SeededRandom) -> BlockRequest {
      BlockRequest(size: ByteCount(Int.random(in: 1...4000, using: &random)))
    }
    var blocks = (0..<blockCount).map { _ in heap.allocate(request(&random)) }
    var holes = 0
    var exact = 0
    for round in 0..<rounds {
      let victim =
        isFirstInFirstOut ? round % blockCount : Int.random(in: 0..<blockCount, using: &random)
      heap.free(blocks[victim])
      let before = heap.holeCount
      blocks[victim] = heap.allocate(request(&random))
      guard round >= rounds / 2 else { continue }
      holes += heap.holeCount
      if heap.holeCount < before { exact += 1 }
    }
    let counted = Double(rounds / 2)
    return Equilibrium(
      holesPerBlock: Double(holes) / counted / Double(blockCount),
      inexactShare: 1 - Double(exact) / counted)
  }

  func equilibrium(_ policy: NaivePolicy, isFirstInFirstOut: Bool = false) -> Equilibrium {
    let parameters = Self.byteHeap
    switch policy {
    case .first:
      return equilibrium(FitHeap<FirstFit>(parameters), isFirstInFirstOut: isFirstInFirstOut)
    case .best:
      return equilibrium(FitHeap<BestFit>(parameters), isFirstInFirstOut: isFirstInFirstOut)
    case .next:
      return equilibrium(FitHeap<NextFit>(parameters), isFirstInFirstOut: isFirstInFirstOut)
    case .worst:
      return equilibrium(FitHeap<WorstFit>(parameters), isFirstInFirstOut: isFirstInFirstOut)
    }
  }

  // Knuth, TAOCP 1 §2.5: in equilibrium, with every block equally likely to go next, there are
  // p/2 holes for each block, where p is the share of requests that do not fill a hole exactly.
  @Test("keeps half as many holes as blocks", arguments: NaivePolicy.allCases)
  func fiftyPercentRule(policy: NaivePolicy) {
    let found = equilibrium(policy)
    #expect(abs(found.holesPerBlock - found.inexactShare / 2) < 0.01)
    #expect(found.holesPerBlock > 0.3)
    if policy != .best { #expect(abs(found.holesPerBlock - 0.5) < 0.02) }
  }

  // Shore, CACM 20(11) 1977: the rule fails where blocks die in an order tied to their place.
  @Test("keeps hardly any hole when blocks die in the order of their birth")
  func fiftyPercentRuleFails() {
    let found = equilibrium(.first, isFirstInFirstOut: true)
    #expect(found.holesPerBlock < 0.02)
    #expect(found.inexactShare > 0.9)
  }

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
