// What compaction must achieve: no holes, and no bound of Robson's.

import Allocators
import MemoryUnits
import TestSupport
import Testing

@Suite struct CompactionFactsTests {
  /// A heap with the blocks that live on it, by their handles.
  struct Driver: ~Copyable {
    var heap: CompactingHeap<FirstFit>
    var live: [UInt32: Placement] = [:]
    var handles: UInt32 = 0

    init(_ compaction: Compaction) {
      var parameters = PublishedFactsTests.byteHeap
      parameters.compaction = compaction
      heap = CompactingHeap(parameters)
    }

    mutating func allocate(_ size: Int) -> UInt32 {
      handles += 1
      let placement = heap.allocate(BlockRequest(size: ByteCount(size), handle: handles))
      follow()
      live[handles] = placement
      return handles
    }

    mutating func free(_ handle: UInt32) {
      if let placement = live.removeValue(forKey: handle) { heap.free(placement) }
      follow()
    }

    private mutating func follow() {
      for move in heap.relocations { live[move.handle] = move.new }
      heap.relocations = []
    }
  }

  @Test(
    "leaves no hole: sliding with any sizes, two fingers with one size",
    arguments: [(Compaction.Method.sliding, 1...500), (.twoFinger, 64...64)])
  func noHole(method: Compaction.Method, sizes: ClosedRange<Int>) {
    var random = SeededRandom(seed: 8)
    var driver = Driver(Compaction(method: method, trigger: .every(1)))
    for round in 0..<3000 {
      if let victim = driver.live.keys.sorted().randomElement(using: &random), round % 5 > 2 {
        driver.free(victim)
      } else {
        _ = driver.allocate(Int.random(in: sizes, using: &random))
      }
      #expect(driver.heap.holeCount == 0)
      guard round % 100 == 99 else { continue }
      let bytes = driver.live.values.reduce(0) { $0 + $1.granted.int }
      #expect((driver.heap.held.byteCount - driver.heap.wilderness.byteCount).int == bytes)
    }
    #expect(driver.heap.work.blocksRelocated > 100)
  }

  @Test("moves one block for each freed one with two fingers, all above it by sliding")
  func movedBytes() {
    for (method, moved) in [(Compaction.Method.twoFinger, 1), (.sliding, 98)] {
      var driver = Driver(Compaction(method: method, trigger: .every(100)))
      let handles = (0..<99).map { _ in driver.allocate(64) }
      driver.free(handles[0])
      #expect(driver.heap.work.blocksRelocated == UInt64(moved))
      #expect(driver.heap.work.bytesRelocated == UInt64(64 * moved))
    }
  }

  /// The memory that Robson's adversary takes (JACM 1971, 1974): it fills the memory with ones, then
  /// for each power of two keeps only the blocks that cover one residue, and refills.
  func robsonPeak(_ compaction: Compaction, live limit: Int, largest: Int) -> Int {
    var driver = Driver(compaction)
    for _ in 0..<limit { _ = driver.allocate(1) }
    var (residue, size) = (0, 2)
    while size <= largest {
      func covering(_ residue: Int, _ live: [UInt32: Placement]) -> Set<UInt32> {
        Set(
          live.filter { _, block in
            let start = Int(block.address.rawValue) - 0x1000_0000
            return (start..<(start + block.granted.int)).contains { $0 % size == residue }
          }.keys)
      }
      let (low, high) = (residue, residue + size / 2)
      let isLow = covering(low, driver.live).count >= covering(high, driver.live).count
      residue = isLow ? low : high
      let kept = covering(residue, driver.live)
      for handle in driver.live.keys.sorted() where !kept.contains(handle) { driver.free(handle) }
      var live = driver.live.values.reduce(0) { $0 + $1.granted.int }
      while live + size <= limit {
        _ = driver.allocate(size)
        live += size
      }
      size *= 2
    }
    return driver.heap.held.byteCount.int
  }

  // Without compaction these are met exactly; see `PublishedFactsTests`.
  @Test(
    "never holds more than the most that lived, whatever Robson's adversary does",
    arguments: [(64, 8, 153), (128, 16, 369), (256, 32, 865)])
  func robson(limit: Int, largest: Int, bound: Int) {
    let sliding = Compaction(method: .sliding)
    #expect(robsonPeak(sliding, live: limit, largest: largest) == limit)
    // A budget that never affords a byte is no compaction; one in between helps, but not fully.
    var poor = sliding
    poor.budget = 1_000_000
    #expect(robsonPeak(poor, live: limit, largest: largest) == bound)
    poor.budget = 10
    let partial = robsonPeak(poor, live: limit, largest: largest)
    #expect(limit < partial && partial < bound)
  }
}
