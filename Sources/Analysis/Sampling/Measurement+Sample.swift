// Questions to a trace that knows a part of the address space only.

import MemoryUnits
import Symbols
public import Trace

extension Measurement {
  /// Everything that the report of a sampled trace shows.
  ///
  /// Throws what reading throws. A trace that knows everything is answered exactly.
  /// - Parameter namesSites: whether call sites are needed, too.
  public static func sampledStory(
    of trace: TraceFile, namesSites: Bool = true, slice: TraceSlice? = nil,
    progress: MeasurementProgress = { _ in }
  ) throws -> SampledStory {
    let course = courseMoments(of: trace, slice)
    let meter = try sample(trace, [.peak, .end] + course, slice, progress)
    let symbolizer = Symbolizer(of: trace)
    let names = SiteNames(stacks: trace.stacks, symbolizer: symbolizer, grouping: .function)
    let sampling = trace.metadata.regions ?? .all
    func moment(_ moment: Moment, _ names: SiteNames?) -> SampledMoment {
      SampledMoment(meter.censuses[moment] ?? .empty(sampling), names: names)
    }
    let named = namesSites ? names : nil
    return SampledStory(
      traceName: trace.path.split(separator: "/").last.map(String.init) ?? trace.path,
      metadata: trace.metadata, summary: slice?.summary ?? trace.summary,
      inventory: TraceInventory(of: trace),
      sampling: sampling, placements: meter.placements, releases: meter.releases,
      atPeak: moment(.peak, named), atEnd: moment(.end, named),
      course: course.map { moment($0, nil) }, symbolProblems: symbolizer.problems.map { "\($0)" },
      span: slice?.span)
  }

  /// Who keeps pages of a sampled heap at a moment.
  public static func sampledMoment(
    of trace: TraceFile, at moment: Moment = .peak, grouping: SiteGrouping = .function,
    slice: TraceSlice? = nil,
    progress: MeasurementProgress = { _ in }
  ) throws -> SampledMoment {
    let meter = try sample(trace, [moment], slice, progress)
    let names = SiteNames(
      stacks: trace.stacks, symbolizer: Symbolizer(of: trace), grouping: grouping)
    let census = meter.censuses[moment] ?? .empty(trace.metadata.regions ?? .all)
    return SampledMoment(census, names: names)
  }

  /// Ten moments, the last of them the end.
  private static func courseMoments(of trace: TraceFile, _ slice: TraceSlice?) -> [Moment] {
    let whole =
      trace.metadata.knowsTimes ? trace.summary.durationNanoseconds : trace.summary.steps
    let start = slice?.span.lowerBound ?? 0
    let length = (slice?.span.upperBound ?? whole) - start
    guard length >= 10 else { return [] }
    return (1...10).map { part in
      let (high, low) = length.multipliedFullWidth(by: UInt64(part))
      let position = UInt64(10).dividingFullWidth((high, low)).quotient
      return .time(Timestamp(nanoseconds: start + position))
    }
  }

  private static func sample(
    _ trace: TraceFile, _ moments: [Moment], _ slice: TraceSlice?,
    _ progress: MeasurementProgress
  ) throws -> SampledMeter {
    guard trace.metadata.knowsAddresses else { throw MeasurementError.noAddresses }
    let sampling = trace.metadata.regions ?? .all
    let passes = moments.contains(.peak) ? 2.0 : 1
    let total = Double(max(slice?.summary.steps ?? trace.summary.steps, 1)) * passes
    var steps = 0
    func read(
      opening: (TraceOpening) -> Void, _ body: (UnsafeBufferPointer<Request>) -> Void
    ) throws {
      try trace.read(slice, addresses: true, opening: opening) { batch in
        body(batch)
        steps += batch.count
        progress(min(1, Double(steps) / total))
      }
    }
    var peak = SampledPeak(sampling)
    if moments.contains(.peak) {
      try read {
        peak.open($0)
      } _: {
        peak.consume($0)
      }
    }
    let meter = SampledMeter(
      sampling, metadata: trace.metadata, moments: moments, peakStep: peak.step)
    try read {
      meter.open($0, at: slice?.span.lowerBound ?? 0)
    } _: {
      meter.consume($0)
    }
    meter.finish()
    return meter
  }
}
