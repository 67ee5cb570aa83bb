// A recording of a process that runs already, for a while or to its end.

import CLinux
import CaptureABI
import Glibc
public import Trace

/// What to record of a running process, and how.
public struct AttachOptions: Sendable {
  /// The kernel's id of the process.
  public var processID: Int32
  /// The trace file to write; nil for a name made of the program's.
  public var output: String?
  /// What is captured.
  public var settings = CaptureSettings()
  /// Seconds after which the process is left alone again; nil for its whole life.
  public var seconds: Double?

  /// Records everything until the process ends or a signal comes.
  public init(processID: Int32) { self.processID = processID }
}

/// What came of recording a running process.
public struct AttachResult: Sendable {
  /// Why the recording came to an end.
  public enum Ending: Sendable, Equatable {
    /// The time was over, or a signal came.
    case detached
    /// The process has ended.
    case processEnded
    /// The process runs another program now.
    case replaced
  }

  /// Why the recording came to an end.
  public var ending: Ending
  /// The totals of the trace.
  public var summary: TraceSummary
  /// What kept parts of the trace from being written.
  public var failure: TraceError?
  /// Whether calls still pass through the library, which does nothing any more: a thread did not
  /// stand still when the process was to be left alone.
  public var isLeftRedirected = false
}

/// Records a process that runs already.
public final class AttachedRecording {
  private let options: AttachOptions
  private let facts: ProcessFacts
  private let loading: LibraryLoading
  private let metadata: TraceMetadata
  private let process: StoppedProcess
  private var recording: ProcessRecording?
  private let signals: Int32
  /// The trace file that is written.
  public let output: String

  /// The program, as it was started.
  public var command: [String] { facts.command }

  /// Finds out whether the process can be attached to; it is not touched.
  public init(_ options: AttachOptions, version: String) throws {
    self.options = options
    let library = try LibraryLocator.locate()
    // A process that is about to execute its program is read anew.
    (facts, loading) = try LibraryLoading.patiently { () throws(AttachError) in
      let facts = try ProcessFacts(processID: options.processID)
      return (facts, try LibraryLoading(facts, path: library))
    }
    process = StoppedProcess(process: options.processID)
    output = options.output ?? Self.name(facts)
    var metadata = TraceMetadata()
    metadata.command = facts.command
    metadata.executable = facts.executable
    metadata.writer = version
    metadata.kernel = Recording.kernelRelease()
    metadata.startedAt = Double(time(nil))
    metadata.headerBytes = 8
    metadata.startsInMidst = true
    self.metadata = metadata
    var blocked = sigset_t()
    sigemptyset(&blocked)
    sigaddset(&blocked, SIGXFSZ)
    sigaddset(&blocked, SIGPIPE)
    sigprocmask(SIG_BLOCK, &blocked, nil)
    let ending = [SIGINT, SIGTERM, SIGHUP]
    signals = linux_signal_descriptor(ending, Int32(ending.count))
  }

  private static func name(_ facts: ProcessFacts) -> String {
    let program = facts.executable.split(separator: "/").last ?? "program"
    return "lacuna.\(program).\(facts.processID).trace"
  }

  /// Attaches, records, and detaches.
  ///
  /// `attached` is called once the process records, `progress` now and then with the events so far.
  public func run(attached: () -> Void, progress: (UInt64) -> Void) throws -> AttachResult {
    let ended = linux_process_descriptor(options.processID)
    guard ended >= 0 else { throw AttachError.noSuchProcess(options.processID) }
    defer { close(ended) }
    let loaded = try load()
    guard let recording else { throw AttachError.unexpected("nothing is shared with it") }
    recording.begin(processID: options.processID)
    var redirection = Redirection(
      loaded.image, library: loaded.library, functions: loaded.functions)
    var ending = AttachResult.Ending.detached
    if redirection.refresh(loaded.image.linkMap) {
      try redirect(&redirection)
      attached()
      ending = follow(&redirection, loaded.image.linkMap, ended, progress)
    }
    var result = AttachResult(ending: ending, summary: recording.summary)
    recording.outlivesRecording = ending == .detached
    if ending == .detached {
      result.isLeftRedirected = !detach(&redirection, loaded)
      // What threads were about to write when they were stopped.
      for _ in 0..<3 {
        _ = recording.step()
        usleep(1000)
      }
    }
    result.failure = recording.finish()
    result.summary = recording.summary
    if ending == .detached { unmap(recording.segment, loaded) }
    recording.segment.discard()
    return result
  }

  /// Loads the library; leaves no trace file where that fails.
  private func load() throws -> LoadedLibrary {
    do {
      return try loading.load(process, facts) { descriptor in
        recording = try ProcessRecording(
          output: output, metadata: metadata, settings: options.settings,
          segmentDescriptor: descriptor)
      }
    } catch {
      if recording != nil { Recording.removeOutput(output) }
      throw error
    }
  }

  private func redirect(_ redirection: inout Redirection) throws(AttachError) {
    try process.stop()
    defer { process.release() }
    try redirection.apply(process)
  }

  // MARK: While it runs

  /// Nanoseconds between two looks whether modules have come or gone, and between two at all words.
  private static let lookInterval: UInt64 = 5_000_000
  private static let checkInterval: UInt64 = 250_000_000

  /// Drains the rings until it is over.
  private func follow(
    _ redirection: inout Redirection, _ linkMap: LinkMap, _ ended: Int32,
    _ progress: (UInt64) -> Void
  ) -> AttachResult.Ending {
    guard let recording else { return .detached }
    let start = TickClock.monotonic()
    let length = options.seconds.map { UInt64(min(max($0, 0), 1e9) * 1e9) }
    var nextLook = start
    var nextCheck = start + Self.checkInterval
    while true {
      let pass = recording.step()
      let now = TickClock.monotonic()
      if isReadable(ended, milliseconds: 0) { return .processEnded }
      if linux_next_signal(signals) != 0 { return .detached }
      if let length, now - start >= length { return .detached }
      if now >= nextLook {
        nextLook = now + Self.lookInterval
        process.releaseStragglers()
        let isOutdated = redirection.isOutdated(linkMap)
        if isOutdated || now >= nextCheck {
          nextCheck = now + Self.checkInterval
          if isOutdated, !redirection.refresh(linkMap) {
            // The list is empty for a moment at the process's end too.
            return isReadable(ended, milliseconds: 100) ? .processEnded : .replaced
          }
          // A thread that does not stand still now may do so the next time.
          if redirection.needsChange { try? redirect(&redirection) }
        }
      }
      if pass.tookSample { progress(recording.summary.events) }
      if pass.fullest < 4 { _ = isReadable(ended, milliseconds: 1) }
    }
  }

  private func isReadable(_ descriptor: Int32, milliseconds: Int32) -> Bool {
    var entries = [
      pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
      pollfd(fd: signals, events: Int16(POLLIN), revents: 0),
    ]
    return poll(&entries, milliseconds == 0 ? 1 : 2, milliseconds) > 0 && entries[0].revents != 0
  }

  // MARK: The end

  /// Leaves the process alone; returns whether none of its calls passes through the library now.
  private func detach(_ redirection: inout Redirection, _ loaded: LoadedLibrary) -> Bool {
    var isRestored = false
    for _ in 0..<3 where !isRestored {
      guard (try? process.stop()) != nil else { continue }
      isRestored = (try? redirection.restore(process)) != nil
      try? loaded.image.memory.write([0], at: loaded.recording)
      process.release()
    }
    try? loaded.image.memory.write([0], at: loaded.recording)
    return isRestored
  }

  /// Takes the segment out of the process, as soon as no thread is inside the library any more.
  private func unmap(_ segment: Segment, _ loaded: LoadedLibrary) {
    let image = loaded.image
    let scan = StackScan(image, forbidden: [image.modules[loaded.library].segments])
    for _ in 0..<20 {
      guard (try? process.stop()) != nil else { return }
      let isClear = process.threads.allSatisfy { thread in
        guard let registers = try? thread.registers else { return false }
        return !scan.isForbidden(registers.rip) && scan.isClear(from: registers.rsp)
      }
      if isClear, let chosen = Self.idlest(process.threads),
        let libc = image.libc, let instruction = LibraryLoading.callInstruction(image, libc),
        var remote = try? RemoteThread(
          chosen, process: options.processID, callInstruction: instruction)
      {
        let munmap: UInt64 = 11
        for range in segments(segment, loaded) {
          _ = try? remote.systemCall(munmap, [range.lowerBound, UInt64(range.count)], "munmap")
        }
        remote.finish()
        _ = process.releaseOthers(than: chosen.identifier)
        return
      }
      process.release()
      usleep(5000)
    }
  }

  /// A thread that can make a call for us, preferably from within a call: elsewhere it may be in a
  /// piece of code that the kernel restarts when it is interrupted (rseq).
  private static func idlest(_ threads: [TracedThread]) -> TracedThread? {
    let candidates = threads.filter { $0.state == .interrupted }
    return candidates.first { thread in
      (try? thread.registers).map { Int64(bitPattern: $0.orig_rax) >= 0 } == true
    } ?? candidates.first
  }

  /// Where the process has our segment mapped, and those of recorders that were killed.
  private func segments(_ segment: Segment, _ loaded: LoadedLibrary) -> [Range<UInt64>] {
    var ranges = [loaded.segment..<loaded.segment + UInt64(segment.byteCount)]
    let maps = (try? ProcFile.read("/proc/\(options.processID)/maps")) ?? ""
    for line in maps.split(separator: "\n") where line.hasSuffix(" /memfd:lacuna (deleted)") {
      let bounds = line.prefix { $0 != " " }.split(separator: "-")
      guard bounds.count == 2, let start = UInt64(bounds[0], radix: 16),
        let end = UInt64(bounds[1], radix: 16), start < end, start != loaded.segment
      else { continue }
      ranges.append(start..<end)
    }
    return ranges
  }
}
