// Tests of the questions to a trace, from the file to the answer.

import Allocators
import Glibc
import MemoryUnits
import Replay
import TestSupport
import Testing
import Trace

@testable import Analysis

/// A trace file in a directory of its own, both gone at the end.
private final class WrittenTrace {
  var path: String { directory.file("test.trace") }
  private let directory = TemporaryDirectory()

  init(metadata: TraceMetadata = TraceMetadata(), _ write: (TraceWriter) -> Void) throws {
    var metadata = metadata
    metadata.headerBytes = 8
    let writer = try TraceWriter(path: path, metadata: metadata)
    write(writer)
    try writer.finish()
  }

  func open() throws -> TraceFile { try TraceFile(path: path) }
}

@Suite struct MeasurementTests {
  private static let start: UInt64 = 0x5555_5555_5000
  private static let module = Module(
    image: 0, range: Address(0x40_0000)..<Address(0x50_0000), bias: 0x40_0000,
    path: "/nowhere/program", buildID: [])

  /// Two functions of a program of which no file is left, so that a function is an offset: `main`
  /// calls malloc at 0x1000 and at 0x2000.
  private static func write(_ writer: TraceWriter) {
    writer.module(module)
    _ = writer.thread(ThreadDescription(kernelID: 1, name: "main"))
    let outer = writer.node(parent: 0, returnAddress: 0x40_0101, image: 0)
    let first = writer.stack(
      node: writer.node(parent: outer, returnAddress: 0x40_1001, image: 0), entry: .malloc)
    let second = writer.stack(
      node: writer.node(parent: outer, returnAddress: 0x40_2001, image: 0), entry: .malloc)
    writer.startBreak(at: Address(start), time: .zero)
    writer.moveBreak(to: Address(start + 8192), time: .zero)
    func allocate(_ offset: UInt64, _ size: Int64, _ stack: StackID, _ milliseconds: UInt64) {
      writer.allocate(
        address: Address(start + offset), size: ByteCount(size), usable: ByteCount(size),
        alignmentShift: 0, stack: stack, thread: ThreadIndex(0),
        time: Timestamp(nanoseconds: milliseconds * 1_000_000))
    }
    // Page 0: 1000 of the first site and 96 of the second; page 1: 496 of the second.
    allocate(8, 992, first, 10)
    allocate(1008, 88, second, 20)
    allocate(4104, 488, second, 30)
    allocate(6008, 1992, first, 40)
    writer.free(
      address: Address(start + 6008), thread: ThreadIndex(0),
      time: Timestamp(nanoseconds: 50_000_000))
  }

  @Test("tells which sites keep the pages of a trace")
  func pins() throws {
    let file = try WrittenTrace(Self.write)
    let trace = try file.open()
    for grouping in SiteGrouping.allCases {
      let report = try Measurement.pins(trace: trace, at: .end, grouping: grouping)
      // Page 0 has 3000 free bytes, 1500 for each; page 1 has 3600, all the second site's.
      #expect(report.pinned == 6600)
      #expect(report.freePageBytes == 0)
      #expect(report.occupiedPages == 2)
      #expect(report.sites.map(\.pinned) == [5100, 1500])
      #expect(report.sites.map(\.sole) == [3600, 0])
      #expect(report.sites.map(\.live) == [576, 992])
      #expect(report.sites.map(\.blocks) == [2, 1])
      #expect(report.sites.map(\.pages) == [2, 1])
      #expect(report.sites.map(\.frame.function) == ["program+0x2000", "program+0x1000"])
      #expect(report.sites.first?.stack.map(\.function) == ["program+0x2000", "program+0x100"])
    }
    // Before the block at 4104 begins: only page 0 is occupied.
    let early = try Measurement.pins(
      trace: trace, at: .time(Timestamp(nanoseconds: 25_000_000)))
    #expect(early.sites.map(\.pinned) == [1500, 1500])
    #expect(early.freePageBytes == 4096)
    // At the peak the first site has a block on page 1 too: 4096 - 496 - 2000 = 1600 shared.
    let peak = try Measurement.pins(trace: trace, at: .peak)
    #expect(peak.pinned == 4600)
    #expect(peak.sites.map(\.pinned) == [2300, 2300])
    #expect(peak.sites.map(\.live) == [2984, 576])
  }

  @Test("tells the whole story, the recorded heap first")
  func story() throws {
    let file = try WrittenTrace(Self.write)
    let trace = try file.open()
    var progress: [Double] = []
    let story = try Measurement.story(
      of: trace, heaps: [try HeapSpecification(parsing: "best-fit")]
    ) { progress.append($0) }
    #expect(story.traceName == "test.trace")
    #expect(story.heaps.map(\.allocator) == ["recorded", "best-fit"])
    #expect(story.recorded.events == 5)
    #expect(story.recorded.atEnd.pinned == 6600)
    #expect(story.pinsAtEnd.pinned == 6600)
    #expect(story.pinsAtPeak.pinned == story.recorded.atPeak.pinned)
    #expect(story.heaps.map(\.peakLive) == [3560, 3560])
    // Best fit without headers: 992, 96, 496 and 2000 bytes in one page.
    #expect(story.heaps.last?.peakHeld == 4096)
    #expect(progress.last == 1)
    #expect(progress == progress.sorted())
  }

  @Test("compares simulated heaps where a trace has no addresses")
  func noAddresses() throws {
    var metadata = TraceMetadata()
    metadata.knowsAddresses = false
    let file = try WrittenTrace(metadata: metadata, Self.write)
    let trace = try file.open()
    let recorded = HeapSpecification(.recorded)
    #expect(throws: MeasurementError.noAddresses) {
      try Measurement.measure(trace: trace, specifications: [recorded])
    }
    #expect(throws: MeasurementError.noAddresses) { try Measurement.pins(trace: trace) }
    let story = try Measurement.story(
      of: trace, heaps: [recorded, try HeapSpecification(parsing: "first-fit")])
    #expect(story.heaps.map(\.allocator) == ["first-fit"])
    #expect(story.recorded.events == 0)
    #expect(story.pinsAtPeak.sites.isEmpty)
  }

  @Test("has a story for an empty trace")
  func emptyTrace() throws {
    let file = try WrittenTrace { _ in }
    let story = try Measurement.story(
      of: try file.open(), heaps: [try HeapSpecification(parsing: "buddy")])
    #expect(story.heaps.map(\.events) == [0, 0])
    #expect(story.pinsAtEnd.sites.isEmpty)
  }

  @Test("gives blocks of unknown origin a site of their own")
  func unknownStack() throws {
    let file = try WrittenTrace { writer in
      writer.allocate(
        address: Address(0x7f00_0000_0010), size: 24, usable: 24, alignmentShift: 0,
        stack: .unknown, thread: ThreadIndex(0), time: .zero)
    }
    let report = try Measurement.pins(trace: try file.open(), at: .end)
    #expect(report.sites.map(\.frame.function) == ["(unknown)"])
    #expect(report.sites.map(\.sole) == [4096 - 32])
  }

  /// No heap of the catalogue may ever place a block on bytes that are not held or not free: the
  /// map of the address space would notice.
  @Test(
    "finds no heap that places blocks over each other or outside of what it holds",
    arguments: [
      "first-fit", "best-fit(header=8,growth=64k,trim=always)", "next-fit(trim=always)",
      "worst-fit(align=8,min=24)", "buddy",
    ])
  func soundHeaps(specification: String) throws {
    var visitor = SoundnessVisitor()
    let kind = try HeapSpecification(parsing: specification).kind
    let wrong = try #require(kind.build(&visitor))
    #expect(wrong == [])
  }

  private struct SoundnessVisitor: HeapVisitor {
    mutating func visit<H: Heap & ~Copyable>(_ heap: consuming H) -> [String] {
      var random = SeededRandom(seed: 3)
      var replayer = Replayer(heap: heap, observer: HeapObserver(usesTimes: false))
      var live = [Bool](repeating: false, count: 500)
      var requests: [Request] = []
      for _ in 0..<20_000 {
        let slot = Int.random(in: 0..<500, using: &random)
        let power = Int64.random(in: 0..<18, using: &random)
        let size = ByteCount(Int64.random(in: 0...1 << power, using: &random))
        let operation: Trace.Operation =
          !live[slot] ? .allocate : Int.random(in: 0..<4, using: &random) == 0 ? .reallocate : .free
        live[slot] = operation != .free
        requests.append(
          Request(operation: operation, slot: Slot(UInt32(slot)), size: size))
      }
      requests.withUnsafeBufferPointer { replayer.apply($0) }
      var wrong: [String] = []
      if replayer.ignoredSlots != 0 { wrong.append("ignored \(replayer.ignoredSlots) slots") }
      if replayer.observer.map.conflicts != 0 {
        wrong.append("\(replayer.observer.map.conflicts) conflicts")
      }
      let footprint = replayer.observer.footprint
      if replayer.observer.map.freeBytes != footprint.held - footprint.granted {
        wrong.append("free bytes do not close")
      }
      let census = replayer.observer.map.census()
      if census.pinnedBytes + census.freePageBytes != footprint.held - footprint.granted {
        wrong.append("pages do not close")
      }
      return wrong
    }
  }
}
