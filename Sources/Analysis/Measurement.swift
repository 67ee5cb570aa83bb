// What can be asked of a trace: measures of heaps, pins, the whole story.

public import Allocators
import MemoryUnits
import Replay
import Symbols
public import Trace

/// Why a trace cannot answer a question.
public enum MeasurementError: Error, Equatable, CustomStringConvertible {
  /// The recorded heap was asked for, and the trace does not say where blocks were.
  case noAddresses
  /// The trace has only the blocks in 1/N of the address space.
  case sampled(denominator: Int)
  /// An offline packing was asked for, and the trace, or the range, has more blocks than it takes.
  case tooManyBlocks(limit: Int)

  /// What is missing, and what can be done instead.
  public var description: String {
    switch self {
    case .noAddresses:
      "the trace does not say at which addresses blocks were, so what really happened cannot be "
        + "shown; name simulated heaps, or record the program with lacuna"
    case .sampled(let denominator):
      "the trace has only the blocks in 1/\(denominator) of the address space, and no heap can be "
        + "replayed from a sample of its requests; lacuna report and lacuna pins estimate what "
        + "really happened, and a trace recorded without --regions can be replayed"
    case .tooManyBlocks(let limit):
      "offline-optimum plans up to \(limit) allocations and reallocations, and the trace has more; "
        + "name a range of it with --from and --to"
    }
  }
}

/// Told, now and then, which part of the steps has been read: from 0 to 1.
public typealias MeasurementProgress = (Double) -> Void

/// Questions to a trace.
///
/// Each decodes the trace once, or the part of it that a slice names: what lives when that begins is
/// there, placed in the order in which it began, and nothing before it counts.
///
/// All throw what reading the trace throws, and ``MeasurementError``.
public enum Measurement {
  /// Replays the trace through every heap and measures each.
  ///
  /// - Returns: the measures in the order of the specifications.
  /// - Complexity: O(steps × heaps), the heaps side by side on all cores. Memory follows the live
  ///   blocks and the span of each heap.
  public static func measure(
    trace: TraceFile, specifications: [HeapSpecification], slice: TraceSlice? = nil,
    progress: MeasurementProgress = { _ in }
  ) throws -> [HeapMeasures] {
    try pass(over: trace, specifications, captures: [], slice, progress).map(\.measures)
  }

  /// Who keeps pages of the recorded heap from being returned at a moment.
  public static func pins(
    trace: TraceFile, at moment: Moment = .peak, grouping: SiteGrouping = .function,
    slice: TraceSlice? = nil,
    progress: MeasurementProgress = { _ in }
  ) throws -> PinReport {
    let heaps = try pass(
      over: trace, [HeapSpecification(.recorded)], captures: [moment], slice, progress)
    let names = SiteNames(
      stacks: trace.stacks, symbolizer: Symbolizer(of: trace), grouping: grouping)
    return PinReport(heaps.first?.captures[moment] ?? .empty, names: names)
  }

  /// Everything that the report of a trace shows.
  ///
  /// Where the trace has no addresses, nothing is recorded to be measured: the recorded heap then
  /// has no events, nothing is pinned, and only the simulated heaps are compared.
  ///
  /// - Parameter heaps: what to compare; the recorded heap is always there, first if not named.
  public static func story(
    of trace: TraceFile, heaps: [HeapSpecification], slice: TraceSlice? = nil,
    progress: MeasurementProgress = { _ in }
  ) throws -> Story {
    let recorded = HeapSpecification(.recorded)
    var specifications = heaps
    if !trace.metadata.knowsAddresses {
      specifications.removeAll { $0 == recorded }
    } else if !heaps.contains(recorded) {
      specifications.insert(recorded, at: 0)
    }
    var census = EntryPointCensus()
    let measured = try pass(
      over: trace, specifications, captures: [.peak, .end], slice, progress,
      opening: { census.open($0) }, also: { census.add($0) })
    let place = specifications.firstIndex(of: recorded)
    let captures = place.map { measured[$0].captures } ?? [:]
    let symbolizer = Symbolizer(of: trace)
    let names = SiteNames(stacks: trace.stacks, symbolizer: symbolizer, grouping: .function)
    var story = Story(
      traceName: trace.path.split(separator: "/").last.map(String.init) ?? trace.path,
      metadata: trace.metadata, summary: slice?.summary ?? trace.summary,
      samples: trace.samples.filter { slice?.contains($0.time) ?? true },
      recorded: place.map { measured[$0].measures }
        ?? HeapMeasures(allocator: recorded.description),
      pinsAtPeak: PinReport(captures[.peak] ?? .empty, names: names),
      pinsAtEnd: PinReport(captures[.end] ?? .empty, names: names),
      heaps: measured.map(\.measures), inventory: TraceInventory(of: trace),
      wrongReleases: census.wrongReleases(names),
      symbolProblems: symbolizer.problems.map { "\($0)" })
    story.span = slice?.span
    return story
  }

  /// One decode of the trace for all heaps; live blocks are captured of the recorded one only.
  private static func pass(
    over trace: TraceFile, _ specifications: [HeapSpecification], captures: [Moment],
    _ slice: TraceSlice?, _ progress: MeasurementProgress,
    opening: (TraceOpening) -> Void = { _ in },
    also watch: (UnsafeBufferPointer<Request>) -> Void = { _ in }
  ) throws -> [MeasuredHeap] {
    if let regions = trace.metadata.regions {
      throw MeasurementError.sampled(denominator: regions.denominator)
    }
    let needsAddresses = specifications.contains { $0.kind == .recorded }
    guard !needsAddresses || trace.metadata.knowsAddresses else {
      throw MeasurementError.noAddresses
    }
    let knowledge = try Foreknowledge(of: trace, for: specifications, slice)
    let meters = specifications.map { specification in
      meter(
        for: specification, trace, slice, specification.kind == .recorded ? captures : [],
        knowledge)
    }
    let total = Double(max(slice?.summary.steps ?? trace.summary.steps, 1))
    var steps = 0
    try Sweep.run(meters) { body in
      try trace.read(slice, addresses: needsAddresses) { found in
        for meter in meters { meter.open(found) }
        opening(found)
      } _: { batch in
        body(batch)
        watch(batch)
        steps += batch.count
        progress(min(1, Double(steps) / total))
      }
    }
    var results = meters.map { $0.finish() }
    for (index, specification) in specifications.enumerated()
    where specification.kind.needsLifetimes {
      results[index].measures.lowerBound = knowledge.lowerBound
    }
    return results
  }

  private static func meter(
    for specification: HeapSpecification, _ trace: TraceFile, _ slice: TraceSlice?,
    _ captures: [Moment], _ knowledge: borrowing Foreknowledge
  ) -> HeapMeasurement {
    var plan = SamplePlan(
      summary: slice?.summary ?? trace.summary, knowsTimes: trace.metadata.knowsTimes,
      captures: captures, span: slice?.span)
    plan.isRealHeap = specification.kind == .recorded
    var maker = MeterMaker(allocator: specification.description, plan: plan)
    return specification.kind.build(&maker) ?? knowledge.build(specification.kind, &maker)
      ?? maker.visit(RecordedHeap(headerBytes: ByteCount(trace.metadata.headerBytes)))
  }

  /// Makes the meter of a heap whose type is known only here.
  private struct MeterMaker: HeapVisitor {
    let allocator: String
    let plan: SamplePlan

    mutating func visit<H: Heap & ~Copyable>(_ heap: consuming H) -> HeapMeasurement {
      HeapMeasurement(heap, allocator: allocator, plan: plan)
    }
  }
}
