// Thread caches, arenas and mappings against oracles of arrays, over first fit.

import Allocators
import Foundation
import MemoryUnits
import TestSupport
import Testing
import Trace

@Suite struct LayerTests {
  private static let isLong = ProcessInfo.processInfo.environment["LACUNA_LONG_TESTS"] != nil
  private static let below = FitParameters(growth: 64, trim: .always)
  private static let belowText = "/first-fit(growth=64,trim=always)"

  /// A layer as it is written, and its oracle.
  enum Layer: Sendable, CustomStringConvertible {
    case cache(ThreadCacheParameters)
    case arenas(ArenasParameters)
    case mmap(MmapThresholdParameters)

    var description: String {
      let kind: HeapKind =
        switch self {
        case .cache(let parameters): .threadCache(parameters, on: .fit(.firstFit, below))
        case .arenas(let parameters): .arenas(parameters, on: .fit(.firstFit, below))
        case .mmap(let parameters): .mmapThreshold(parameters, on: .fit(.firstFit, below))
        }
      return HeapSpecification(kind).description
    }

    func difference(_ steps: [ThreadStep], validates: Bool = true) -> String? {
      let text = description
      switch self {
      case .cache(let parameters):
        let naive = NaiveThreadCache(parameters, below)
        return LayerDuel.difference(text, naive, steps, validates: validates)
      case .arenas(let parameters):
        let naive = NaiveArenas(parameters, below)
        return LayerDuel.difference(text, naive, steps, validates: validates)
      case .mmap(let parameters):
        let naive = NaiveMmapThreshold(parameters, below)
        return LayerDuel.difference(text, naive, steps, validates: validates)
      }
    }
  }

  private static let small: [(Layer, [Int])] = [
    (.cache(ThreadCacheParameters(slots: 1, batch: 1, largest: 64)), [16, 40]),
    (.cache(ThreadCacheParameters(slots: 2, batch: 2, largest: 30, remote: .owner)), [16, 40]),
    (.arenas(ArenasParameters(count: 2)), [16, 40]),
    (.arenas(ArenasParameters(count: 2, binding: .roundRobin)), [16, 40]),
    (.mmap(MmapThresholdParameters(bytes: 100)), [16, 5000]),
    (.mmap(MmapThresholdParameters(bytes: 100, isDynamic: false)), [100, 5000]),
  ]

  @Test("agree with their oracles on every sequence of six steps", arguments: small)
  func everySequence(layer: Layer, sizes: [Int]) {
    var failure: String?
    let sequences = everyThreadSequence(sizes) { steps in
      failure = layer.difference(steps).map { "\(steps): \($0)" }
      return failure == nil
    }
    #expect(failure == nil)
    #expect(sequences > 5_000)
  }

  private static let random: [Layer] = [
    .cache(ThreadCacheParameters()),
    .cache(ThreadCacheParameters(slots: 3, batch: 2, largest: 200)),
    .cache(ThreadCacheParameters(slots: 2, batch: 5, largest: 4096, classes: .multiples(of: 64))),
    .cache(ThreadCacheParameters(largest: 5000, classes: .scheme(.sizes([24, 48, 400, 4000])))),
    .cache(ThreadCacheParameters(slots: 4, batch: 3, largest: 500, remote: .owner)),
    .cache(ThreadCacheParameters(slots: 1, batch: 1, largest: 200, remote: .owner)),
    .arenas(ArenasParameters()), .arenas(ArenasParameters(count: 3, binding: .roundRobin)),
    .arenas(ArenasParameters(count: 1)), .mmap(MmapThresholdParameters(bytes: 1000)),
    .mmap(MmapThresholdParameters(bytes: 3000, isDynamic: false)),
    .mmap(MmapThresholdParameters(bytes: 0)),
  ]

  @Test("agree with their oracles on random sequences", arguments: random)
  func randomSequences(layer: Layer) {
    for seed in 0..<(Self.isLong ? 10_000 : 300) {
      let steps = randomThreadSteps(seed: seed, count: 20 + seed % 61, threads: 1 + seed % 4) {
        Int.random(in: 0...[64, 300, 9000][seed % 3], using: &$0)
      }
      let failure = layer.difference(steps)
      #expect(failure == nil, "seed \(seed)")
      if failure != nil { return }
    }
  }

  @Test(
    "agree with their oracles on the first steps of a linker with many threads", arguments: random)
  func realTrace(layer: Layer) throws {
    let steps = try Self.steps(of: "lld", limit: 2500)
    #expect(steps.count == 2500)
    #expect(layer.difference(steps, validates: false) == nil)
  }

  /// The steps of a recording with their threads; blocks by their place among the live ones.
  private static func steps(of name: String, limit: Int) throws -> [ThreadStep] {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../Traces/\(name).trace").standardizedFileURL.path
    var steps: [ThreadStep] = []
    var order: [UInt32] = []
    try TraceFile(path: path).read(addresses: false) { batch in
      for request in batch where steps.count < limit {
        let place = order.firstIndex(of: request.slot.rawValue)
        var step: Step?
        switch request.operation {
        case .allocate, .reallocateEnd:
          step = .allocate(request.size.int, alignment: request.alignment?.int ?? 1)
          order.append(request.slot.rawValue)
        case .free, .reallocateBegin:
          let place = try #require(place)
          step = .free(place)
          order.remove(at: place)
        case .reallocate: step = .reallocate(try #require(place), request.size.int)
        default: break
        }
        if let step { steps.append(ThreadStep(step: step, thread: Int(request.thread.rawValue))) }
      }
    }
    return steps
  }

  // MARK: What is known of the mechanisms

  /// What a heap holds after a producer allocates what a consumer frees, again and again.
  private struct ProducerAndConsumer: HeapVisitor {
    mutating func visit<H: Heap & ~Copyable>(_ heap: consuming H) -> Int {
      var heap = heap
      for _ in 0..<1000 {
        let blocks = (0..<10).map { _ in heap.allocate(BlockRequest(size: 100, thread: 0)) }
        for block in blocks { heap.free(block, by: 1) }
      }
      return heap.heldChanges.reduce(0) {
        $0 + $1.range.byteCount.int * ($1.isGrowth ? 1 : -1)
      }
    }
  }

  private func held(_ text: String) throws -> Int {
    var visitor = ProducerAndConsumer()
    return try #require(try HeapSpecification(parsing: text).kind.build(&visitor))
  }

  // Hoard (Berger et al., ASPLOS 2000, section 2.2) names what private heaps do to such programs.
  @Test("bounds what a consumer keeps of a producer's blocks by its slots, or sends them back")
  func producerAndConsumer() throws {
    let few = try held("thread-cache(slots=7,batch=7)/first-fit")
    let many = try held("thread-cache(slots=4096,batch=64)/first-fit")
    let owner = try held("thread-cache(slots=7,batch=7,remote=owner)/first-fit")
    #expect(few <= 4096)
    #expect(many > 4096 * 100)
    #expect(owner <= 4096)
  }

  @Test("raises the threshold to the length of a freed mapping, up to 32 MiB")
  func dynamicThreshold() {
    let made = MmapThresholdHeap(MmapThresholdParameters(), on: .buddy(BuddyParameters()))
    guard var heap = made else {
      Issue.record("no heap")
      return
    }
    #expect(heap.threshold == 131_072)
    heap.free(heap.allocate(BlockRequest(size: 200_000)))
    #expect(heap.threshold == 200_704)
    heap.free(heap.allocate(BlockRequest(size: 150_000)))
    #expect(heap.threshold == 200_704)
    heap.free(heap.allocate(BlockRequest(size: ByteCount(32 << 20))))
    #expect(heap.threshold == ByteCount(32 << 20))
    heap.free(heap.allocate(BlockRequest(size: ByteCount(32 << 20) + 1)))
    #expect(heap.threshold == ByteCount(32 << 20))
  }

  // MARK: Specifications

  @Test(
    "are written in canonical form",
    arguments: [
      ("thread-cache(slots=32,batch=16)/first-fit", "thread-cache/first-fit"),
      (
        "thread-cache(remote=owner,classes=64,largest=32k)/buddy",
        "thread-cache(largest=32k,classes=64,remote=owner)/buddy"
      ),
      (
        "thread-cache(classes=JEMALLOC,largest=14k)/slab",
        "thread-cache(largest=14k,classes=jemalloc)/slab"
      ),
      ("arenas(by=round-robin,count=8) / best-fit", "arenas(count=8,by=round-robin)/best-fit"),
      (
        "mmap-threshold(dynamic=no,bytes=131072)/thread-cache/first-fit(trim=always)",
        "mmap-threshold(dynamic=no)/thread-cache/first-fit(trim=always)"
      ),
      ("thread-cache/arenas(count=64)/mmap-threshold/buddy", nil),
    ])
  func canonicalForm(text: String, canonical: String?) throws {
    let specification = try HeapSpecification(parsing: text)
    #expect(specification.description == canonical ?? text)
    #expect(try HeapSpecification(parsing: specification.description) == specification)
  }

  @Test(
    "stand only on what can bear them",
    arguments: [
      "thread-cache", "arenas/", "thread-cache/recorded", "arenas(count=0)/buddy",
      "arenas(count=65)/buddy", "thread-cache(slots=0)/buddy", "thread-cache(batch=5000)/buddy",
      "thread-cache(classes=4)/buddy", "thread-cache(classes=100:50)/buddy", "slab/offline-optimum",
      "segregated/by-lifetime/first-fit", "thread-cache(largest=1M)/buddy",
      "arenas(count=64)/arenas(count=4)/buddy", "mmap-threshold(bytes=2T)/buddy",
    ])
  func errors(text: String) {
    #expect(throws: HeapSpecificationError.self) { try HeapSpecification(parsing: text) }
  }

  /// Requests beyond all reason; the sum of what was got and not given back.
  private struct Provocation: HeapVisitor {
    mutating func visit<H: Heap & ~Copyable>(_ heap: consuming H) -> Int {
      var heap = heap
      let sizes: [Int64] = [
        .max, .min, -1, 0, 1 << 62, 1 << 50, 1 << 47, 1 << 40, 1 << 39, 1 << 42,
      ]
      for (index, size) in sizes.enumerated() {
        for alignment in sizes + [1, 3, 4096] {
          let request = BlockRequest(
            size: ByteCount(size), alignment: ByteCount(alignment),
            thread: index % 2 == 0 ? .max : UInt32(index) * 70_000)
          let kept = heap.allocate(request)
          let placement = heap.allocate(request)
          guard placement.granted > 0, kept.granted > 0, kept != placement else { return -1 }
          let small = heap.reallocate(
            placement, oldSize: ByteCount(size), to: BlockRequest(size: 100))
          let again = heap.reallocate(small, oldSize: 100, to: request)
          heap.free(again, by: .max - 7)
          if index % 2 == 0 { heap.free(kept) }
        }
      }
      var held = 0
      for change in heap.heldChanges {
        guard change.range.lowerBound < change.range.upperBound else { return -2 }
        held += change.range.byteCount.int * (change.isGrowth ? 1 : -1)
      }
      return held
    }
  }

  @Test(
    "survive sizes, alignments and threads beyond all reason",
    arguments: [
      "thread-cache", "thread-cache(largest=256k,slots=4096,batch=4096,remote=owner)", "arenas",
      "arenas(by=round-robin)", "mmap-threshold", "mmap-threshold(bytes=0)",
      "arenas(count=32)/mmap-threshold/thread-cache", "thread-cache/mmap-threshold/arenas",
    ])
  func nonsense(layers: String) throws {
    for bottom in ["first-fit", "buddy", "best-fit(trim=always,align=1,min=1)"] {
      var provocation = Provocation()
      let kind = try HeapSpecification(parsing: "\(layers)/\(bottom)").kind
      #expect(try #require(kind.build(&provocation)) >= 0)
    }
  }
}
