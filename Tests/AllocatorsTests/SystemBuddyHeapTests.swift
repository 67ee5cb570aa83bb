// Fibonacci, weighted and double buddies against trees of objects.

import Allocators
import MemoryUnits
import TestSupport
import Testing

@Suite struct SystemBuddyHeapTests {
  func compare(
    _ system: BuddySystem, _ parameters: BuddyParameters, _ steps: [Step], validates: Bool = true
  ) -> String? {
    firstDisagreement(
      SystemBuddyHeap(system, parameters), NaiveTreeBuddyHeap(system, parameters), steps,
      validates: validates)
  }

  static let parameterSets = [
    BuddyParameters(), BuddyParameters(min: 16, growth: 64), BuddyParameters(min: 1, growth: 1),
    BuddyParameters(min: 64, header: 16, growth: 16), BuddyParameters(min: 16, growth: 65536),
  ]

  @Test(
    "agrees with the tree on every sequence of up to six steps", arguments: BuddySystem.allCases)
  func everySequenceOfSteps(system: BuddySystem) {
    let parameters = BuddyParameters(min: 16, growth: 64)
    let found = everySequence(of: [16, 40], late: .allocate(100)) {
      compare(system, parameters, $0)
    }
    #expect(found.failure == nil)
    #expect(found.count > 5000)
  }

  @Test(
    "agrees with the tree on random sequences", arguments: BuddySystem.allCases, parameterSets)
  func randomSequences(system: BuddySystem, parameters: BuddyParameters) {
    for seed in 0..<repetitions(200) {
      var random = SeededRandom(seed: UInt64(seed))
      let steps = randomCourse(
        &random, count: 20 + seed % 61, largest: [64, 300, 5000, 1 << 20][seed % 4],
        alignments: 13)
      let failure = compare(system, parameters, steps, validates: seed % 5 == 0)
      #expect(failure == nil, "seed \(seed)")
      if failure != nil { return }
    }
  }

  @Test("agrees with the tree on a long course", arguments: BuddySystem.allCases)
  func longCourse(system: BuddySystem) {
    var random = SeededRandom(seed: 17)
    let steps = randomCourse(&random, count: 1500, largest: 20_000)
    #expect(compare(system, BuddyParameters(), steps, validates: false) == nil)
  }

  @Test(
    "places a first block of the right size",
    arguments: [
      ("fibonacci-buddy(min=16)", 65, 80), ("fibonacci-buddy(min=16)", 100, 128),
      ("weighted-buddy(min=16)", 65, 96), ("weighted-buddy(min=16)", 97, 128),
      ("double-buddy(min=16)", 65, 96), ("double-buddy(min=16)", 49, 64),
    ])
  func sizes(text: String, size: Int, granted: Int) throws {
    struct First: HeapVisitor {
      var size: Int
      mutating func visit<H: Heap & ~Copyable>(_ heap: consuming H) -> Int {
        var heap = heap
        return heap.allocate(BlockRequest(size: ByteCount(size))).granted.int
      }
    }
    var first = First(size: size)
    #expect(try HeapSpecification(parsing: text).kind.build(&first) == granted)
  }
}
