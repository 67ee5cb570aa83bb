// A range of a trace, and what it comes to.

public import MemoryUnits

/// From when to when something goes, both known.
public struct TraceSpan: Sendable, Equatable {
  /// The first moment: nanoseconds since recording began, or the number of steps before.
  public var lowerBound: UInt64
  /// The moment at which it ends.
  public var upperBound: UInt64
  /// Whether the moments are times.
  public var usesTimes: Bool

  /// A span between two moments.
  public init(from lowerBound: UInt64, to upperBound: UInt64, usesTimes: Bool) {
    self.lowerBound = lowerBound
    self.upperBound = max(lowerBound, upperBound)
    self.usesTimes = usesTimes
  }
}

/// A range of a trace with its totals.
public struct TraceSlice: Sendable {
  /// The trace.
  public let file: TraceFile
  /// The range.
  public let range: TraceRange
  /// The totals of the range.
  ///
  /// Peaks are those within it, what lives at its beginning included; `steps` counts from its first
  /// step, `peakStep` from the first step of the trace, and `durationNanoseconds` is the length of
  /// the range. Lost events and shortened stacks are those of the whole trace: when they were lost is
  /// not known.
  public let summary: TraceSummary
  /// Steps of the trace before the range.
  public let stepsBefore: UInt64
  /// Blocks that live when it begins, and the bytes that they asked for.
  public let liveBlocksBefore: UInt64
  /// The bytes that the blocks asked for that live when it begins.
  public let liveBytesBefore: ByteCount

  /// Counts what is in a range.
  ///
  /// Throws what reading throws.
  /// - Complexity: O(steps of the range), and those from the keyframe before it.
  public init(of file: TraceFile, _ range: TraceRange) throws {
    var totals = SummaryBuilder()
    var sizes = SlotSizes()
    var opening = TraceOpening()
    try file.read(in: range, addresses: false) { found in
      totals = found.totals
      for request in found.steps where request.operation == .allocate { sizes.set(request) }
      opening = found
      opening.steps = []
    } _: { batch in
      for request in batch { sizes.add(request, to: &totals) }
    }
    totals.setLostEvents(file.summary.lostEvents)
    totals.setTruncatedStacks(file.summary.truncatedStacks)
    self.file = file
    self.range = range
    stepsBefore = opening.stepsBefore
    liveBlocksBefore = opening.liveBlocks
    liveBytesBefore = opening.liveBytes
    var summary = totals.summary
    summary.peakStep += opening.stepsBefore
    if file.usesTimes {
      let end = min(range.upperBound ?? .max, file.summary.durationNanoseconds)
      summary.durationNanoseconds = end > range.lowerBound ? end - range.lowerBound : 0
    }
    self.summary = summary
  }

  /// Whether a time lies in the range; true where the trace has no times.
  public func contains(_ time: Timestamp) -> Bool {
    !file.usesTimes
      || time.nanoseconds >= range.lowerBound
        && range.upperBound.map { time.nanoseconds < $0 } ?? true
  }

  /// From when to when the range goes; a range without end goes to the end of the trace.
  public var span: TraceSpan {
    let end = file.usesTimes ? file.summary.durationNanoseconds : file.summary.steps
    return TraceSpan(
      from: range.lowerBound, to: min(range.upperBound ?? .max, end), usesTimes: file.usesTimes)
  }
}
