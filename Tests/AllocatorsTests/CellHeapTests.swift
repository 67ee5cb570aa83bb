// Segregated storage and slab caches against oracles of plain arrays.

import Allocators
import MemoryUnits
import TestSupport
import Testing

@Suite struct CellHeapTests {
  static let classes = ClassScheme.sizes([16, 48, 1024])

  static let segregated = [
    SegregatedParameters(),
    SegregatedParameters(classes: classes, slab: 4096, returnsRuns: true),
    SegregatedParameters(classes: .powersOfTwo, slab: 8192, returnsRuns: false),
    SegregatedParameters(classes: .sizes([1000, 3000, 5000]), slab: 4096, order: .address),
    SegregatedParameters(classes: .perDoubling(2), slab: 4096, returnsRuns: false, order: .address),
  ]

  static let slabs = [
    SlabParameters(),
    SlabParameters(classes: .sizes([512, 1024, 2048]), objects: 2, partial: .oldest, keep: 0),
    SlabParameters(
      classes: .sizes([1000, 2000, 4096]), objects: 1, order: .address, partial: .address, keep: 2),
    SlabParameters(classes: .mimalloc, objects: 3, order: .address, partial: .recent, keep: 3),
    SlabParameters(classes: .powersOfTwo, objects: 1, partial: .address, keep: 1),
    SlabParameters(
      classes: .sizes([512, 1024]), objects: 5, order: .lifo, partial: .oldest, keep: 2),
  ]

  /// One of the layer's settings on each of two grounds.
  func compare(
    _ parameters: SegregatedParameters, _ steps: [Step], onBuddy: Bool = false,
    validates: Bool = true
  ) -> String? {
    let below = onBuddy ? HeapKind.buddy(BuddyParameters()) : .pages(PagesParameters())
    func run<Ground: PlainHeap>(_ ground: Ground) -> String? {
      let plain = NaiveCellHeap(cells: NaiveSegregated(parameters, on: ground))
      if parameters.order == .address {
        let heap = SlabHeap(addressOrdered: parameters, on: below)
        return firstDisagreement(heap, plain, steps, validates: validates)
      }
      return firstDisagreement(
        SegregatedHeap(parameters, on: below), plain, steps, validates: validates)
    }
    return onBuddy
      ? run(NaiveBuddyHeap(BuddyParameters()))
      : run(NaiveFitHeap(.best, PagesParameters().fit))
  }

  func compare(
    _ parameters: SlabParameters, _ steps: [Step], onBuddy: Bool = false, validates: Bool = true
  ) -> String? {
    let below = onBuddy ? HeapKind.buddy(BuddyParameters()) : .pages(PagesParameters())
    func run<Ground: PlainHeap>(_ ground: Ground) -> String? {
      let plain = NaiveCellHeap(cells: NaiveSlabs(parameters, on: ground))
      return firstDisagreement(SlabHeap(parameters, on: below), plain, steps, validates: validates)
    }
    return onBuddy
      ? run(NaiveBuddyHeap(BuddyParameters()))
      : run(NaiveFitHeap(.best, PagesParameters().fit))
  }

  @Test(
    "segregated storage agrees on every sequence of up to six steps",
    arguments: [segregated[1]])
  func everySegregatedSequence(parameters: SegregatedParameters) {
    let found = everySequence(of: [1000, 3000], late: .allocate(5000)) {
      compare(parameters, $0)
    }
    #expect(found.failure == nil)
    #expect(found.count > 5000)
  }

  @Test(
    "slab caches agree on every sequence of up to six steps",
    arguments: [slabs[2]])
  func everySlabSequence(parameters: SlabParameters) {
    let found = everySequence(of: [1000, 2000], late: .allocate(5000)) {
      compare(parameters, $0)
    }
    #expect(found.failure == nil)
    #expect(found.count > 5000)
  }

  @Test("segregated storage agrees on random sequences", arguments: segregated, [false, true])
  func randomSegregated(parameters: SegregatedParameters, onBuddy: Bool) {
    for seed in 0..<repetitions(200) {
      var random = SeededRandom(seed: UInt64(seed))
      let steps = randomCourse(
        &random, count: 20 + seed % 61, largest: [3000, 20_000][seed % 2], alignments: 15)
      let failure = compare(parameters, steps, onBuddy: onBuddy, validates: seed % 5 == 0)
      #expect(failure == nil, "seed \(seed)")
      if failure != nil { return }
    }
  }

  @Test("slab caches agree on random sequences", arguments: slabs, [false, true])
  func randomSlabs(parameters: SlabParameters, onBuddy: Bool) {
    for seed in 0..<repetitions(200) {
      var random = SeededRandom(seed: UInt64(seed))
      let steps = randomCourse(
        &random, count: 20 + seed % 61, largest: [3000, 20_000][seed % 2], alignments: 15)
      let failure = compare(parameters, steps, onBuddy: onBuddy, validates: seed % 5 == 0)
      #expect(failure == nil, "seed \(seed)")
      if failure != nil { return }
    }
  }

  // So many cells of few sizes that lists get long and runs come and go.
  @Test("both agree on a long course")
  func longCourse() {
    var random = SeededRandom(seed: 5)
    var steps: [Step] = []
    for phase in 0..<6 {
      for _ in 0..<700 {
        let size = Int.random(in: 1...3, using: &random) * 300
        let choice = Int.random(in: 0..<100_000, using: &random)
        let growing = Int.random(in: 0..<20, using: &random) < [18, 3, 12, 8, 16, 3][phase]
        steps.append(growing ? .allocate(size) : .free(choice))
      }
    }
    for parameters in Self.segregated {
      #expect(compare(parameters, steps, validates: false) == nil)
    }
    for parameters in Self.slabs {
      #expect(compare(parameters, steps, validates: false) == nil)
    }
  }
}
