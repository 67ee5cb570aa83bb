// A recording from the program's start to its end.

import CLinux
import CaptureABI
import Glibc
import MemoryUnits
public import Trace

/// What to record, and how.
public struct RecordingOptions: Sendable {
  /// The program and its arguments.
  public var command: [String]
  /// The file to execute for `command[0]`.
  public var executable: String
  /// The trace file to write.
  public var output: String
  /// Frames kept of each stack, at most 128; 0 records no stacks.
  public var stackLimit = 128

  /// Records everything, stacks up to the limit included.
  public init(command: [String], executable: String, output: String) {
    self.command = command
    self.executable = executable
    self.output = output
  }
}

/// What came of a recording.
public struct RecordingResult: Sendable {
  /// The program's exit code, or 128 + n where signal n ended it.
  public var exitCode: Int32
  /// The totals of the trace.
  public var summary: TraceSummary
  /// Whether the program ever loaded the library: static programs, for example, do not.
  public var sawProgram: Bool
  /// What kept parts of the trace from being written.
  public var failure: TraceError?
}

/// Runs a program and writes its trace.
public struct Recording {
  private let options: RecordingOptions
  private let library: String
  private let writer: TraceWriter
  private let segment: Segment
  private let clock: TickClock
  /// Whether the recorder's parent wanted no signal for files that grow too large.
  private let ignoresFileSizeSignal: Bool

  /// Prepares everything that can fail before the program runs: the library, the trace file and
  /// the shared memory.
  public init(_ options: RecordingOptions, version: String) throws {
    self.options = options
    ignoresFileSizeSignal = linux_ignore_signal(SIGXFSZ) != 0
    library = try LibraryLocator.locate()
    var metadata = TraceMetadata()
    metadata.command = options.command
    metadata.executable = options.executable
    metadata.writer = version
    metadata.kernel = Self.kernelRelease()
    metadata.startedAt = Double(time(nil))
    metadata.headerBytes = 8
    metadata.knowsStacks = options.stackLimit > 0
    writer = try TraceWriter(path: options.output, metadata: metadata)
    let usesMonotonicClock = !TickClock.isCounterInvariant
    segment = try Segment(
      stackLimit: options.stackLimit, usesMonotonicClock: usesMonotonicClock)
    clock = TickClock(usesMonotonicClock: usesMonotonicClock)
  }

  /// Runs the program to its end.
  ///
  /// `progress` is called now and then with the events so far.
  public func run(progress: (UInt64) -> Void) throws -> RecordingResult {
    let life = try RecorderLife(segment.header)
    defer { life.end() }
    let program: TracedProgram
    do {
      program = try TracedProgram(
        command: options.command, executable: options.executable, library: library,
        segmentPath: segment.path, ignoresFileSizeSignal: ignoresFileSizeSignal)
    } catch {
      removeOutput()
      throw error
    }
    var merger = RingMerger(
      segment: segment,
      feeder: TraceFeeder(writer: writer, segment: segment, process: program.processID),
      clock: clock)
    let exitCode = follow(program, &merger, progress)
    lacuna_store32(&segment.header.pointee.closed, 1)
    _ = merger.pass(isLast: true)
    let failure = finish(program)
    return RecordingResult(
      exitCode: exitCode, summary: writer.summary,
      sawProgram: segment.header.pointee.traced_pid != 0, failure: failure)
  }

  /// Removes the trace of a program that never ran; a device that was named as output stays.
  private func removeOutput() {
    var status = stat()
    guard stat(options.output, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return }
    unlink(options.output)
  }

  /// Drains the rings until the program has ended.
  private func follow(
    _ program: TracedProgram, _ merger: inout RingMerger, _ progress: (UInt64) -> Void
  ) -> Int32 {
    var sampler = ResidentSampler(process: program.processID)
    defer { sampler.close() }
    var nextReclaim: UInt64 = 0
    var nextCalibration: UInt64 = 0
    while true {
      let exitCode = program.poll()
      let now = TickClock.monotonic()
      let fullest = merger.pass(isLast: false)
      if let exitCode { return exitCode }
      if now >= nextCalibration {
        // Often at first, when the rate is least certain.
        nextCalibration = now + (nextCalibration == 0 ? 20_000_000 : 1_000_000_000)
        merger.calibrate()
      }
      if segment.header.pointee.image_count > 0,
        let sample = sampler.sample(at: now, time: merger.time(merger.clock.now))
      {
        writer.sample(sample)
        progress(writer.summary.events)
      }
      if now >= nextReclaim {
        nextReclaim = now + 20_000_000
        merger.reclaim(process: program.processID)
      }
      program.forwardSignals()
      // A ring that fills up must not wait; one that does not should find its lines undisturbed.
      if fullest < 4 { program.wait(milliseconds: 1) }
    }
  }

  private func finish(_ program: TracedProgram) -> TraceError? {
    let header = segment.header.pointee
    writer.lose(header.lost_events)
    writer.truncateStack(header.truncated_stacks)
    writer.metadata.processID = Int(program.processID)
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

  private static func kernelRelease() -> String {
    var name = utsname()
    guard uname(&name) == 0 else { return "" }
    return Segment.text(name.release)
  }
}
