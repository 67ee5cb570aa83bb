// Many samples of one heap: what they estimate, beside the truth.

import Allocators
import MemoryUnits
import Replay
import Symbols
import TestSupport
import Testing
import Trace

@testable import Analysis

/// Eight call sites, of which no names are known.
enum Sites {
  /// The call stacks 1 to 8 of a trace that was written for them.
  private static let stacks: StackTable? = {
    let directory = TemporaryDirectory()
    let path = directory.file("stacks.trace")
    guard let writer = try? TraceWriter(path: path, metadata: TraceMetadata()) else { return nil }
    _ = writer.thread(ThreadDescription(kernelID: 1, name: ""))
    for number in 1...8 as ClosedRange<UInt64> {
      let node = writer.node(parent: 0, returnAddress: 0x40_0000 + number, image: 0)
      let stack = writer.stack(node: node, entry: .malloc)
      writer.allocate(
        address: Address(number << 12), size: 8, usable: 8, alignmentShift: 0, stack: stack,
        thread: ThreadIndex(0), time: .zero)
    }
    try? writer.finish()
    return try? TraceFile(path: path).stacks
  }()

  static var names: SiteNames? {
    stacks.map { SiteNames(stacks: $0, symbolizer: Symbolizer(modules: []), grouping: .stack) }
  }
}

/// A heap at one moment, as the steps that build it from nothing.
struct FinalHeap {
  private(set) var steps: [Request] = []
  private var next: UInt32 = 0

  init(segment: Range<UInt64>) {
    steps.append(Request(operation: .startBreak, slot: .none, address: Address(segment.lowerBound)))
    steps.append(Request(operation: .moveBreak, slot: .none, address: Address(segment.upperBound)))
  }

  mutating func add(_ address: UInt64, usable: Int64, size: Int64, site: UInt32) {
    steps.append(
      Request(
        operation: .allocate, slot: Slot(next), size: ByteCount(size), address: Address(address),
        usable: ByteCount(usable), stack: StackID(site)))
    next += 1
  }

  /// All that a full trace says of the heap.
  func truth() -> MeasuredHeap {
    var summary = TraceSummary()
    summary.steps = UInt64(steps.count)
    let meter = HeapMeter(
      RecordedHeap(headerBytes: 8), allocator: "recorded",
      plan: SamplePlan(summary: summary, knowsTimes: false, captures: [.end]))
    steps.withUnsafeBufferPointer { meter.consume($0) }
    return meter.finish()
  }

  /// What the sample estimates.
  func sampled(_ sampling: RegionSampling) -> SampledMoment {
    var view = SampledView(sampling)
    var metadata = TraceMetadata()
    metadata.headerBytes = 8
    metadata.knowsTimes = false
    let meter = SampledMeter(sampling, metadata: metadata, moments: [.end], peakStep: 0)
    let kept = steps.withUnsafeBufferPointer { view.thin($0) }
    kept.withUnsafeBufferPointer { meter.consume($0) }
    meter.finish()
    return SampledMoment(meter.censuses[.end] ?? .empty(sampling), names: Sites.names)
  }

  /// A heap with everything that makes estimating hard: long holes and short ones, blocks larger
  /// than a region, sites that live in few places, blocks mapped on their own.
  static func generated() -> FinalHeap {
    var random = SeededRandom(seed: 20_26)
    let start: UInt64 = 0x5555_5678_9000
    var heap = FinalHeap(segment: start..<start + 24 << 20)
    var chunk = start
    while chunk < start + 24 << 20 - 200_000 {
      let place = Int((chunk - start) >> 19)
      let isRare = Int.random(in: 0..<600, using: &random) == 0
      let bytes =
        isRare
        ? Int.random(in: 5000..<150_000, using: &random)
        : Int.random(in: 2..<(place % 3 == 0 ? 6 : 40), using: &random) * 16
      let usable = UInt64(bytes) & ~15 + 8
      // Regions differ: every fifth half MiB is mostly free, the others mostly full.
      let keeps = Int.random(in: 0..<100, using: &random) < (place % 5 == 4 ? 12 : 85)
      if keeps {
        heap.add(
          chunk + 16, usable: Int64(usable), size: Int64(usable) - Int64(chunk >> 4 & 7),
          site: 1 + UInt32(place % 5))
      }
      chunk += usable + 8
    }
    var mapping: UInt64 = 0x7f12_3450_0000
    for _ in 0..<60 {
      let pages = UInt64.random(in: 33..<300, using: &random)
      heap.add(
        mapping + 16, usable: Int64(pages) * 4096 - 16, size: Int64(pages) * 4096 - 100, site: 7)
      mapping += (pages + UInt64.random(in: 0..<3, using: &random)) * 4096
    }
    return heap
  }
}

/// What many samples said of one figure.
struct Trials {
  let truth: Double
  private(set) var estimates: [Estimate] = []

  init(truth: Double) { self.truth = truth }

  mutating func add(_ estimate: Estimate) { estimates.append(estimate) }

  var mean: Double { estimates.reduce(0) { $0 + $1.value } / Double(estimates.count) }

  /// How far the estimates scatter.
  var deviation: Double {
    let squares = estimates.reduce(0) { $0 + ($1.value - mean) * ($1.value - mean) }
    return (squares / Double(estimates.count - 1)).squareRoot()
  }

  /// The distance of the mean from the truth in standard errors of the mean.
  var bias: Double {
    deviation == 0
      ? (mean == truth ? 0 : .infinity)
      : (mean - truth) / (deviation / Double(estimates.count).squareRoot())
  }

  /// The part of the intervals that hold the truth; of those that there are.
  var coverage: Double {
    let intervals = estimates.compactMap(\.interval)
    return Double(intervals.count { $0.contains(truth) }) / Double(max(1, intervals.count))
  }

  /// The part of the samples that dared to give an interval.
  var answers: Double {
    Double(estimates.count { $0.interval != nil }) / Double(estimates.count)
  }

  /// Half the mean width of the intervals, in deviations: 1.96 would be perfect.
  var width: Double {
    let intervals = estimates.compactMap(\.interval)
    let sum = intervals.reduce(0) { $0 + $1.upperBound - $1.lowerBound }
    return sum / 2 / Double(max(1, intervals.count)) / deviation
  }
}

extension Trials: CustomStringConvertible {
  var description: String {
    "truth \(truth), mean \(mean) ± \(deviation), bias \(bias), coverage \(coverage), width \(width)"
      + ", answers \(answers)"
  }
}
