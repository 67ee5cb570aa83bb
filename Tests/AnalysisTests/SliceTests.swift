// A part of a trace shows what the whole trace shows of that time.

import Allocators
import Foundation
import MemoryUnits
import TestSupport
import Testing
import Trace

@testable import Analysis

@Suite struct SliceTests {
  private static let path = URL(fileURLWithPath: #filePath)
    .appendingPathComponent("../../../Traces/python-json.trace").standardizedFileURL.path

  let directory = TemporaryDirectory()

  /// The committed trace, written anew with keyframes at short distances.
  private func keyed() throws -> TraceFile {
    let old = try TraceFile(path: Self.path)
    let path = directory.file("keyed.trace")
    let writer = try TraceWriter(path: path, metadata: old.metadata)
    writer.setKeyframes(every: 20_000)
    for index in 1..<old.stacks.count {
      let stack = StackID(UInt32(index))
      var node: UInt32 = 0
      for frame in old.stacks.frames(of: stack).reversed() {
        node = writer.node(parent: node, returnAddress: frame.returnAddress, image: frame.image)
      }
      _ = writer.stack(node: node, entry: old.stacks.entry(of: stack))
    }
    for thread in old.threads { _ = writer.thread(thread) }
    var addresses: [UInt32: Address] = [:]
    var steps = 0
    try old.read(addresses: true) { batch in
      for request in batch {
        steps += 1
        if steps % 10_000 == 0 { try writer.flush() }
        let slot = request.slot.rawValue
        switch request.operation {
        case .allocate:
          writer.allocate(
            address: request.address, size: request.size, usable: request.usable,
            alignmentShift: request.alignmentShift, stack: request.stack, thread: request.thread,
            time: request.time)
          addresses[slot] = request.address
        case .reallocate:
          writer.reallocate(
            old: addresses[slot] ?? .zero, new: request.address, size: request.size,
            usable: request.usable, stack: request.stack, thread: request.thread,
            time: request.time)
          addresses[slot] = request.address
        case .free:
          writer.free(
            address: addresses[slot] ?? .zero, entry: request.entry, thread: request.thread,
            time: request.time)
        case .moveBreak: writer.moveBreak(to: request.address, time: request.time)
        case .startBreak: writer.startBreak(at: request.address, time: request.time)
        default:
          if let side = request.sideStep {
            writer.side(side, thread: request.thread, time: request.time)
          } else {
            Issue.record("\(request.operation) is not copied")
          }
        }
      }
    }
    try writer.finish()
    return try TraceFile(path: path)
  }

  @Test("who pins pages is the same, whether all before was replayed or only what lives")
  func pins() throws {
    let whole = try TraceFile(path: Self.path)
    let keyed = try keyed()
    #expect(keyed.summary == whole.summary)
    let duration = whole.summary.durationNanoseconds
    for part in [0, 3, 33, 50, 71, 97, 100] {
      let moment = duration / 100 * UInt64(part)
      let expected = try Measurement.pins(
        trace: whole, at: .time(Timestamp(nanoseconds: moment)), grouping: .stack)
      for file in [whole, keyed] {
        let slice = try TraceSlice(of: file, TraceRange(from: moment + 1, to: moment + 2))
        let found = try Measurement.pins(trace: file, at: .end, grouping: .stack, slice: slice)
        #expect(found.pinned == expected.pinned, "\(part) %")
        #expect(found.freePageBytes == expected.freePageBytes, "\(part) %")
        #expect(found.occupiedPages == expected.occupiedPages, "\(part) %")
        #expect(found.sites.map(\.pinned) == expected.sites.map(\.pinned), "\(part) %")
        #expect(found.sites.map(\.live) == expected.sites.map(\.live), "\(part) %")
      }
    }
  }

  @Test("the figures of a part are those of the whole in that time") func figures() throws {
    let whole = try TraceFile(path: Self.path)
    let keyed = try keyed()
    let duration = whole.summary.durationNanoseconds
    let recorded = [HeapSpecification(.recorded)]
    var events = 0
    for part in 0..<4 {
      let range = TraceRange(
        from: duration / 4 * UInt64(part), to: part == 3 ? nil : duration / 4 * UInt64(part + 1))
      let slice = try TraceSlice(of: keyed, range)
      let found = try #require(
        try Measurement.measure(trace: keyed, specifications: recorded, slice: slice).first)
      let other = try #require(
        try Measurement.measure(
          trace: whole, specifications: recorded, slice: TraceSlice(of: whole, range)
        ).first)
      #expect(found.peakLive == ByteCount(slice.summary.peakLiveBytes))
      #expect(found.atPeak.live == found.peakLive && found.events == Int(slice.summary.events))
      #expect(found.peakHeld == other.peakHeld && found.peakResident == other.peakResident)
      #expect(found.meanResident == other.meanResident)
      #expect(found.fragmentation == other.fragmentation)
      #expect(found.meanResident <= found.peakResident && found.meanResident > .zero)
      #expect(found.timeline.map(\.held) == other.timeline.map(\.held))
      let first = try #require(found.timeline.first)
      let last = try #require(found.timeline.last)
      #expect(first.time.nanoseconds == range.lowerBound)
      #expect(last.time.nanoseconds == range.upperBound ?? duration)
      events += found.events
      // Against the whole trace, whose replay saw everything before.
      var plan = SamplePlan(
        summary: slice.summary, knowsTimes: true, captures: [], span: slice.span)
      plan.isRealHeap = true
      let all = try #require(try Measurement.measure(trace: whole, specifications: recorded).first)
      let inside = all.timeline.filter {
        $0.time.nanoseconds > range.lowerBound && $0.time.nanoseconds < range.upperBound ?? .max
      }
      #expect(inside.allSatisfy { $0.held <= found.peakHeld && $0.live <= found.peakLive })
    }
    #expect(events == Int(whole.summary.events))
  }

  @Test("simulated heaps begin with what lives, side by side") func simulated() throws {
    let file = try TraceFile(path: Self.path)
    let duration = file.summary.durationNanoseconds
    let slice = try TraceSlice(
      of: file, TraceRange(from: duration / 2, to: duration / 2))
    #expect(slice.summary.events == 0 && slice.liveBlocksBefore > 1000)
    let names = ["first-fit", "best-fit", "buddy"]
    let measures = try Measurement.measure(
      trace: file, specifications: names.map { try HeapSpecification(parsing: $0) }, slice: slice)
    for found in measures {
      #expect(found.events == 0 && found.peakLive == slice.liveBytesBefore)
      #expect(found.atEnd.liveBlocks == Int(slice.liveBlocksBefore))
    }
    #expect(measures[0].atEnd.holes == 0 && measures[0].work.holesInspected == 0)
  }
}
