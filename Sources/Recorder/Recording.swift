// A recording from the program's start to its end.

import CLinux
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
  /// What is captured of each process.
  public var settings = CaptureSettings()
  /// Whether the processes that the program starts are recorded too, each in a file of its own.
  public var followsChildren = false

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
  /// Programs that the process became by exec and that could not be recorded, because a limit on
  /// its address space left no room for the shared memory.
  public var unrecordedImages: Int
  /// What kept parts of the trace from being written.
  public var failure: TraceError?
  /// The sums over all processes, where children were followed.
  public var family: FamilyTotals?
  /// The snapshots of the program's memory.
  public var snapshots: SnapshotTally
}

/// Runs a program and writes its trace.
public struct Recording {
  private let options: RecordingOptions
  private let library: String
  private let process: ProcessRecording
  private let family: Family?
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
    if options.followsChildren {
      metadata.rootTrace = FamilyFiles.name(options.output)
      metadata.recordingID = "\(getpid())-\(Int(TickClock.realSeconds() * 1e6))"
    }
    process = try ProcessRecording(
      output: options.output, metadata: metadata, settings: options.settings)
    family =
      options.followsChildren
      ? try Family(
        firstOutput: options.output, metadata: metadata, settings: options.settings) : nil
  }

  /// Runs the program to its end.
  ///
  /// `progress` is called now and then with the events so far, and `waiting` once with the number
  /// of recorded processes that have outlived the program by a second.
  public func run(progress: (UInt64) -> Void, waiting: (Int) -> Void = { _ in }) throws
    -> RecordingResult
  {
    let program: TracedProgram
    do {
      program = try TracedProgram(
        command: options.command, executable: options.executable, library: library,
        segmentPath: family?.lobby.path ?? process.segmentPath,
        ignoresFileSizeSignal: ignoresFileSizeSignal)
    } catch {
      Self.removeOutput(options.output)
      throw error
    }
    process.begin(processID: program.processID)
    if let family {
      family.begin(process)
      let exitCode = family.follow(program, progress, waiting)
      return RecordingResult(
        exitCode: exitCode, summary: process.summary, sawProgram: family.totals.sawProgram,
        unrecordedImages: process.unrecordedImages,
        failure: family.totals.failure, family: family.totals, snapshots: process.snapshots)
    }
    let exitCode = follow(program, progress)
    let failure = process.finish()
    return RecordingResult(
      exitCode: exitCode, summary: process.summary, sawProgram: process.sawProgram,
      unrecordedImages: process.unrecordedImages, failure: failure, snapshots: process.snapshots)
  }

  /// Removes the trace of a program that never ran; a device that was named as output stays.
  static func removeOutput(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return }
    unlink(path)
  }

  /// Drains the rings until the program has ended.
  private func follow(_ program: TracedProgram, _ progress: (UInt64) -> Void) -> Int32 {
    while true {
      let exitCode = program.poll()
      let pass = process.step()
      if let exitCode { return exitCode }
      if pass.tookSample { progress(process.summary.events) }
      program.forwardSignals()
      // A ring that fills up must not wait; one that does not should find its lines undisturbed.
      if pass.fullest < 4 { program.wait(milliseconds: 1) }
    }
  }

  static func kernelRelease() -> String {
    var name = utsname()
    guard uname(&name) == 0 else { return "" }
    return Segment.text(name.release)
  }
}
