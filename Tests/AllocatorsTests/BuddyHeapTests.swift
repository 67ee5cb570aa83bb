// The buddy heap against an oracle without free lists.

import Allocators
import MemoryUnits
import TestSupport
import Testing

/// Runs a sequence on both sides; the first step that goes wrong, with what is wrong.
func firstBuddyDifference(_ parameters: BuddyParameters, _ steps: [Step]) -> String? {
  var heap = BuddyHeap(parameters)
  var naive = NaiveBuddyHeap(parameters)
  var validator = PlacementValidator()
  var live: [(placement: Placement, block: Range<Int>, size: Int)] = []
  for (index, step) in steps.enumerated() {
    heap.heldChanges = []
    naive.changes = []
    var wrong: [String] = []
    var placed: (Placement, Range<Int>)?
    switch step {
    case .allocate(let size, let alignment):
      let request = BlockRequest(size: ByteCount(size), alignment: ByteCount(alignment))
      let pair = (heap.allocate(request), naive.allocate(size, alignment))
      wrong += validator.apply(heap.heldChanges) + validator.place(pair.0, for: request)
      live.append((pair.0, pair.1, size))
      placed = pair
    case .free(let choice):
      guard !live.isEmpty else { continue }
      let victim = live.remove(at: choice % live.count)
      heap.free(victim.placement)
      naive.free(victim.block)
      wrong += validator.free(victim.placement)
    case .reallocate(let choice, let size, let alignment):
      guard !live.isEmpty else { continue }
      let old = live[choice % live.count]
      let request = BlockRequest(size: ByteCount(size), alignment: ByteCount(alignment))
      let pair = (
        heap.reallocate(old.placement, oldSize: ByteCount(old.size), to: request),
        naive.reallocate(old.block, old.size, size, alignment)
      )
      wrong += validator.free(old.placement) + validator.apply(heap.heldChanges)
      wrong += validator.place(pair.0, for: request)
      live[choice % live.count] = (pair.0, pair.1, size)
      placed = pair
    }
    if let (placement, block) = placed,
      placement.address.rawValue != block.lowerBound || placement.granted.int != block.count
    {
      wrong.append("placed at \(placement), the oracle at \(block)")
    }
    let free = heap.freeBlocks.map { $0.address..<$0.end }
    if free != naive.free.map(NaiveFitHeap.range) { wrong.append("free blocks \(free)") }
    if heap.heldChanges != naive.changes { wrong.append("held changes \(heap.heldChanges)") }
    if heap.work != naive.work { wrong.append("work \(heap.work), not \(naive.work)") }
    let freeBytes = free.reduce(ByteCount.zero) { $0 + $1.byteCount }
    if validator.grantedBytes + freeBytes != validator.heldBytes { wrong.append("bytes lost") }
    if !wrong.isEmpty { return "step \(index), \(step): \(wrong)" }
  }
  return nil
}

@Suite struct BuddyHeapTests {
  @Test("agrees with the oracle on every sequence of up to six steps")
  func everySequence() {
    let parameters = BuddyParameters(min: 16, growth: 64)
    var sequences = 0
    var failure: String?
    func extend(_ steps: [Step], live: Int) {
      guard failure == nil else { return }
      // Every shorter sequence is checked as the beginning of a longer one.
      if steps.count == 6 {
        sequences += 1
        failure = firstBuddyDifference(parameters, steps).map { "\(steps): \($0)" }
      }
      guard steps.count < 6 else { return }
      for step in [Step.allocate(16), .allocate(40)] { extend(steps + [step], live: live + 1) }
      if steps.count < 3 { extend(steps + [.allocate(100)], live: live + 1) }
      for index in 0..<live {
        extend(steps + [.free(index)], live: live - 1)
        if steps.count > 3 { extend(steps + [.reallocate(index, 16)], live: live) }
        if steps.count > 2 { extend(steps + [.reallocate(index, 60)], live: live) }
      }
    }
    extend([], live: 0)
    #expect(failure == nil)
    #expect(sequences > 5_000)
  }

  @Test(
    "agrees with the oracle on random sequences",
    arguments: [
      BuddyParameters(), BuddyParameters(min: 1, growth: 1),
      BuddyParameters(min: 64, header: 16, growth: 16), BuddyParameters(min: 16, growth: 65536),
    ])
  func randomSequences(parameters: BuddyParameters) {
    for seed in 0..<500 {
      var random = SeededRandom(seed: UInt64(seed))
      let steps = FitHeapTests().randomSteps(&random, count: 20 + seed % 61)
      let failure = firstBuddyDifference(parameters, steps)
      #expect(failure == nil, "seed \(seed)")
      if failure != nil { return }
    }
  }

  @Test("wastes a quarter of the granted bytes on uniform sizes")
  func uniformWaste() {
    // All sizes once: the closed form is 1/4 as the largest size grows.
    let waste = wasteOfAll((1...(1 << 14)).map { $0 })
    #expect(abs(waste - 0.25) < 0.0005)
  }

  @Test("wastes 1 - 1/(2 ln 2) on log-uniform sizes cut at a power of two")
  func logUniformWaste() {
    // Sizes 2^(4 + 16 u) for u evenly spread over 0 to 1, by repeated multiplication.
    var sizes: [Int] = []
    var size = 16.0 * 1024
    // The 4096th root of two.
    let ratio = 1.000_169_237_7
    while size < 16384 * 64 {
      sizes.append(Int(size.rounded()))
      size *= ratio
    }
    #expect(abs(wasteOfAll(sizes) - 0.2787) < 0.001)
  }

  func wasteOfAll(_ sizes: [Int]) -> Double {
    var heap = BuddyHeap(BuddyParameters(min: 1))
    var granted = 0
    for size in sizes { granted += heap.allocate(BlockRequest(size: ByteCount(size))).granted.int }
    return 1 - Double(sizes.reduce(0, +)) / Double(granted)
  }
}
