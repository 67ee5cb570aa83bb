// Stories to render: a plausible one, and those that have next to nothing in them.

import Allocators
import Analysis
import MemoryUnits
import TestSupport
import Trace

enum Stories {
  /// A server that fills a cache, peaks, drops most of it, and keeps a little on many pages.
  static func plausible(sites: Int = 23, samples: Int = 120, heaps: Int = 7) -> Story {
    var random = SeededRandom(seed: 4)
    var metadata = TraceMetadata()
    metadata.command = [
      "/usr/lib/postgresql/bin/indexer", "--workers", "4", "--input", "corpus.json",
    ]
    metadata.executable = "/usr/lib/postgresql/bin/indexer"
    metadata.processID = 31337
    metadata.startedAt = 1_772_368_496
    metadata.kernel = "6.1.0"
    metadata.allocator = "/lib/x86_64-linux-gnu/libc.so.6"
    metadata.headerBytes = 8
    metadata.writer = "0.1.0"
    var summary = TraceSummary()
    summary.allocations = 4_812_377
    summary.frees = 4_790_112
    summary.reallocations = 88_120
    summary.durationNanoseconds = 84_300_000_000
    let recorded = heap(recordedName, scale: 1, random: &random)
    summary.peakLiveBytes = recorded.peakLive.rawValue
    summary.liveBytesAtEnd = recorded.atEnd.live.rawValue
    let names = [
      "first-fit", "best-fit", "next-fit", "worst-fit(align=8)", "buddy(min=32)",
      "thread-cache(slots=7)/segregated(classes=jemalloc)/pages",
    ]
    let simulated = names.prefix(heaps - 1).enumerated().map { index, name in
      heap(name, scale: [0.985, 0.972, 1.04, 1.21, 1.37, 0.993][index], random: &random)
    }
    return Story(
      traceName: "indexer.lacuna", metadata: metadata, summary: summary,
      samples: (0..<samples).map { index in
        let x = Double(index) / Double(max(samples - 1, 1))
        let shared = ByteCount(14 << 20)
        return ResidentSample(
          time: Timestamp(nanoseconds: UInt64(x * 84.2e9)),
          resident: ByteCount(clamped: held(x) * 0.93 + 9e6) + shared, shared: shared)
      },
      recorded: recorded,
      pinsAtPeak: pins(recorded.atPeak, sites: sites, random: &random),
      pinsAtEnd: pins(recorded.atEnd, sites: sites, random: &random),
      heaps: [recorded] + simulated,
      inventory: TraceInventory(
        fileBytes: 24_117_248, threads: 9, processes: 1, stacks: 1822, modules: 14),
      version: "0.1.0")
  }

  static let recordedName = "recorded"

  /// A trace without a single request.
  static func empty() -> Story {
    let pins = PinReport(time: .zero, pinned: 0, freePageBytes: 0, occupiedPages: 0, sites: [])
    return Story(
      traceName: "", metadata: TraceMetadata(), summary: TraceSummary(), samples: [],
      recorded: HeapMeasures(allocator: recordedName), pinsAtPeak: pins, pinsAtEnd: pins, heaps: [])
  }

  /// Live bytes over the run, `x` from 0 to 1.
  private static func live(_ x: Double) -> Double {
    let mib = 1_048_576.0
    if x < 0.4 { return 290 * mib * (x / 0.4) * (1.1 - 0.1 * x / 0.4) }
    if x < 0.55 { return 290 * mib - (x - 0.4) / 0.15 * 230 * mib }
    return 60 * mib - (x - 0.55) / 0.45 * 58.8 * mib
  }

  private static func held(_ x: Double) -> Double {
    let mib = 1_048_576.0
    if x < 0.4 { return max(live(x) * 1.07 + 2 * mib, 4 * mib) }
    return max(312 * mib - (x - 0.4) / 0.6 * 152 * mib, live(x))
  }

  private static func heap(
    _ name: String, scale: Double, random: inout SeededRandom
  ) -> HeapMeasures {
    var heap = HeapMeasures(allocator: name)
    heap.events = 9_690_609
    heap.seconds = 0.8
    heap.timeline = (0...300).map { index in
      let x = Double(index) / 300
      let noise = 1 + 0.01 * Double.random(in: -1...1, using: &random)
      let (live, held) = (live(x) * noise, held(x) * scale)
      return TimelinePoint(
        time: Timestamp(nanoseconds: UInt64(x * 84.3e9)), live: ByteCount(clamped: live),
        granted: ByteCount(clamped: live * 1.02), held: ByteCount(clamped: max(held, live)),
        resident: ByteCount(clamped: max(held * 0.96, live)),
        holeBytes: ByteCount(clamped: max(held - live * 1.02, 0) * 0.8), holes: 1000 + index * 40)
    }
    heap.peakLive = ByteCount(290 << 20)
    heap.peakHeld = ByteCount(clamped: Double(312 << 20) * scale)
    heap.peakResident = ByteCount(clamped: Double(304 << 20) * scale)
    heap.meanResident = ByteCount(clamped: Double(198 << 20) * scale)
    heap.fragmentation = FragmentationFigures(
      jw1: 4.2 * scale, jw2: 0.076 * scale, jw3: 0.081 * scale, jw4: 0.0758)
    heap.atPeak = snapshot(0.4, scale, blocks: 1_204_331)
    heap.atEnd = snapshot(1, scale, blocks: 8_120)
    heap.work.holesInspected = name == recordedName ? 0 : 81_223_109
    heap.work.splits = name == recordedName ? 0 : 1_223_109
    return heap
  }

  private static func snapshot(_ x: Double, _ scale: Double, blocks: Int) -> HeapSnapshot {
    var at = HeapSnapshot()
    at.time = Timestamp(nanoseconds: UInt64(x * 84.3e9))
    at.live = ByteCount(clamped: live(x))
    at.liveBlocks = blocks
    at.granted = ByteCount(clamped: live(x) * 1.025)
    at.held = max(ByteCount(clamped: held(x) * scale), at.granted)
    at.resident = ByteCount(clamped: max(held(x) * scale * 0.96, live(x)))
    let free = at.held - at.granted
    at.pinned = ByteCount(clamped: Double(free.rawValue) * 0.35)
    at.freePageBytes = free - at.pinned
    at.holes = blocks / 7
    at.holeBytes = ByteCount(clamped: Double(free.rawValue) * 0.8)
    at.largestHole = ByteCount(clamped: Double(free.rawValue) * 0.1)
    at.wilderness = ByteCount(132 << 10)
    at.occupiedPages = (at.granted + at.pinned).int / 4096
    at.holeHistogram = (0..<23).map { bucket in
      guard bucket >= 4 else { return HoleBucket() }
      let count = Int(Double(blocks) / 20 / Double(1 + (bucket - 7) * (bucket - 7)))
      return HoleBucket(count: count, bytes: ByteCount(count << bucket))
    }
    at.pageOccupancy = (0..<16).map { bucket in
      x < 0.5 ? 200 + bucket * bucket * 280 : Int(9000 / Double(bucket + 1))
    }
    return at
  }

  private static func pins(
    _ at: HeapSnapshot, sites: Int, random: inout SeededRandom
  ) -> PinReport {
    let names = [
      (
        "indexer::TermDictionary::intern(std::basic_string_view<char, std::char_traits<char> >)",
        "dictionary.cpp"
      ),
      ("parse_document", "parse.c"), ("sqlite3MemMalloc", "sqlite3.c"),
      (
        "std::vector<indexer::Posting, std::allocator<indexer::Posting> >::_M_realloc_insert<indexer::Posting const&>(__gnu_cxx::__normal_iterator<indexer::Posting*, std::vector<indexer::Posting> >, indexer::Posting const&)",
        "vector.tcc"
      ),
      ("$s7Indexer5CacheC6insertyyAA5EntryVF", "Cache.swift"), ("libcrypto.so.3+0x1a2b3c", ""),
      ("log_line", "log.c"),
    ]
    let weights = (0..<sites).map { 1 / Double(($0 + 1) * ($0 + 2)) }
    let whole = weights.reduce(0, +)
    return PinReport(
      time: at.time, pinned: at.pinned, freePageBytes: at.freePageBytes,
      occupiedPages: at.occupiedPages,
      sites: (0..<sites).map { index in
        let (function, file) = names[index % names.count]
        let frame = NamedFrame(
          function: index < names.count ? function : "\(function) #\(index)", module: "indexer",
          file: file.isEmpty ? nil : "/build/indexer/src/\(file)",
          line: file.isEmpty ? nil : 40 + index)
        let share = Double(at.pinned.rawValue) * weights[index] / whole
        return PinnedSite(
          pinned: share, sole: ByteCount(clamped: share * 0.6),
          live: ByteCount(clamped: Double(at.live.rawValue) * weights[index] / whole),
          blocks: 900_000 / (index + 1), pages: 40_000 / (index + 1), frame: frame,
          stack: [NamedFrame(function: "malloc", module: "libc.so.6"), frame]
            + ["index_batch", "worker_main", "start_thread", "clone3"].map {
              NamedFrame(
                function: $0, module: "indexer", file: "/build/indexer/src/worker.c", line: 12)
            })
      })
  }
}

extension ByteCount {
  fileprivate init(clamped value: Double) { self.init(Int64(value)) }
}
