// Rings written by hand, and what the recorder makes of them.

import CaptureABI
import Foundation
import Glibc
import MemoryUnits
import TestSupport
import Testing
import Trace

@testable import Recorder

/// A segment whose rings the test writes, and the trace that comes of it.
private final class Rings {
  private let directory = TemporaryDirectory()
  let segment: Segment
  var merger: RingMerger
  private let writer: TraceWriter

  init() throws {
    segment = try Segment(CaptureSettings(), usesMonotonicClock: true)
    segment.header.pointee.image_count = 1
    writer = try TraceWriter(path: directory.file("trace"), metadata: TraceMetadata())
    merger = RingMerger(
      segment: segment,
      feeder: TraceFeeder(writer: writer, segment: segment),
      clock: TickClock(usesMonotonicClock: true))
  }

  /// A moment long enough ago to be certain.
  let past = TickClock.monotonic() - 1_000_000_000

  func claim(_ ring: Int) {
    let control = segment.controls + ring
    control.pointee.thread_serial = UInt32(ring)
    control.pointee.claimed = 1
    segment.header.pointee.ring_limit = max(segment.header.pointee.ring_limit, UInt32(ring + 1))
  }

  func put(_ ring: Int, _ words: UInt64...) {
    let control = segment.controls + ring
    for word in words {
      let words = Int(LACUNA_RING_WORDS)
      segment.rings[ring * words + Int(control.pointee.head) % words] = word
      control.pointee.head += 1
    }
  }

  func allocate(_ ring: Int, _ address: UInt64, at ticks: UInt64) {
    put(ring, 3 | 2 << 20, past + ticks, address, 100, 104, 1 << 32)
  }

  func reallocate(_ ring: Int, _ old: UInt64, _ new: UInt64, from: UInt64, to: UInt64) {
    put(ring, 3 | 3 << 20, past + from, past + to, old, new, 200, 200, 3 << 32)
  }

  func release(_ ring: Int, _ address: UInt64, at ticks: UInt64) {
    put(
      ring, UInt64(LACUNA_KIND_EXTENDED) | UInt64(LACUNA_EXT_RELEASE) << 20, past + ticks, address,
      UInt64(EntryPoint.free.rawValue))
  }

  /// The totals so far.
  var summary: TraceSummary { writer.summary }

  /// The operations and addresses of the trace so far, in order; what only ends a block, 0.
  func steps() throws -> [String] {
    try writer.finish()
    let file = try TraceFile(path: directory.file("trace"))
    var result: [String] = []
    try file.read(addresses: true) { batch in
      for request in batch { result.append("\(request.operation) \(request.address.rawValue)") }
    }
    return result
  }
}

@Suite struct RingTests {
  @Test("records of two rings come in the order of their stamps")
  func twoRings() throws {
    let rings = try Rings()
    rings.claim(1)
    rings.claim(2)
    for i in 0..<50 as Range<UInt64> {
      rings.allocate(i % 3 == 0 ? 1 : 2, 0x1000 + i * 0x100, at: 10 * i)
    }
    _ = rings.merger.pass(isLast: false)
    #expect(try rings.steps() == (0..<50).map { "allocate \(0x1000 + $0 * 0x100)" })
  }

  @Test("a reallocation is split by what another thread did in its course, and only by that")
  func split() throws {
    let rings = try Rings()
    rings.claim(1)
    rings.claim(2)
    rings.allocate(1, 0x1000, at: 0)
    rings.reallocate(1, 0x1000, 0x2000, from: 10, to: 20)
    rings.reallocate(1, 0x2000, 0x3000, from: 30, to: 50)
    rings.allocate(2, 0x2000, at: 40)
    _ = rings.merger.pass(isLast: false)
    let steps = try rings.steps()
    #expect(
      steps == [
        "allocate 4096", "reallocate 8192", "reallocateBegin 0", "allocate 8192",
        "reallocateEnd 12288",
      ])
  }

  @Test("a reallocation that has ended, but not long enough ago to be certain, stays whole")
  func recentReallocation() throws {
    let rings = try Rings()
    rings.claim(1)
    rings.allocate(1, 0x1000, at: 0)
    rings.reallocate(1, 0x1000, 0x2000, from: 10, to: 1_400_000_000)
    _ = rings.merger.pass(isLast: false)
    _ = rings.merger.pass(isLast: true)
    #expect(try rings.steps() == ["allocate 4096", "reallocate 8192"])
  }

  @Test("a stamp in flight holds back all that is newer, and nothing older")
  func pending() throws {
    let rings = try Rings()
    rings.claim(1)
    rings.claim(2)
    rings.segment.controls[2].pending = rings.past + 15
    rings.allocate(1, 0x1000, at: 10)
    rings.allocate(1, 0x2000, at: 20)
    _ = rings.merger.pass(isLast: false)
    #expect(rings.segment.controls[1].tail == 6)
    rings.allocate(2, 0x3000, at: 15)
    rings.segment.controls[2].pending = 0
    _ = rings.merger.pass(isLast: false)
    #expect(try rings.steps() == ["allocate 4096", "allocate 12288", "allocate 8192"])
  }

  @Test("a moment stands behind the steps with older stamps, and splits what was under way")
  func fence() throws {
    let rings = try Rings()
    rings.claim(1)
    rings.claim(2)
    rings.allocate(1, 0x1000, at: 10)
    rings.allocate(2, 0x2000, at: 20)
    rings.allocate(1, 0x3000, at: 30)
    rings.reallocate(1, 0x3000, 0x4000, from: 40, to: 50)
    for ticks in [5, 20, 45, 60] as [UInt64] { rings.merger.fences.add(rings.past + ticks) }
    rings.merger.fences.add(TickClock.monotonic() + 1_000_000_000)
    _ = rings.merger.pass(isLast: false)
    let pairs = [rings.merger.fences.takePair(), rings.merger.fences.takePair()]
    let first = try #require(pairs[0])
    let second = try #require(pairs[1])
    let third = rings.merger.fences.takePair()
    #expect(third == nil && rings.merger.fences.next != nil)
    #expect([first.0.steps, first.1.steps, second.0.steps, second.1.steps] == [0, 2, 4, 5])
    #expect(first.0.time <= first.1.time && first.1.time <= second.0.time)
    #expect(
      try rings.steps() == [
        "allocate 4096", "allocate 8192", "allocate 12288", "reallocateBegin 0",
        "reallocateEnd 16384",
      ])
  }

  @Test("words that nobody writes are passed over, and what follows is read")
  func damaged() throws {
    let rings = try Rings()
    rings.claim(1)
    rings.put(1, 0, 8, 16)
    _ = rings.merger.pass(isLast: false)
    #expect(rings.segment.controls[1].tail == 3)
    rings.allocate(1, 0x1000, at: 10)
    _ = rings.merger.pass(isLast: false)
    #expect(try rings.steps() == ["allocate 4096"])
  }

  @Test("a stamp of the far future does not keep the thread waiting for room")
  func future() throws {
    let rings = try Rings()
    rings.claim(1)
    rings.put(1, 3 | 1 << 20, UInt64.max - 5, 1 | 1 << 20)
    _ = rings.merger.pass(isLast: false)
    #expect(rings.segment.controls[1].tail == 3)
    rings.allocate(1, 0x1000, at: 10)
    _ = rings.merger.pass(isLast: false)
    #expect(try rings.steps() == ["allocate 4096"])
  }

  @Test("a ring goes on behind its end")
  func wrap() throws {
    let rings = try Rings()
    rings.claim(1)
    var expected: [String] = []
    for round in 0..<3 as Range<UInt64> {
      for i in 0..<20_000 as Range<UInt64> {
        let address = 0x1000 + (round * 20_000 + i) * 0x100
        rings.allocate(1, address, at: round * 20_000 + i)
        expected.append("allocate \(address)")
      }
      _ = rings.merger.pass(isLast: false)
      #expect(rings.segment.controls[1].tail == rings.segment.controls[1].head)
    }
    #expect(try rings.steps() == expected)
  }
}

/// Stamps of two threads that are out of order by a little, as processors may execute them.
@Suite struct DisorderTests {
  @Test("a block that another thread hands over lives before it is freed")
  func handedOver() throws {
    let rings = try Rings()
    rings.claim(1)
    rings.claim(2)
    rings.release(1, 0x1000, at: 100)
    rings.allocate(2, 0x5000, at: 50)
    rings.allocate(2, 0x6000, at: 110)
    rings.allocate(2, 0x1000, at: 120)
    rings.allocate(2, 0x7000, at: 130)
    _ = rings.merger.pass(isLast: false)
    #expect(rings.summary.freesOfUnknownAddress == 0)
    #expect(
      try rings.steps() == [
        "allocate 20480", "allocate 24576", "allocate 4096", "free 0", "allocate 28672",
      ])
  }

  @Test("an address is handed out again after it was freed")
  func handedOut() throws {
    let rings = try Rings()
    rings.claim(1)
    rings.claim(2)
    rings.allocate(1, 0x1000, at: 0)
    rings.allocate(2, 0x1000, at: 100)
    rings.release(1, 0x1000, at: 105)
    _ = rings.merger.pass(isLast: false)
    #expect(rings.summary.allocationsOfLiveAddress == 0)
    #expect(try rings.steps() == ["allocate 4096", "free 0", "allocate 4096"])
  }

  @Test("reallocations find their old block, and their new place free")
  func reallocations() throws {
    let rings = try Rings()
    rings.claim(1)
    rings.claim(2)
    rings.allocate(1, 0x1000, at: 0)
    rings.reallocate(2, 0x2000, 0x1000, from: 100, to: 110)
    rings.allocate(1, 0x2000, at: 101)
    rings.release(1, 0x1000, at: 112)
    _ = rings.merger.pass(isLast: false)
    #expect(rings.summary.freesOfUnknownAddress == 0)
    #expect(rings.summary.allocationsOfLiveAddress == 0)
    #expect(
      try rings.steps() == ["allocate 4096", "allocate 8192", "free 0", "reallocate 4096"])
  }

  @Test("a reallocation that is needed early ends its old block only")
  func firstHalf() throws {
    let rings = try Rings()
    rings.claim(1)
    rings.claim(2)
    rings.allocate(1, 0x1000, at: 0)
    rings.allocate(2, 0x2000, at: 10)
    rings.allocate(2, 0x1000, at: 100)
    rings.release(2, 0x2000, at: 140)
    rings.reallocate(1, 0x1000, 0x2000, from: 102, to: 150)
    _ = rings.merger.pass(isLast: false)
    #expect(rings.summary.allocationsOfLiveAddress == 0)
    #expect(rings.summary.freesOfUnknownAddress == 0)
    #expect(
      try rings.steps() == [
        "allocate 4096", "allocate 8192", "reallocateBegin 0", "allocate 4096", "free 0",
        "reallocateEnd 8192",
      ])
  }

  @Test("what a third thread does in between keeps its turn")
  func inBetween() throws {
    let rings = try Rings()
    for ring in 1...3 { rings.claim(ring) }
    rings.allocate(1, 0x1000, at: 0)
    rings.allocate(3, 0x2000, at: 10)
    // The second thread got what the first one freed, and that got what the third one freed.
    rings.allocate(2, 0x1000, at: 100)
    rings.release(3, 0x2000, at: 102)
    rings.allocate(1, 0x2000, at: 104)
    rings.release(1, 0x1000, at: 106)
    _ = rings.merger.pass(isLast: false)
    #expect(rings.summary.allocationsOfLiveAddress == 0)
    #expect(rings.summary.freesOfUnknownAddress == 0)
    #expect(
      try rings.steps() == [
        "allocate 4096", "allocate 8192", "free 0", "allocate 8192", "free 0", "allocate 4096",
      ])
  }

  @Test("what is still in flight is waited for")
  func inFlight() throws {
    let rings = try Rings()
    rings.claim(1)
    rings.claim(2)
    rings.allocate(1, 0x1000, at: 0)
    rings.segment.controls[1].pending = rings.past + 105
    rings.allocate(2, 0x1000, at: 100)
    _ = rings.merger.pass(isLast: false)
    rings.reallocate(1, 0x1000, 0x2000, from: 105, to: 120)
    rings.segment.controls[1].pending = 0
    _ = rings.merger.pass(isLast: false)
    #expect(rings.summary.allocationsOfLiveAddress == 0)
    #expect(
      try rings.steps() == [
        "allocate 4096", "reallocateBegin 0", "allocate 4096", "reallocateEnd 8192",
      ])
  }

  @Test("what is further apart is no disorder, and is counted")
  func farApart() throws {
    let rings = try Rings()
    rings.claim(1)
    rings.claim(2)
    rings.release(1, 0x1000, at: 100)
    rings.allocate(2, 0x1000, at: 100_000)
    _ = rings.merger.pass(isLast: false)
    #expect(rings.summary.freesOfUnknownAddress == 1)
    #expect(try rings.steps().last == "allocate 4096")
  }
}
