// One traced process: its segment, its trace, and all that is done for it again and again.

import CaptureABI
import MemoryUnits
import Trace

/// Turns what one process writes into its segment into a trace, for as long as it runs.
///
/// Whoever owns it starts or finds the process, calls ``begin(processID:)`` and then ``step()``
/// every millisecond or so, and ``finish()`` when the process is gone or is to be left alone.
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
  private var merger: RingMerger
  private var sampler: ResidentSampler?
  private var taker: SnapshotTaker?
  private var nextReclaim: UInt64 = 0
  private var nextCalibration: UInt64 = 0

  /// Creates the trace file and the segment.
  init(output: String, metadata: TraceMetadata, stackLimit: Int) throws {
    let usesMonotonicClock = !TickClock.isCounterInvariant
    writer = try TraceWriter(path: output, metadata: metadata)
    segment = try Segment(stackLimit: stackLimit, usesMonotonicClock: usesMonotonicClock)
    merger = RingMerger(
      segment: segment, feeder: TraceFeeder(writer: writer, segment: segment),
      clock: TickClock(usesMonotonicClock: usesMonotonicClock))
  }

  /// Where the process finds the segment.
  var segmentPath: String { segment.path }

  /// The totals so far.
  var summary: TraceSummary { writer.summary }

  /// The snapshots of the process's memory.
  var snapshots: SnapshotTally { taker?.tally ?? SnapshotTally() }

  /// Whether the process ever loaded the library: static programs, for example, do not.
  var sawProgram: Bool { segment.header.pointee.traced_pid != 0 }

  /// Says which process it is.
  func begin(processID: Int32) {
    self.processID = processID
    merger.feeder.process = processID
    sampler = ResidentSampler(process: processID)
    taker = SnapshotTaker(process: processID, segment: segment)
  }

  /// Reads what the process has written, and samples what is due.
  func step() -> Pass {
    let now = TickClock.monotonic()
    let fullest = merger.pass(isLast: false)
    if now >= nextCalibration {
      // Often at first, when the rate is least certain.
      nextCalibration = now + (nextCalibration == 0 ? 20_000_000 : 1_000_000_000)
      merger.calibrate()
    }
    var sample: ResidentSample?
    if segment.header.pointee.image_count > 0 {
      sample = sampler?.sample(at: now, time: merger.time(merger.clock.now))
    }
    if let sample { writer.sample(sample) }
    taker?.step(now: now, sample: sample, merger: &merger, writer: writer)
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
