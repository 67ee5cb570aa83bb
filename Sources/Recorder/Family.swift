// All processes of a recording that follows children: one trace each.

import CLinux
import CaptureABI
import Glibc
public import Trace

/// Records a program and the processes that it starts, and those that they start.
///
/// Each process asks for a segment of its own in the ``Lobby``; one loop drains all of them.
final class Family {
  /// A process that is being recorded.
  private struct Member {
    let recording: ProcessRecording
    let name: String
    /// Readable when the process has ended.
    let processDescriptor: Int32
  }

  let lobby: Lobby
  private var files: FamilyFiles
  private let template: TraceMetadata
  private let settings: CaptureSettings
  private var members: [Member] = []
  /// The traces of all members there ever were, by the process that had the id last.
  private var known: [Int32: String] = [:]
  private(set) var totals = FamilyTotals()
  private var nextReclaim: UInt64 = 0
  private var nextProgress: UInt64 = 0

  /// - Parameter metadata: what the traces of all members have in common.
  init(
    firstOutput: String, metadata: TraceMetadata, settings: CaptureSettings
  ) throws {
    lobby = try Lobby()
    files = FamilyFiles(first: firstOutput)
    template = metadata
    self.settings = settings
  }

  /// Takes the first process in, whose recording its caller has begun.
  func begin(_ first: ProcessRecording) {
    raiseDescriptorLimit()
    add(first, name: FamilyFiles.name(files.first), linux_process_descriptor(first.processID))
  }

  /// The recorder needs four descriptors for each process; the program has its own limit by now.
  private func raiseDescriptorLimit() {
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    var limit = rlimit()
    guard getrlimit(resource, &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    setrlimit(resource, &limit)
  }

  private func add(_ recording: ProcessRecording, name: String, _ descriptor: Int32) {
    members.append(Member(recording: recording, name: name, processDescriptor: descriptor))
    known[recording.processID] = name
    totals.processes += 1
  }

  // MARK: The loop

  /// Records until all members have ended, or until somebody wants it to stop after the first has.
  ///
  /// Returns the exit code of the first.
  func follow(_ program: TracedProgram, _ progress: (UInt64) -> Void, _ waiting: (Int) -> Void)
    -> Int32
  {
    var exitCode: Int32?
    var endedAt: UInt64 = 0
    var hasSaid = false
    while true {
      let now = TickClock.monotonic()
      if exitCode == nil {
        exitCode = program.poll()
        if exitCode != nil { endedAt = now }
      }
      answerRequests()
      let fullest = step()
      if now >= nextReclaim {
        nextReclaim = now + 500_000_000
        lobby.reclaim()
      }
      if now >= nextProgress {
        nextProgress = now + 50_000_000
        progress(members.reduce(totals.events) { $0 + $1.recording.summary.events })
      }
      guard let exitCode else {
        program.forwardSignals()
        if fullest < 4 { lobby.wait() }
        continue
      }
      if program.isToldToStop() || isOver() {
        shut()
        return exitCode
      }
      if !hasSaid, now > endedAt + 1_000_000_000 {
        hasSaid = true
        waiting(members.count)
      }
      if fullest < 4 { lobby.wait() }
    }
  }

  /// Drains all members, and ends the traces of those that are gone.
  private func step() -> Int {
    var entries = members.map {
      pollfd(fd: $0.processDescriptor, events: Int16(POLLIN), revents: 0)
    }
    _ = poll(&entries, nfds_t(entries.count), 0)
    var fullest = 0
    for member in members { fullest = max(fullest, member.recording.step().fullest) }
    for index in members.indices.reversed() where entries[index].revents != 0 { end(index) }
    return fullest
  }

  private func end(_ index: Int) {
    let member = members.remove(at: index)
    if let failure = member.recording.finish(), totals.failure == nil { totals.failure = failure }
    totals.add(member.recording.summary, sawProgram: member.recording.sawProgram)
    if member.processDescriptor >= 0 { close(member.processDescriptor) }
  }

  /// Stops recording whoever still runs.
  private func shut() {
    lobby.shut()
    totals.stillRunning = members.count
    while let last = members.last {
      last.recording.outlivesRecording = !hasEnded(last.processDescriptor)
      end(members.count - 1)
    }
    totals.refused += lobby.refused
  }

  // MARK: The end

  private var unusedSince: UInt64?

  /// Whether nobody is left who is recorded or could ask to be.
  private func isOver() -> Bool {
    guard members.isEmpty, !lobby.isInUse else {
      unusedSince = nil
      return false
    }
    // A program that was just started has not come to the lobby yet. One that never will, since it
    // is linked statically, is not waited for.
    let now = TickClock.monotonic()
    let since = unusedSince ?? now
    unusedSince = since
    return !lobby.isAboutToBeUsed || now > since + 2_000_000_000
  }

  // MARK: Requests

  private func answerRequests() {
    for request in lobby.requests() { lobby.answer(request, descriptor(for: request)) }
  }

  /// The segment of a process that asks: its own, if it is a member that has executed another
  /// program, or a new one.
  private func descriptor(for request: Lobby.Request) -> Int32? {
    if let index = members.firstIndex(where: { $0.recording.processID == request.process }) {
      let member = members[index]
      if !hasEnded(member.processDescriptor) {
        guard !request.isFork else { return nil }
        if index > 0 || totals.processes > 1 { renew(member) }
        return member.recording.segment.descriptor
      }
      end(index)
    }
    let process = linux_process_descriptor(request.process)
    guard process >= 0 else { return nil }
    guard !hasEnded(process), let recording = record(request) else {
      close(process)
      return nil
    }
    add(recording.0, name: recording.name, process)
    return recording.0.segment.descriptor
  }

  private func hasEnded(_ processDescriptor: Int32) -> Bool {
    var entry = pollfd(fd: processDescriptor, events: Int16(POLLIN), revents: 0)
    return processDescriptor >= 0 && poll(&entry, 1, 0) > 0
  }

  private func record(_ request: Lobby.Request) -> (ProcessRecording, name: String)? {
    var metadata = template
    metadata.processID = Int(request.process)
    metadata.startsInMidst = request.isFork
    metadata.command = ProcFile.command(process: request.process) ?? []
    metadata.startedAt = TickClock.realSeconds()
    let parent = parent(of: request)
    metadata.parentProcessID = Int(parent)
    metadata.parentTrace = known[parent] ?? ""
    let path = files.path(process: request.process)
    do {
      let recording = try ProcessRecording(
        output: path, metadata: metadata, settings: settings)
      recording.begin(processID: request.process)
      return (recording, FamilyFiles.name(path))
    } catch {
      if totals.failure == nil { totals.failure = error as? TraceError }
      return nil
    }
  }

  /// The member that started a process: its parent if that is one, or the one that its memory or
  /// environment comes from; 0 where neither is known.
  private func parent(of request: Lobby.Request) -> Int32 {
    let isMember = members.contains { $0.recording.processID == request.parent }
    let candidate = isMember && !request.isFork ? request.parent : request.ancestor
    return known[candidate] == nil || candidate == request.process ? 0 : candidate
  }

  /// Takes note of the program that a member has become; the first one keeps its command.
  private func renew(_ member: Member) {
    guard member.name != FamilyFiles.name(files.first),
      let command = ProcFile.command(process: member.recording.processID)
    else { return }
    member.recording.writer.metadata.command = command
  }
}

/// The sums over the traces of a recording.
public struct FamilyTotals: Sendable {
  /// Processes that were recorded, each in a file of its own.
  public var processes = 0
  /// Events in all traces.
  public var events: UInt64 = 0
  /// Events that are in none.
  public var lostEvents: UInt64 = 0
  /// Processes that could not be recorded.
  public var refused = 0
  /// Processes that ran on when recording was stopped.
  public var stillRunning = 0
  /// Whether any process loaded the library.
  public var sawProgram = false
  /// The first thing that kept parts of a trace from being written.
  public var failure: TraceError?

  mutating func add(_ summary: TraceSummary, sawProgram: Bool) {
    events += summary.events
    lostEvents += summary.lostEvents
    if sawProgram { self.sawProgram = true }
  }
}
