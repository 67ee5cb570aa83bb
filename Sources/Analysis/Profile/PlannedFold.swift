// A fold over the steps of a trace that stops at the moments of a plan.

public import Trace

/// Takes steps, and is told where the plan stops.
protocol PlannedFold {
  /// Takes some steps; none of the plan's moments is within them.
  mutating func apply(_ steps: UnsafeBufferPointer<Request>) throws

  /// The steps so far are those up to a moment of the plan.
  ///
  /// - Parameters:
  ///   - steps: how many these are.
  ///   - time: the moment on the plan's clock.
  mutating func stop(_ action: SamplePlan.Action, afterSteps steps: UInt64, at time: Timestamp)
    throws
}

/// Goes over a trace and a plan side by side.
struct PlanCursor {
  let plan: SamplePlan
  private var steps: UInt64 = 0
  private var now: UInt64 = 0
  private var stepStops: ArraySlice<SamplePlan.Stop>
  private var timeStops: ArraySlice<SamplePlan.Stop>

  init(_ plan: SamplePlan) {
    self.plan = plan
    stepStops = plan.stepStops[...]
    timeStops = plan.timeStops[...]
  }

  /// Passes on a batch, in parts where a moment lies within it.
  mutating func pass(
    _ batch: UnsafeBufferPointer<Request>, to fold: inout some PlannedFold
  ) throws {
    var rest = batch[...]
    while !rest.isEmpty {
      try runStepStops(upTo: steps, &fold)
      var part = rest
      if let stop = stepStops.first { part = part.prefix(Int(clamping: stop.position - steps)) }
      if let stop = timeStops.first {
        part = part.prefix(Self.count(in: part, upTo: stop.position))
        if part.isEmpty { try runTimeStops(upTo: stop.position, &fold) }
      }
      guard let last = part.last else { continue }
      try fold.apply(UnsafeBufferPointer(rebasing: part))
      steps += UInt64(part.count)
      now = last.time.nanoseconds
      rest = rest.dropFirst(part.count)
    }
  }

  /// Says that there are no more steps: the stops that are left, and those at the end.
  mutating func finish(_ fold: inout some PlannedFold) throws {
    try runStepStops(upTo: .max, &fold)
    try runTimeStops(upTo: .max, &fold)
    for moment in plan.endCaptures {
      try fold.stop(
        .capture(moment), afterSteps: steps, at: Timestamp(nanoseconds: plan.end))
    }
  }

  /// How many of the steps happened up to this time; times never decrease.
  private static func count(
    in steps: Slice<UnsafeBufferPointer<Request>>, upTo nanoseconds: UInt64
  ) -> Int {
    guard let last = steps.last, last.time.nanoseconds > nanoseconds else { return steps.count }
    var lower = steps.startIndex
    var upper = steps.endIndex
    while lower < upper {
      let middle = (lower + upper) / 2
      if steps[middle].time.nanoseconds > nanoseconds { upper = middle } else { lower = middle + 1 }
    }
    return lower - steps.startIndex
  }

  private mutating func runStepStops(upTo limit: UInt64, _ fold: inout some PlannedFold) throws {
    while let stop = stepStops.first, stop.position <= limit {
      stepStops.removeFirst()
      try fold.stop(
        stop.action, afterSteps: steps,
        at: Timestamp(nanoseconds: plan.usesTimes ? now : steps))
    }
  }

  private mutating func runTimeStops(upTo limit: UInt64, _ fold: inout some PlannedFold) throws {
    while let stop = timeStops.first, stop.position <= limit {
      timeStops.removeFirst()
      try fold.stop(
        stop.action, afterSteps: steps, at: Timestamp(nanoseconds: stop.position))
    }
  }
}

extension Measurement {
  /// Reads a trace once, for a fold and its plan.
  static func pass(
    over trace: TraceFile, addresses: Bool, _ plan: SamplePlan, _ fold: inout some PlannedFold,
    _ progress: MeasurementProgress
  ) throws {
    var cursor = PlanCursor(plan)
    let total = Double(max(trace.summary.steps, 1))
    var steps = 0
    try trace.read(addresses: addresses) { batch in
      try cursor.pass(batch, to: &fold)
      steps += batch.count
      progress(min(1, Double(steps) / total))
    }
    try cursor.finish(&fold)
  }
}

/// Notes where the moments of a plan are.
private struct MomentPlaces: PlannedFold {
  var places: [Moment: (time: Timestamp, steps: UInt64)] = [:]

  mutating func apply(_ steps: UnsafeBufferPointer<Request>) {}

  mutating func stop(_ action: SamplePlan.Action, afterSteps steps: UInt64, at time: Timestamp) {
    if case .capture(let moment) = action { places[moment] = (time, steps) }
  }
}

extension Measurement {
  /// When some moments of a trace are, and how many steps lie before them.
  ///
  /// - Complexity: O(steps).
  public static func places(
    of moments: [Moment], in trace: TraceFile, progress: MeasurementProgress = { _ in }
  ) throws -> [Moment: (time: Timestamp, steps: UInt64)] {
    let plan = SamplePlan(
      summary: trace.summary, knowsTimes: trace.metadata.knowsTimes, captures: moments, points: 1)
    var fold = MomentPlaces()
    try pass(over: trace, addresses: false, plan, &fold, progress)
    return fold.places
  }
}
