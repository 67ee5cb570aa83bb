// Fixed and static partitions against plain arrays.

import Allocators
import MemoryUnits
import TestSupport
import Testing

@Suite struct PartitionTests {
  static let page = 4096
  static let fixed = [
    FixedPartitionParameters(count: 3, size: 4096),
    FixedPartitionParameters(sizes: [8192, 4096, 16384, 4096], fit: .best),
    FixedPartitionParameters(sizes: [16384, 4096, 8192], fit: .first),
    FixedPartitionParameters(count: 20, size: 8192, fit: .best),
  ]
  static let divided = [
    StaticPartitionParameters(limits: [64, 1000], size: 8192),
    StaticPartitionParameters(by: .site, regions: 3, size: 16384),
    StaticPartitionParameters(by: .site, regions: 1, size: 4096),
    StaticPartitionParameters(limits: [2000], size: 65536),
  ]

  func compare(_ parameters: FixedPartitionParameters, _ steps: [Step]) -> String? {
    let sizes =
      parameters.sizes.isEmpty
      ? (0..<parameters.count).map { _ in parameters.size.int } : parameters.sizes
    let plain = NaiveFixedPartitions(sizes, isBest: parameters.fit == .best)
    return firstDisagreement(FixedPartitionHeap(parameters), plain, steps)
  }

  func compare(_ parameters: StaticPartitionParameters, _ steps: [Step]) -> String? {
    firstDisagreement(
      StaticPartitionHeap(parameters), NaiveStaticPartitions(parameters), steps
    ) { $1.site = $0.site }
  }

  @Test("agree on every sequence of up to six steps")
  func everySequenceOfSteps() {
    let plain = everySequence(of: [3000, 7000], late: .allocate(12_000)) {
      compare(Self.fixed[1], $0)
    }
    #expect(plain.failure == nil)
    let divided = everySequence(of: [40, 3000], late: .allocate(600)) {
      compare(Self.divided[0], $0)
    }
    #expect(divided.failure == nil)
    #expect(plain.count > 5000 && divided.count > 5000)
  }

  @Test("fixed partitions agree on random sequences", arguments: fixed)
  func randomFixed(parameters: FixedPartitionParameters) {
    for seed in 0..<repetitions(400) {
      var random = SeededRandom(seed: UInt64(seed))
      let steps = randomCourse(&random, count: 60, largest: 20_000, alignments: 16)
      let failure = compare(parameters, steps)
      #expect(failure == nil, "seed \(seed)")
      if failure != nil { return }
    }
  }

  @Test("static partitions agree on random sequences", arguments: divided)
  func randomDivided(parameters: StaticPartitionParameters) {
    for seed in 0..<repetitions(400) {
      var random = SeededRandom(seed: UInt64(seed))
      let steps = randomCourse(&random, count: 60, largest: 9000, alignments: 14)
      let failure = compare(parameters, steps)
      #expect(failure == nil, "seed \(seed)")
      if failure != nil { return }
    }
  }

  @Test("thousands of partitions are found by size")
  func many() {
    let sizes = (0..<4096).map { (1 + $0 * 7919 % 97) * 4096 }
    for isBest in [false, true] {
      let parameters = FixedPartitionParameters(sizes: sizes, fit: isBest ? .best : .first)
      var random = SeededRandom(seed: 3)
      let steps = randomCourse(&random, count: 400, largest: 97 * 4096, alignments: 16)
      let plain = NaiveFixedPartitions(sizes, isBest: isBest)
      #expect(
        firstDisagreement(FixedPartitionHeap(parameters), plain, steps, validates: false) == nil)
    }
  }
}
