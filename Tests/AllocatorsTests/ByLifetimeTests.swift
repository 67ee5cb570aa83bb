// Lifetimes by call site against plain arrays, and what keeping them apart does to a heap.

import Allocators
import MemoryUnits
import TestSupport
import Testing

@Suite struct ByLifetimeTests {
  /// A block as an array has it.
  private struct Life {
    var site: Int
    var birth: Int
    var death: Int?
  }

  @Test("tells long-lived sites as a list of all blocks does", arguments: [Int.max, 150])
  func siteLifetimes(learnsUntil: Int) {
    for seed in 0..<300 {
      var random = SeededRandom(seed: UInt64(seed))
      var recorder = SiteLifetimes(split: 2000, learnsUntil: learnsUntil)
      var lives: [Life] = []
      var live: [(life: Int, placement: Placement, size: Int)] = []
      var clock = 0
      var isLearning = true
      for _ in 0..<Int.random(in: 10...600, using: &random) {
        // The allocation that comes after the last one that counts ends it all.
        isLearning = lives.count < learnsUntil
        let size = Int.random(in: 0...300, using: &random)
        let site = Int.random(in: 0..<6, using: &random)
        switch Int.random(in: 0..<9, using: &random) {
        case 0..<4:
          let handle = UInt32((0...live.count).first { $0 != -1 && !used($0, live) } ?? 0)
          let request = BlockRequest(size: ByteCount(size), site: UInt32(site), handle: handle)
          live.append((lives.count, recorder.allocate(request), size))
          guard isLearning else { continue }
          lives.append(Life(site: site, birth: clock))
          clock += size
        case 4..<8:
          guard isLearning, !live.isEmpty else { continue }
          // Blocks of low sites die young.
          let index =
            live.indices.min { lives[live[$0].life].site < lives[live[$1].life].site } ?? 0
          let victim = live.remove(at: index)
          recorder.free(victim.placement)
          lives[victim.life].death = clock
        default:
          guard isLearning, let index = live.indices.randomElement(using: &random) else { continue }
          let request = BlockRequest(size: ByteCount(size), site: 5)
          live[index].placement = recorder.reallocate(
            live[index].placement, oldSize: ByteCount(live[index].size), to: request)
          clock += max(size - live[index].size, 0)
          live[index].size = size
        }
      }
      let isCutOff = lives.count >= learnsUntil
      let found = recorder.longLivedSites
      for site in 0..<7 {
        let ages = lives.filter { $0.site == site }.map { life in
          life.death.map { $0 - life.birth } ?? (isCutOff ? clock - life.birth : Int.max)
        }
        let long = ages.filter { $0 >= 2000 }.count
        #expect(found.contains(UInt32(site)) == (2 * long > ages.count), "seed \(seed), \(site)")
      }
    }
  }

  private func used(
    _ handle: Int, _ live: [(life: Int, placement: Placement, size: Int)]
  ) -> Bool {
    live.contains { $0.placement.address.rawValue == UInt64(handle) }
  }

  @Test("sends each block to the heap of its site, once that is known")
  func segregation() {
    let sites = LongLivedSites(isLong: [false, true])
    let made = ByLifetimeHeap(sites, knownFrom: 2, on: .fit(.firstFit, FitParameters()))
    guard var heap = made else {
      Issue.record("no heap")
      return
    }
    var first = NaiveFitHeap(.first, FitParameters())
    var second = NaiveFitHeap(.first, FitParameters())
    var random = SeededRandom(seed: 5)
    var live: [(placement: Placement, block: Range<Int>, isLong: Bool, size: Int)] = []
    for step in 0..<3000 {
      let site = UInt32.random(in: 0..<4, using: &random)
      let size = Int.random(in: 0..<500, using: &random)
      let request = BlockRequest(size: ByteCount(size), site: site)
      if Bool.random(using: &random) || live.isEmpty {
        let isLong = step >= 2 && site == 1
        let block = isLong ? second.allocate(size, 1) : first.allocate(size, 1)
        live.append((heap.allocate(request), block, isLong, size))
      } else {
        let index = Int.random(in: 0..<live.count, using: &random)
        let victim = live.remove(at: index)
        guard step % 3 == 0 else {
          if victim.isLong { second.free(victim.block) } else { first.free(victim.block) }
          heap.free(victim.placement)
          continue
        }
        let block =
          victim.isLong
          ? second.reallocate(victim.block, victim.size, size, 1)
          : first.reallocate(victim.block, victim.size, size, 1)
        let placement = heap.reallocate(
          victim.placement, oldSize: ByteCount(victim.size), to: request)
        live.append((placement, block, victim.isLong, size))
      }
      guard let last = live.last else { continue }
      let offset = last.isLong ? 1 << 40 : 0
      let isRight =
        last.placement.address.rawValue == UInt64(last.block.lowerBound + offset)
        && last.placement.granted.int == last.block.count
      #expect(isRight, "step \(step)")
      if !isRight { return }
    }
    let work = heap.work
    #expect(work == first.work + second.work)
  }

  // What segregation is for: long-lived blocks between short-lived ones keep pages from being
  // returned.
  @Test("gives the memory of a peak back that one heap keeps")
  func pinned() {
    func heldAfterPeak(_ sites: LongLivedSites) -> Int? {
      let below = HeapKind.fit(.firstFit, FitParameters(trim: .always))
      let made = ByLifetimeHeap(sites, knownFrom: 0, on: below)
      guard var heap = made else { return nil }
      var short: [Placement] = []
      for index in 0..<10_000 {
        let isLong = index % 40 == 39
        let placement = heap.allocate(BlockRequest(size: 96, site: isLong ? 1 : 0))
        if !isLong { short.append(placement) }
      }
      for placement in short { heap.free(placement) }
      return heap.heldChanges.reduce(0) { $0 + $1.range.byteCount.int * ($1.isGrowth ? 1 : -1) }
    }
    #expect(heldAfterPeak(LongLivedSites(isLong: [])) ?? 0 > 900_000)
    #expect(heldAfterPeak(LongLivedSites(isLong: [false, true])) ?? .max < 30_000)
  }

  @Test(
    "is written in canonical form",
    arguments: [
      ("by-lifetime(split=1M,oracle=no,learn=10%)/first-fit", "by-lifetime/first-fit"),
      (
        "by-lifetime(learn=25%,split=64k)/arenas(count=64)/buddy",
        "by-lifetime(split=64k,learn=25%)/arenas(count=64)/buddy"
      ),
      ("by-lifetime(oracle=yes)/buddy", "by-lifetime(oracle=yes)/buddy"),
      ("offline-optimum(order=best)", "offline-optimum"),
      ("offline-optimum(order=size)", "offline-optimum(order=size)"),
    ])
  func canonicalForm(text: String, canonical: String) throws {
    let specification = try HeapSpecification(parsing: text)
    #expect(specification.description == canonical)
    #expect(try HeapSpecification(parsing: canonical) == specification)
  }

  @Test(
    "stands only on what can bear it, and bears nothing",
    arguments: [
      "by-lifetime", "by-lifetime/recorded", "by-lifetime/offline-optimum",
      "thread-cache/by-lifetime/buddy", "by-lifetime(learn=0%)/buddy",
      "by-lifetime(learn=10)/buddy",
      "by-lifetime(split=0)/buddy", "offline-optimum/buddy", "offline-optimum(order=worst)",
    ])
  func errors(text: String) {
    #expect(throws: HeapSpecificationError.self) { try HeapSpecification(parsing: text) }
  }
}
