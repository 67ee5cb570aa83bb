// The moments of a trace at which a heap is looked at closely.

public import Trace

/// A moment of a trace.
public enum Moment: Hashable, Sendable {
  /// After the step that first reached the most live bytes.
  case peak
  /// After the last step.
  case end
  /// After all steps up to and including this time. In a trace without times the nanoseconds
  /// count steps.
  case time(Timestamp)
}

/// When to look at a heap during a pass: known before the pass begins.
struct SamplePlan {
  /// What to do at a stop.
  enum Action: Equatable {
    case timelinePoint
    case peakSnapshot
    case capture(Moment)
  }

  /// A moment between two steps.
  struct Stop: Equatable {
    /// The number of steps that are done, or the last nanosecond of the steps that are done.
    var position: UInt64
    var action: Action
  }

  /// Whether the clock of the trace is one of nanoseconds; it counts steps otherwise.
  let usesTimes: Bool
  /// The end of the trace, or of the range of it that is measured, on its clock.
  let end: UInt64
  /// The beginning.
  let start: UInt64
  /// Whether the heap is one that a process had, and not a simulated one.
  var isRealHeap = false
  /// Stops after so many steps, in order.
  let stepStops: [Stop]
  /// Stops at so many nanoseconds, in order.
  ///
  /// Empty unless times are used.
  let timeStops: [Stop]
  let endCaptures: [Moment]

  /// - Parameters:
  ///   - captures: the moments at which to note the live blocks.
  ///   - points: how many points the timeline may have, at least two.
  ///   - span: from when to when; the whole trace where it is nil.
  init(
    summary: TraceSummary, knowsTimes: Bool, captures: [Moment], span: TraceSpan? = nil,
    points: Int = 400
  ) {
    let usesTimes = span?.usesTimes ?? (knowsTimes && summary.durationNanoseconds > 0)
    let start = span?.lowerBound ?? 0
    let end = span?.upperBound ?? (usesTimes ? summary.durationNanoseconds : summary.steps)
    let length = end - start
    let last = UInt64(clamping: min(UInt64(clamping: points - 1), length))
    var onClock = (0...last).map { index -> Stop in
      // The product of the two may exceed 64 bits; the quotient does not.
      let product = index.multipliedFullWidth(by: length)
      let position = last == 0 ? length : last.dividingFullWidth(product).quotient
      return Stop(position: start + position, action: .timelinePoint)
    }
    var afterSteps = [Stop(position: summary.peakStep, action: .peakSnapshot)]
    for moment in captures {
      switch moment {
      case .peak: afterSteps.append(Stop(position: summary.peakStep, action: .capture(moment)))
      case .time(let time):
        onClock.append(Stop(position: time.nanoseconds, action: .capture(moment)))
      case .end: break
      }
    }
    if !usesTimes { afterSteps += onClock }
    self.usesTimes = usesTimes
    self.end = end
    self.start = start
    stepStops = afterSteps.sorted { $0.position < $1.position }
    timeStops = usesTimes ? onClock.sorted { $0.position < $1.position } : []
    endCaptures = captures.filter { $0 == .end }
  }
}
