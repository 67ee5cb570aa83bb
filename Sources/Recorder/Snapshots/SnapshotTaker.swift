// Takes snapshots of the traced process while it runs, and when it asks for one.

import CLinux
import CaptureABI
import Glibc
import MemoryUnits
import Trace

/// How many snapshots a recording has, and what they cost.
public struct SnapshotTally: Sendable, Equatable {
  /// Snapshots in the trace.
  public var taken = 0
  /// Snapshots that were begun in vain, because the process ended or replaced its program meanwhile.
  public var dropped = 0
  /// Nanoseconds of a processor that the recorder spent on them.
  public var nanoseconds: UInt64 = 0
}

/// Looks at the memory of one process by a schedule, at its gate, and hands what it finds to the
/// trace.
struct SnapshotTaker {
  private let process: Int32
  private let segment: Segment
  private let segmentInode: UInt64
  private var inspector: ProcessInspector
  private var schedule: SnapshotSchedule
  /// Taken, but not yet placed among the steps.
  private var pending: [Snapshot] = []
  private var images: UInt32 = 0
  private let start: UInt64
  private(set) var tally = SnapshotTally()

  init(process: Int32, segment: Segment) {
    self.process = process
    self.segment = segment
    var status = stat()
    segmentInode = fstat(segment.descriptor, &status) == 0 ? UInt64(status.st_ino) : 0
    inspector = ProcessInspector(process: process)
    start = TickClock.monotonic()
    schedule = SnapshotSchedule(start: start)
  }

  /// Takes the snapshots that are due, and writes those whose place in the trace is known.
  ///
  /// - Parameter sample: what the kernel just said of the memory as a whole, if it was asked.
  mutating func step(
    now: UInt64, sample: ResidentSample?, merger: inout RingMerger, writer: TraceWriter
  ) {
    place(&merger, writer)
    let header = segment.header
    let started = lacuna_load32(&header.pointee.image_count)
    // Before the library has said hello, what runs is a copy of the recorder, or the loader.
    guard started > 0 else { return }
    if started != images {
      images = started
      inspector.replaceImage()
      take(.heavy, .start, &merger, writer)
    }
    lacuna_store32(
      &header.pointee.gate_takes_marks,
      SnapshotSchedule.permitsMark(elapsed: now - start, spent: tally.nanoseconds) ? 1 : 0)
    serveGate(&merger, writer)
    if let (depth, reason) = schedule.due(at: now, sample: sample, steps: writer.summary.steps) {
      take(depth, reason, &merger, writer)
    }
  }

  /// Writes what was taken, after the last pass over the rings, and lets go whoever waits.
  mutating func finish(_ merger: inout RingMerger, _ writer: TraceWriter) {
    place(&merger, writer)
    let header = segment.header
    lacuna_store32(&header.pointee.gate_done, lacuna_load32(&header.pointee.gate_request))
    linux_futex_wake(&header.pointee.gate_done)
  }

  // MARK: The gate

  /// Looks at the process if one of its threads waits for that, and lets the thread go on.
  private mutating func serveGate(_ merger: inout RingMerger, _ writer: TraceWriter) {
    let header = segment.header
    let request = lacuna_load32(&header.pointee.gate_request)
    guard request != lacuna_load32(&header.pointee.gate_done) else { return }
    switch Int(lacuna_load32(&header.pointee.gate_reason)) {
    case LACUNA_GATE_EXIT: take(.heavy, .exit, &merger, writer)
    case LACUNA_GATE_MARK: take(.heavy, .mark(header.pointee.gate_detail), &merger, writer)
    // The thread did not wait so long.
    default: break
    }
    lacuna_store32(&header.pointee.gate_done, request)
    linux_futex_wake(&header.pointee.gate_done)
  }

  // MARK: Taking

  private mutating func take(
    _ depth: SnapshotSchedule.Depth, _ reason: SnapshotReason, _ merger: inout RingMerger,
    _ writer: TraceWriter
  ) {
    let begin = TickClock.monotonic()
    let workBegin = Self.workTime()
    let firstTicks = merger.clock.now
    var isWaiting = reason == .exit
    if case .mark = reason { isWaiting = true }
    let wishes = ProcessInspector.Wishes(
      depth: depth, isWaiting: isWaiting, hasThreadCaches: hasThreadCaches)
    let reading = inspector.read(wishes, own: own, threads: merger.threads(process: process))
    let lastTicks = merger.clock.now
    let end = TickClock.monotonic()
    let work = Self.workTime() &- workBegin
    tally.nanoseconds &+= work
    schedule.took(
      depth, at: end, cost: work, duration: end - begin, entries: reading?.entryCount ?? 0,
      anonymous: reading?.memory.residentAnonymous, steps: writer.summary.steps)
    // An exec in the course of it mixes two programs.
    guard let reading, lacuna_load32(&segment.header.pointee.image_count) == images else {
      tally.dropped += 1
      return
    }
    merger.fences.add(firstTicks)
    merger.fences.add(lastTicks)
    pending.append(
      Snapshot(
        time: .zero, endTime: .zero, steps: 0..<0, reason: reason, memory: reading.memory,
        mappings: reading.mappings, pages: reading.pages, threadCaches: reading.threadCaches))
  }

  /// Nanoseconds that this thread has run.
  private static func workTime() -> UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now)
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
  }

  /// Writes the snapshots whose beginning and end the merger has passed.
  private mutating func place(_ merger: inout RingMerger, _ writer: TraceWriter) {
    while let (first, last) = merger.fences.takePair(), !pending.isEmpty {
      var snapshot = pending.removeFirst()
      snapshot.time = first.time
      snapshot.endTime = last.time
      snapshot.steps = first.steps..<max(first.steps, last.steps)
      writer.snapshot(snapshot)
      tally.taken += 1
    }
  }

  /// Whether blocks are glibc's, kept in caches that can be read.
  private var hasThreadCaches: Bool {
    let allocator = Segment.text(segment.header.pointee.allocator)
    return segment.header.pointee.block_header_bytes == 8
      && allocator.split(separator: "/").last == "libc.so.6"
  }

  /// The recorder's memory in the process.
  private var own: MappingClassifier.Own {
    MappingClassifier.Own(segment: segmentInode, ranges: segment.ownRanges)
  }
}
