// Tests of the shares that call sites have in pinned pages.

import MemoryUnits
import TestSupport
import Testing
import Trace

@testable import Analysis

@Suite struct PinTests {
  /// Three pages, all held.
  ///
  /// Free bytes: page 16 has 4096 - 1000 - 96 = 3000, page 17 none (the block of site 2 covers it),
  /// page 18 has 4096 - 1096 = 3000, page 19 has 4096 - 96 = 4000.
  ///
  ///     page 16: site 0 (two blocks, 500 each), site 1 (96)    3000 free: 1500 each
  ///     page 17: site 2                                        full
  ///     page 18: site 2 (the last 1000 bytes), site 0 (96)     3000 free: 1500 each
  ///     page 19: site 1 (96)                                   4000 free: all site 1's, sole
  @Test("shares the free bytes of a page equally among the sites on it")
  func example() {
    func block(_ address: UInt64, _ granted: Int64, _ site: UInt32, _ first: UInt16, _ last: UInt16)
      -> LiveSet.Block
    {
      LiveSet.Block(
        address: Address(address), granted: ByteCount(granted), size: ByteCount(granted - 8),
        stack: StackID(site), freeOnFirstPage: first, freeOnLastPage: last)
    }
    let tally = PinTally(
      [
        block(0x10000, 500, 0, 3000, 3000), block(0x10200, 500, 0, 3000, 3000),
        block(0x10800, 96, 1, 3000, 3000), block(0x11000, 4096 + 1000, 2, 0, 3000),
        block(0x12800, 96, 0, 3000, 3000), block(0x13000, 96, 1, 4000, 4000),
      ], siteCount: 3, siteOf: { $0.index })
    #expect(
      tally.shares == [
        .init(pinned: 3000, sole: 0, live: 1072, blocks: 3, pages: 2),
        .init(pinned: 5500, sole: 4000, live: 176, blocks: 2, pages: 2),
        .init(pinned: 1500, sole: 0, live: 5088, blocks: 1, pages: 2),
      ])
  }

  @Test("gives nobody anything where nothing lives")
  func empty() {
    #expect(PinTally([], siteCount: 2, siteOf: { $0.index }).shares == [.init(), .init()])
  }

  /// The value of a coalition: the free bytes of all occupied pages on which only its members
  /// live, because those could be returned if its blocks were gone.
  private static func value(
    _ coalition: Set<Int>, _ pages: [UInt64: (sites: Set<Int>, free: Double)]
  ) -> Double {
    pages.values.reduce(0) { $0 + ($1.sites.isSubset(of: coalition) ? $1.free : 0) }
  }

  private static func permutations(_ items: [Int]) -> [[Int]] {
    if items.isEmpty { return [[]] }
    return items.indices.flatMap { index -> [[Int]] in
      var rest = items
      let item = rest.remove(at: index)
      return permutations(rest).map { [item] + $0 }
    }
  }

  @Test(
    "is the Shapley value, the mean over all orders in which sites may leave",
    arguments: 1...30 as ClosedRange<UInt64>)
  func shapley(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let siteCount = Int(seed % 5) + 1
    let (model, blocks) = Self.randomBlocks(siteCount: siteCount, &random)
    var pages: [UInt64: (sites: Set<Int>, free: Double)] = [:]
    for block in blocks {
      for page in block.firstPage...block.lastPage {
        let free =
          model.bytes(of: model.held, onPage: page)
          - model.bytes(of: model.blocks, onPage: page)
        pages[page, default: ([], Double(free))].sites.insert(block.stack.index)
      }
    }
    let orders = Self.permutations(Array(0..<siteCount))
    var expected = [Double](repeating: 0, count: siteCount)
    for order in orders {
      var coalition: Set<Int> = []
      for site in order {
        let before = Self.value(coalition, pages)
        coalition.insert(site)
        expected[site] += (Self.value(coalition, pages) - before) / Double(orders.count)
      }
    }
    let tally = PinTally(blocks, siteCount: siteCount, siteOf: { $0.index })
    for site in 0..<siteCount {
      let share = tally.shares[site]
      #expect(abs(share.pinned - expected[site]) < 1e-6, "seed \(seed), site \(site)")
      #expect(Double(share.sole) == Self.value([site], pages))
      #expect(share.pages == pages.values.count { $0.sites.contains(site) })
    }
    let sum = tally.shares.reduce(0) { $0 + $1.pinned }
    #expect(abs(sum - Double(model.census.pinnedBytes)) < 1e-6)
    #expect(model.census.pinnedBytes > 0)
  }

  /// Blocks without overlaps in 30 held pages, in the order of their addresses.
  private static func randomBlocks(
    siteCount: Int, _ random: inout SeededRandom
  ) -> (RangeModel, [LiveSet.Block]) {
    var model = RangeModel()
    let base: UInt64 = 0x7f12_3450_0000
    model.hold(base..<base + 30 * 4096)
    var position = base
    var sites: [Int] = []
    while true {
      let gap = UInt64.random(in: 0..<200, using: &random) * 8
      let length =
        UInt64.random(in: 1..<(Bool.random(using: &random) ? 50 : 1500), using: &random) * 8
      guard position + gap + length <= base + 30 * 4096 else { break }
      model.begin(position + gap..<position + gap + length)
      sites.append(Int.random(in: 0..<siteCount, using: &random))
      position += gap + length
    }
    let blocks = zip(model.blocks, sites).map { range, site in
      func free(_ page: UInt64) -> UInt16 {
        UInt16(
          model.bytes(of: model.held, onPage: page) - model.bytes(of: model.blocks, onPage: page))
      }
      return LiveSet.Block(
        address: Address(range.lowerBound), granted: ByteCount(Int64(range.count)),
        size: ByteCount(Int64(range.count)), stack: StackID(UInt32(site)),
        freeOnFirstPage: free(range.lowerBound / 4096),
        freeOnLastPage: free((range.upperBound - 1) / 4096))
    }
    return (model, blocks)
  }
}
