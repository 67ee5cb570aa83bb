// Reading memory from outside: this very process, tables by hand, processes that are gone.

import CaptureABI
import Foundation
import Glibc
import MemoryUnits
import TestSupport
import Testing
import Trace

@testable import Recorder

@Suite struct SnapshotReadingTests {
  let directory = TemporaryDirectory()

  private func text(_ contents: String) throws -> ProcBytes {
    let path = directory.file("table")
    try contents.write(toFile: path, atomically: false, encoding: .utf8)
    var bytes = ProcBytes()
    try bytes.read(path)
    return bytes
  }

  @Test("a table of mappings, with names that have blanks")
  func table() throws {
    let smaps = try text(
      """
      55d0c4a00000-55d0c4a21000 rw-p 00000000 00:00 0                          [heap]
      Size:                132 kB
      Rss:                  88 kB
      Pss:                  44 kB
      Anonymous:            84 kB
      Swap:                  4 kB
      VmFlags: rd wr mr mw me lo ac hg sd 
      7f0000000000-7f0000001000 r-xs 0001f000 fe:01 123456                     /a b (deleted)
      Rss:                   4 kB
      Pss:                   1 kB

      """.replacing("\n\n", with: "\n"))
    let read = try #require(KernelMappings(smaps, hasFigures: true))
    #expect(read.proportional == ByteCount(45 << 10))
    #expect(read.mappings.count == 2)
    #expect(read.mappings[0].name == "[heap]" && read.mappings[0].inode == 0)
    #expect(read.mappings[0].range == 0x55d0_c4a0_0000..<0x55d0_c4a2_1000)
    #expect(read.mappings[0].permissions == [.read, .write, .locked, .hugePages])
    #expect(
      read.mappings[0].figures
        == .init(resident: 90112, anonymous: 86016, swapped: 4096))
    #expect(read.mappings[1].name == "/a b (deleted)" && read.mappings[1].offset == 0x1f000)
    #expect(read.mappings[1].permissions == [.read, .execute, .shared])
  }

  @Test(
    "what is no table of mappings is refused",
    arguments: [
      "nonsense\n", "2000-1000 rw-p 0 0:0 0\n", "1000-2000 rw-p\n", "1001-2000 rw-p 0 0:0 0\n",
      "11112222333344445-2 rw-p 0 0:0 0\n", "1000-2000 rw-p 0 0:0 99999999999999999999\n",
      "Rss: 4 kB\n",
    ])
  func garbage(contents: String) throws {
    #expect(try KernelMappings(text(contents), hasFigures: true) == nil)
  }

  @Test("a table that changed while it was listed has no page twice")
  func torn() throws {
    let smaps = try text(
      """
      1000-3000 r--p 00001000 fe:01 7  /a
      Rss: 4 kB
      1000-2000 r--p 00001000 fe:01 7  /a
      Rss: 8 kB
      2000-6000 r--p 00002000 fe:01 7  /a
      Rss: 12 kB
      6000-7000 rw-p 00000000 00:00 0
      Rss: 4 kB

      """)
    let read = try #require(KernelMappings(smaps, hasFigures: true))
    #expect(read.isTorn)
    #expect(read.mappings.map(\.range) == [0x1000..<0x3000, 0x3000..<0x6000, 0x6000..<0x7000])
    #expect(read.mappings.map { $0.figures?.resident } == [4096, nil, 4096])
    #expect(read.mappings.map(\.offset) == [0x1000, 0x3000, 0])
    #expect(
      try KernelMappings(text("1000-3000 r--p 0 0:0 0\n"), hasFigures: false)?.isTorn == false)
  }

  @Test("a status without memory, as a process that has ended leaves it, says nothing")
  func status() throws {
    #expect(try MemoryFigures(text("Name:\tx\nState:\tZ (zombie)\nThreads:\t1\n")) == nil)
    let read = try MemoryFigures(
      text("VmHWM:\t  12 kB\nVmRSS:\t 8 kB\nRssAnon:\t 4 kB\nRssFile: 3 kB\nThreads:\t7\n"))
    #expect(read?.resident == 8192 && read?.peakResident == 12288 && read?.threads == 7)
  }

  @Test("both ways to ask for pages agree with what was done to them")
  func presence() throws {
    let page = 4096
    // Many more ranges than the kernel is asked for at a time.
    let count = 20_000
    let area = try #require(
      mmap(nil, count * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
    try #require(area != MAP_FAILED)
    defer { munmap(area, count * page) }
    madvise(area, count * page, MADV_NOHUGEPAGE)
    var written: Set<Int> = []
    for number in stride(from: 0, to: count, by: 3) where number % 5 != 0 {
      area.storeBytes(of: 1, toByteOffset: number * page, as: UInt8.self)
      written.insert(number)
    }
    // Reading brings in the page of zeros, which is nobody's.
    for number in stride(from: 0, to: count, by: 5) {
      #expect(area.load(fromByteOffset: number * page, as: UInt8.self) == 0)
    }
    let start = UInt64(UInt(bitPattern: area))
    let mapping = KernelMapping(
      range: start..<start + UInt64(count * page), permissions: [.read, .write], offset: 0,
      inode: 0, name: "",
      figures: .init(
        resident: ByteCount(written.count * page), anonymous: ByteCount(written.count * page)))
    let memory = PresentMemory(process: getpid())
    for usesScan in [true, false] {
      var scanner = PageScanner()
      scanner.usesScan = usesScan
      let found = scanner.scan([mapping], memory)
      #expect(found.source == .pagemap || usesScan)
      try #require(found.source != .unknown)
      let pages = found.present.flatMap { range in
        stride(from: range.lowerBound.rawValue, to: range.upperBound.rawValue, by: page)
          .map { Int($0 - start) / page }
      }
      #expect(pages == written.sorted())
      #expect(found.swapped.isEmpty)
    }
    // Where the figures do not fit the pages, the table alone cannot tell.
    var wrong = mapping
    wrong.figures = .init(resident: ByteCount(page), anonymous: ByteCount(page))
    var scanner = PageScanner()
    scanner.usesScan = false
    #expect(scanner.scan([wrong], memory) == PagePresence())
  }

  @Test("ranges less ranges")
  func subtract() {
    func ranges(_ pairs: [(UInt64, UInt64)]) -> [Range<Address>] {
      pairs.map { Address($0.0)..<Address($0.1) }
    }
    let all = ranges([(0, 10), (20, 30), (40, 50)])
    #expect(
      all.subtracting(ranges([(5, 25), (42, 43), (49, 60)]))
        == ranges([(0, 5), (25, 30), (40, 42), (43, 49)]))
    #expect(all.subtracting(ranges([(0, 100)])) == [])
    #expect(all.subtracting([]) == all)
  }

  // MARK: The taker, on this process

  /// A segment, the process that it is mapped in, and the trace.
  private final class Stage {
    let segment: Segment
    let writer: TraceWriter
    var merger: RingMerger
    var taker: SnapshotTaker

    init(_ path: String, process: Int32) throws {
      segment = try Segment(CaptureSettings(), usesMonotonicClock: true)
      writer = try TraceWriter(path: path, metadata: TraceMetadata())
      merger = RingMerger(
        segment: segment,
        feeder: TraceFeeder(writer: writer, segment: segment),
        clock: TickClock(usesMonotonicClock: true))
      merger.feeder.threads.process = process
      taker = SnapshotTaker(process: process, segment: segment)
    }

    func step() {
      taker.step(now: TickClock.monotonic(), sample: nil, merger: &merger, writer: writer)
    }

    func finish(_ path: String) throws -> [Snapshot] {
      _ = merger.pass(isLast: true)
      taker.finish(&merger, writer)
      try writer.finish()
      return try TraceFile(path: path).snapshots
    }
  }

  @Test("nothing before the hello, a snapshot for each image, and one for each request")
  func requests() throws {
    let path = directory.file("trace")
    let stage = try Stage(path, process: getpid())
    let header = stage.segment.header
    stage.step()
    header.pointee.image_count = 1
    stage.step()
    stage.step()
    header.pointee.gate_request = 1
    header.pointee.gate_reason = UInt32(LACUNA_GATE_MARK)
    header.pointee.gate_detail = 41
    stage.step()
    #expect(header.pointee.gate_done == 1)
    // One that has given up waiting is let go.
    header.pointee.gate_request = 2
    header.pointee.gate_reason = 0
    stage.step()
    #expect(header.pointee.gate_done == 2)
    header.pointee.image_count = 2
    header.pointee.gate_request = 3
    header.pointee.gate_reason = UInt32(LACUNA_GATE_EXIT)
    stage.step()
    #expect(header.pointee.gate_done == 3)
    let snapshots = try stage.finish(path)
    #expect(snapshots.map(\.reason) == [.start, .mark(41), .start, .exit])
    #expect(stage.taker.tally.taken == 4 && stage.taker.tally.dropped == 0)
    for snapshot in snapshots {
      #expect(snapshot.memory.residentAnonymous > .zero)
      #expect(snapshot.mappings.contains { $0.kind == .tool })
      #expect(snapshot.pages.source != .unknown)
      #expect(snapshot.time <= snapshot.endTime)
      #expect(snapshot.threadCaches == nil)
    }
  }

  /// A process that does nothing.
  private func sleeper() throws -> pid_t {
    var child: pid_t = 0
    var arguments: [UnsafeMutablePointer<CChar>?] = [strdup("sleep"), strdup("1000"), nil]
    defer { for argument in arguments { free(argument) } }
    let status = posix_spawn(&child, "/bin/sleep", nil, nil, &arguments, nil)
    try #require(status == 0)
    return child
  }

  private func end(_ child: pid_t) {
    kill(child, SIGKILL)
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0, errno == EINTR {}
  }

  @Test("a process that is gone, or that has no segment, gives no snapshot, and that is counted")
  func gone() throws {
    for isGone in [true, false] {
      let child = try sleeper()
      if isGone { end(child) }
      let path = directory.file("trace")
      let stage = try Stage(path, process: child)
      stage.segment.header.pointee.image_count = 1
      stage.segment.header.pointee.gate_request = 1
      stage.segment.header.pointee.gate_reason = UInt32(LACUNA_GATE_EXIT)
      stage.step()
      if !isGone { end(child) }
      #expect(stage.segment.header.pointee.gate_done == 1)
      #expect(try stage.finish(path).isEmpty)
      #expect(stage.taker.tally.dropped == 2)
    }
  }
}

@Suite struct ScheduleTests {
  private func sample(_ kilobytes: Int) -> ResidentSample {
    ResidentSample(time: .zero, resident: ByteCount(kilobytes << 10), shared: .zero)
  }

  @Test("looking takes a hundredth of the time at most, however the memory changes")
  func duty() throws {
    var random = SeededRandom(seed: 1)
    for cost in [UInt64(100_000), 2_000_000, 50_000_000] {
      var schedule = SnapshotSchedule(start: 0)
      var spent: UInt64 = 0
      var now: UInt64 = 0
      var taken = 0
      while now < 60_000_000_000 {
        let size = sample(Int.random(in: 1000...1_000_000, using: &random))
        if let (depth, _) = schedule.due(at: now, sample: size, steps: now) {
          now += cost
          spent += cost
          taken += 1
          schedule.took(
            depth, at: now, cost: cost, duration: cost, entries: 100, anonymous: size.anonymous,
            steps: now)
        }
        now += 50_000_000
      }
      #expect(taken > 10)
      #expect(Double(spent) / Double(now) < 0.0101)
    }
  }

  @Test("growth is seen, standstill is not")
  func growth() {
    var schedule = SnapshotSchedule(start: 0)
    let second: UInt64 = 1_000_000_000
    schedule.took(
      .heavy, at: 0, cost: 1_000_000, duration: 1_000_000, entries: 1,
      anonymous: ByteCount(100 << 20), steps: 5)
    func reason(_ kilobytes: Int, at now: UInt64, steps: UInt64) -> SnapshotReason? {
      var copy = schedule
      guard let (depth, reason) = copy.due(at: now, sample: sample(kilobytes), steps: steps)
      else { return nil }
      return depth == .heavy ? reason : nil
    }
    #expect(reason(200 << 10, at: second / 20, steps: 9) == nil)
    #expect(reason(102 << 10, at: second, steps: 9) == .growth)
    #expect(reason(90 << 10, at: second, steps: 9) == .growth)
    #expect(reason(96 << 10, at: second, steps: 9) == nil)
    #expect(reason(100 << 10, at: 3 * second, steps: 9) == .periodic)
    #expect(reason(100 << 10, at: 3 * second, steps: 5) == nil)
  }
}
