// Meshing against what its authors proved, and against a shadow of every block.

import Allocators
import MemoryUnits
import TestSupport
import Testing

@Suite struct MeshHeapTests {
  /// The number of ways to choose `k` of `n`.
  private static func choose(_ n: Int, _ k: Int) -> Double {
    (0..<k).reduce(1.0) { $0 * Double(n - $1) / Double($1 + 1) }
  }

  /// The chance that two spans of so many slots, with so many live ones each, can be meshed.
  private static func chance(_ slots: Int, _ a: Int, _ b: Int) -> Double {
    choose(slots - a, b) / choose(slots, b)
  }

  // Section 5.1 of the paper: q = C(b - r1, r2) / C(b, r2).
  @Test(
    "two random spans mesh as often as the formula says, two filled from below never",
    arguments: [(16, 4, 4), (16, 2, 6), (32, 3, 5), (100, 5, 20), (256, 16, 16), (64, 1, 1)])
  func probability(slots: Int, first: Int, second: Int) {
    var random = SlotRandom(seed: slots * 1000 + first)
    func share(_ choice: SlotChoice) -> Double {
      let trials = 60_000
      var meshable = 0
      for _ in 0..<trials {
        var a = SlotMap(count: slots)
        var b = SlotMap(count: slots)
        for _ in 0..<first { _ = a.take(choice, &random) }
        for _ in 0..<second { _ = b.take(choice, &random) }
        if a.isDisjoint(with: b) { meshable += 1 }
        a.deallocate()
        b.deallocate()
      }
      return Double(meshable) / Double(trials)
    }
    let expected = Self.chance(slots, first, second)
    #expect(abs(share(.random) - expected) < 0.0065)
    #expect(share(.first) == 0)
  }

  /// What became of spans whose blocks were freed but for some.
  private struct Outcome {
    var spans: Int
    var meshed: Int
  }

  /// Fills spans of 4 KiB and frees all blocks but those that `keeps` says by their number in the
  /// span, in order of allocation; with the last free the spans are meshed once.
  private func thinOut(
    spans: Int, size: Int, _ choice: SlotChoice, rounds: Int = 1, keeps: (Int, Int) -> Bool
  ) -> Outcome {
    let slots = 4096 / size
    let victims = (0..<spans).reduce(0) { sum, span in
      sum + (0..<slots).filter { !keeps(span, $0) }.count
    }
    let parameters = MeshParameters(
      classes: .sizes([size]), slots: choice, every: victims, seed: 7)
    var heap = MeshHeap(parameters, on: .fit(.firstFit, FitParameters(trim: .always)))
    var placements: [Placement] = []
    // One more, so that the last of the full spans is no longer attached.
    for handle in 0...spans * slots {
      placements.append(
        heap.allocate(BlockRequest(size: ByteCount(size), handle: UInt32(handle))))
    }
    for span in 0..<spans {
      for number in 0..<slots where !keeps(span, number) {
        heap.free(placements[span * slots + number])
      }
    }
    for relocation in heap.relocations { placements[Int(relocation.handle)] = relocation.new }
    heap.relocations = []
    let last = placements.count - 1
    for _ in 1..<rounds {
      for _ in 0..<victims {
        heap.free(placements[last])
        placements[last] = heap.allocate(
          BlockRequest(size: ByteCount(size), handle: UInt32(last)))
        for relocation in heap.relocations { placements[Int(relocation.handle)] = relocation.new }
        heap.relocations = []
      }
    }
    let work = heap.work
    let pages = Set(
      placements.indices.filter { index in
        index == last || keeps(index / slots, index % slots)
      }.map { placements[$0].address.rawValue / 4096 })
    return Outcome(spans: pages.count, meshed: Int(work.blocksRelocated))
  }

  // Section 5.2, theorem: with t = k / q probes SplitMesher finds n (1 - e^(-2k)) / 4 pairs at
  // least, with high probability; here k is above 17.
  @Test("finds as many pairs of spans as is proven")
  func splitMesher() {
    let outcome = thinOut(spans: 400, size: 256, .random) { _, number in number < 4 }
    #expect(Self.chance(16, 4, 4) * 64 > 17)
    #expect(outcome.meshed % 4 == 0)
    #expect(outcome.meshed / 4 >= 100)
    #expect(outcome.spans == 401 - outcome.meshed / 4)
  }

  // The introduction's example: spans with one 16-byte object each. Where slots are filled from
  // below the first object of each stands in the first slot.
  @Test("meshes what random slots keep apart, and nothing where the lowest slot comes first")
  func adversary() {
    let random = thinOut(spans: 64, size: 16, .random, rounds: 8) { _, number in number == 0 }
    let first = thinOut(spans: 64, size: 16, .first, rounds: 8) { _, number in number == 0 }
    #expect(first.meshed == 0)
    #expect(first.spans == 65)
    #expect(random.spans <= 8)
  }

  /// Follows every block of a heap by its handle.
  private struct Shadow {
    var validator = PlacementValidator()
    var placements: [UInt32: Placement] = [:]
    var sizes: [UInt32: Int] = [:]
    var relocated: UInt64 = 0

    /// Takes what the heap did beside placing and freeing; what is wrong with it.
    mutating func follow(_ heap: inout MeshHeap) -> [String] {
      var wrong = validator.apply(heap.heldChanges.filter(\.isGrowth))
      for relocation in heap.relocations {
        relocated += 1
        if placements[relocation.handle] != relocation.old { wrong.append("not at \(relocation)") }
        if relocation.old.address.rawValue % 4096 != relocation.new.address.rawValue % 4096 {
          wrong.append("another slot: \(relocation)")
        }
        wrong += validator.free(relocation.old)
        let request = BlockRequest(size: ByteCount(sizes[relocation.handle] ?? 0))
        wrong += validator.place(relocation.new, for: request)
        placements[relocation.handle] = relocation.new
      }
      wrong += validator.apply(heap.heldChanges.filter { !$0.isGrowth })
      heap.heldChanges = []
      heap.relocations = []
      if heap.work.blocksRelocated != relocated { wrong.append("relocations miscounted") }
      return wrong
    }
  }

  private func firstFault(_ steps: [Step], _ parameters: MeshParameters) -> (String?, UInt64) {
    let below = HeapKind.fit(.firstFit, FitParameters(trim: .always))
    var heap = MeshHeap(parameters, on: below)
    var shadow = Shadow()
    var live: [UInt32] = []
    for (index, step) in steps.enumerated() {
      var wrong: [String] = []
      switch step {
      case .allocate(let size, let alignment):
        let request = BlockRequest(
          size: ByteCount(size), alignment: ByteCount(alignment), handle: UInt32(index))
        let placement = heap.allocate(request)
        wrong += shadow.follow(&heap) + shadow.validator.place(placement, for: request)
        live.append(UInt32(index))
        shadow.placements[UInt32(index)] = placement
        shadow.sizes[UInt32(index)] = size
      case .free(let choice):
        guard !live.isEmpty else { continue }
        let handle = live.remove(at: choice % live.count)
        guard let placement = shadow.placements.removeValue(forKey: handle) else { continue }
        wrong += shadow.validator.free(placement)
        heap.free(placement)
        wrong += shadow.follow(&heap)
      case .reallocate(let choice, let size, let alignment):
        guard !live.isEmpty else { continue }
        let handle = live[choice % live.count]
        guard let old = shadow.placements[handle] else { continue }
        let request = BlockRequest(
          size: ByteCount(size), alignment: ByteCount(alignment), handle: handle)
        let new = heap.reallocate(
          old, oldSize: ByteCount(shadow.sizes[handle] ?? 0), to: request)
        wrong += shadow.validator.free(old)
        wrong += shadow.follow(&heap) + shadow.validator.place(new, for: request)
        shadow.placements[handle] = new
        shadow.sizes[handle] = size
      }
      if !wrong.isEmpty { return ("step \(index), \(step): \(wrong)", 0) }
    }
    for handle in live {
      guard let placement = shadow.placements.removeValue(forKey: handle) else { continue }
      _ = shadow.validator.free(placement)
      heap.free(placement)
      let wrong = shadow.follow(&heap)
      if !wrong.isEmpty { return ("at the end: \(wrong)", 0) }
    }
    // What is left are the attached spans, one a class at most.
    let spans = heap.work.refills - heap.work.flushes
    return (spans <= 40 ? nil : "\(spans) spans are left", shadow.relocated)
  }

  @Test(
    "keeps every block apart and in its slot, wherever it moves", arguments: SlotChoice.allCases)
  func randomSequences(choice: SlotChoice) {
    var relocated: UInt64 = 0
    for seed in 0..<100 {
      var random = SeededRandom(seed: UInt64(seed))
      let parameters = MeshParameters(
        classes: seed % 3 == 0 ? .jemalloc : .sizes([400]), slots: choice, every: 1 + seed % 5,
        seed: seed)
      let steps: [Step] = (0..<400).map { index in
        let size = Int.random(in: 0...(seed % 3 == 0 ? 6000 : 400), using: &random)
        let pick = Int.random(in: 0..<1000, using: &random)
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<(index < 150 ? 7 : 2): return .allocate(size, alignment: 1 << (pick % 7))
        case 8...: return .reallocate(pick, size)
        default: return .free(pick)
        }
      }
      let (fault, moved) = firstFault(steps, parameters)
      relocated += moved
      #expect(fault == nil, "seed \(seed)")
      if fault != nil { return }
    }
    #expect(relocated > 500)
  }

  @Test("survives sizes and alignments beyond all reason, in an address space that is full")
  func nonsense() {
    var heap = MeshHeap(MeshParameters(every: 1), on: .fit(.bestFit, FitParameters()))
    for size in [Int64.max, .min, -1, 0, 1 << 62, 1 << 50, 1 << 42] {
      for alignment in [Int64.max, -1, 0, 3, 4096, 1 << 40] {
        let request = BlockRequest(size: ByteCount(size), alignment: ByteCount(alignment))
        let placement = heap.allocate(request)
        #expect(placement.granted > 0)
        heap.free(heap.reallocate(placement, oldSize: ByteCount(size), to: request))
      }
    }
    for power in stride(from: 42, through: 12, by: -1) {
      for _ in 0..<(power == 42 ? 200 : 2) {
        _ = heap.allocate(BlockRequest(size: ByteCount(1 << power), alignment: 8192))
      }
    }
    let small = (0..<1000).map { heap.allocate(BlockRequest(size: 100, handle: $0)) }
    for placement in small { heap.free(placement) }
    let failures = heap.work.failures
    #expect(failures > 0)
  }

  @Test(
    "is written in canonical form",
    arguments: [
      ("mesh", "mesh"), ("mesh(span=4k,slots=random)/pages", "mesh"),
      ("mesh(seed=5,slots=first,every=0)/buddy", "mesh(slots=first,every=0,seed=5)/buddy"),
      ("mesh(classes=mimalloc,span=64k,probes=8)", "mesh(classes=mimalloc,span=64k,probes=8)"),
    ])
  func canonicalForm(text: String, canonical: String) throws {
    let specification = try HeapSpecification(parsing: text)
    #expect(specification.description == canonical)
    #expect(try HeapSpecification(parsing: canonical) == specification)
  }

  @Test(
    "bears no layer, as its blocks move",
    arguments: [
      "thread-cache/mesh", "arenas/mesh/pages", "slab/mesh", "mesh/mesh", "by-lifetime/mesh",
      "mesh/recorded", "mesh(span=5000)", "mesh(slots=last)", "mesh(probes=0)",
    ])
  func errors(text: String) {
    #expect(throws: HeapSpecificationError.self) { try HeapSpecification(parsing: text) }
  }
}
