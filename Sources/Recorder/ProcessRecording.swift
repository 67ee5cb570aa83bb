// One traced process: its segment, its trace, and all that is done for it again and again.

import CaptureABI
import MemoryUnits
import Trace

/// Turns what one process writes into its segment into a trace, for as long as it runs.
///
/// Whoever owns it starts or finds the process, calls ``begin(processID:)`` and then ``step()``
/// every millisecond or so, and ``finish()`` when the process is gone or is to be left alone: all
/// that on one thread, with whose life the recorder's is taken to end.
final class ProcessRecording {
  /// What one call of ``step()`` found.
  struct Pass {
    /// The fullest ring's share of its room, in sixteenths.
    var fullest: Int
    /// Whether a sample of the resident memory was taken: a good moment to show progress.
    var tookSample: Bool
  }

  let segment: Segment
  let writer: TraceWriter
  private(set) var processID: Int32 = 0
  private let life: RecorderLife
  private var merger: RingMerger
  private var sampler: ResidentSampler?
  private var taker: SnapshotTaker?
  private var nextReclaim: UInt64 = 0
  private var nextCalibration: UInt64 = 0
  /// Whether the process goes on when its recording is finished.
  var outlivesRecording = false

  /// Creates the trace file and the segment, the latter in the nameless file that is given, if any.
  init(
    output: String, metadata: TraceMetadata, settings: CaptureSettings,
    segmentDescriptor: Int32? = nil
  ) throws {
    let usesMonotonicClock = !TickClock.isCounterInvariant
    var metadata = metadata
    metadata.knowsStacks = settings.stackLimit > 0
    metadata.regions = settings.regions
    writer = try TraceWriter(path: output, metadata: metadata)
    writer.packsWhenIdle = true
    segment = try Segment(
      settings, usesMonotonicClock: usesMonotonicClock, given: segmentDescriptor)
    life = try RecorderLife(segment.header)
    merger = RingMerger(
      segment: segment, feeder: TraceFeeder(writer: writer, segment: segment),
      clock: TickClock(usesMonotonicClock: usesMonotonicClock))
  }

  deinit { life.end() }

  /// Where the process finds the segment.
  var segmentPath: String { segment.path }

  /// The totals so far.
  var summary: TraceSummary { writer.summary }

  /// The snapshots of the process's memory.
  var snapshots: SnapshotTally { taker?.tally ?? SnapshotTally() }

  /// Whether the process ever loaded the library: static programs, for example, do not.
  var sawProgram: Bool { segment.header.pointee.traced_pid != 0 }

  /// Programs that the process became by exec and that had no room for the segment.
  var unrecordedImages: Int { Int(segment.header.pointee.unrecorded_images) }

  /// Says which process it is.
  func begin(processID: Int32) {
    self.processID = processID
    merger.feeder.threads.process = processID
    sampler = ResidentSampler(process: processID)
    taker = SnapshotTaker(process: processID, segment: segment)
  }

  /// Reads what the process has written, and samples what is due.
  func step() -> Pass {
    let now = TickClock.monotonic()
    // Before the first time is given out, and often at first, when the rate is least certain.
    if now >= nextCalibration {
      nextCalibration = now + (nextCalibration == 0 ? 20_000_000 : 1_000_000_000)
      merger.calibrate()
    }
    let fullest = merger.pass(isLast: false)
    var sample: ResidentSample?
    if segment.header.pointee.image_count > 0 {
      sample = sampler?.sample(at: now, time: merger.time(merger.clock.now)) { segment.ownRanges }
    }
    if let sample { writer.sample(sample) }
    taker?.step(now: now, sample: sample, merger: &merger, writer: writer)
    merger.feeder.threads.pollYoung(merger.clock)
    if now >= nextReclaim {
      nextReclaim = now + 20_000_000
      merger.reclaim(process: processID)
    }
    return Pass(fullest: fullest, tookSample: sample != nil)
  }

  /// Reads the rest, ends the trace, and returns what kept parts of it from being written.
  ///
  /// The process may live on: it records no more.
  func finish() -> TraceError? {
    lacuna_store32(&segment.header.pointee.closed, 1)
    _ = merger.pass(isLast: true)
    taker?.finish(&merger, writer)
    writer.metadata.droppedSnapshots = snapshots.dropped
    writer.metadata.snapshotNanoseconds = snapshots.nanoseconds
    sampler?.close()
    if !outlivesRecording { merger.feeder.threads.endAll(merger.clock) }
    let header = segment.header.pointee
    writer.lose(header.lost_events)
    writer.truncateStack(header.truncated_stacks)
    writer.metadata.processID = Int(processID)
    writer.metadata.allocator = Segment.text(header.allocator)
    writer.metadata.headerBytes = Int(min(header.block_header_bytes, 64))
    let executable = Segment.text(header.executable)
    if !executable.isEmpty { writer.metadata.executable = executable }
    do {
      try writer.finish()
      return nil
    } catch {
      return error
    }
  }
}
