// Tests of the measures of one heap, derived by hand and by a model that recomputes them.

import Allocators
import MemoryUnits
import Replay
import TestSupport
import Testing
import Trace

@testable import Analysis

/// Requests on the recorded heap, with the totals that a trace would give.
struct Script {
  var requests: [Request] = []
  var summary = TraceSummary()
  private var live: [UInt32: Int64] = [:]

  var liveBytes: Int64 { live.values.reduce(0, +) }

  mutating func step(
    _ operation: Trace.Operation, slot: UInt32 = 0, at time: UInt64, size: Int64 = 0,
    address: UInt64 = 0, stack: UInt32 = 0
  ) {
    requests.append(
      Request(
        operation: operation, slot: Slot(slot), time: Timestamp(nanoseconds: time),
        size: ByteCount(size), address: Address(address), usable: ByteCount(size),
        stack: StackID(stack)))
    switch operation {
    case .allocate, .reallocate: live[slot] = size
    case .free: live[slot] = nil
    default: break
    }
    summary.steps += 1
    summary.durationNanoseconds = time
    if liveBytes > summary.peakLiveBytes {
      summary.peakLiveBytes = liveBytes
      summary.peakStep = summary.steps
    }
  }

  /// Measures the recorded heap, the steps coming in batches of this size.
  func measure(
    batch: Int = 7, knowsTimes: Bool = true, captures: [Moment] = [.peak, .end], points: Int = 5
  ) -> MeasuredHeap {
    let plan = SamplePlan(
      summary: summary, knowsTimes: knowsTimes, captures: captures, points: points)
    let meter = HeapMeter(RecordedHeap(headerBytes: 8), allocator: "recorded", plan: plan)
    requests.withUnsafeBufferPointer { all in
      for start in stride(from: 0, to: all.count, by: batch) {
        meter.consume(UnsafeBufferPointer(rebasing: all[start..<min(start + batch, all.count)]))
      }
    }
    return meter.finish()
  }
}

@Suite struct HeapMeterTests {
  private static let start: UInt64 = 0x5555_5555_5000

  /// A data segment of two pages, later three; three blocks with 8 bytes of header each.
  ///
  ///     time  step                               live   held  touched
  ///       0   the break is at 2 pages               0   8192   0
  ///      10   a: 992 at 8, covers 0..<1000        992   8192   1
  ///      20   b: 2992 at 1008, 1000..<4000       3984   8192   1
  ///      30   c: 1992 at 5008, 5000..<7000       5976   8192   2   the peak
  ///      40   b ends                             2984   8192   2
  ///      70   the break is at 3 pages            2984  12288   2
  ///      80   c grows to 5992, 5000..<11000      6984  12288   3   the new peak
  ///     100   a ends                             5992  12288   3
  private static let script: Script = {
    var script = Script()
    script.step(.startBreak, at: 0, address: start)
    script.step(.moveBreak, at: 0, address: start + 8192)
    script.step(.allocate, slot: 0, at: 10, size: 992, address: start + 8, stack: 1)
    script.step(.allocate, slot: 1, at: 20, size: 2992, address: start + 1008, stack: 2)
    script.step(.allocate, slot: 2, at: 30, size: 1992, address: start + 5008, stack: 3)
    script.step(.free, slot: 1, at: 40)
    script.step(.moveBreak, at: 70, address: start + 12288)
    script.step(.reallocate, slot: 2, at: 80, size: 5992, address: start + 5008, stack: 4)
    script.step(.free, slot: 0, at: 100)
    return script
  }()

  @Test("agrees with a heap followed by hand", arguments: [1, 2, 3, 100])
  func example(batch: Int) {
    let result = Self.script.measure(batch: batch)
    let measures = result.measures
    #expect(measures.events == 6)
    #expect(measures.peakLive == 6984)
    #expect(measures.peakHeld == 12288)
    #expect(measures.peakResident == 12288)
    // Pages x time: 1 x 20 (from 10 to 30), 2 x 50 (to 80), 3 x 20 (to 100) = 180 in 100.
    #expect(measures.meanResident == ByteCount(Int64((1.8 * 4096).rounded())))

    let ratios = [
      8192.0 / 992, 8192.0 / 3984, 8192.0 / 5976, 8192.0 / 2984, 12288.0 / 6984, 12288.0 / 5992,
    ]
    let fragmentation = measures.fragmentation
    #expect(abs((fragmentation.jw1 ?? 0) - (ratios.reduce(0, +) / 6 - 1)) < 1e-12)
    #expect(fragmentation.jw2 == 12288.0 / 6984 - 1)
    // Most was held first when the break moved, with 2984 live.
    #expect(fragmentation.jw3 == 12288.0 / 2984 - 1)
    #expect(fragmentation.jw4 == 12288.0 / 6984 - 1)

    // At the peak a covers 0..<1000 and c 5000..<11000.
    let peak = measures.atPeak
    #expect(peak.time == Timestamp(nanoseconds: 80))
    #expect(peak.live == 6984)
    #expect(peak.liveBlocks == 2)
    #expect(peak.granted == 7000)
    #expect(peak.held == 12288)
    #expect(peak.resident == 12288)
    #expect(peak.holes == 1)
    #expect(peak.holeBytes == 4000)
    #expect(peak.largestHole == 4000)
    #expect(peak.wilderness == 1288)
    #expect(peak.occupiedPages == 3)
    // 3096 free on page 0, 904 on page 1, 1288 on page 2.
    #expect(peak.pinned == 5288)
    #expect(peak.freePageBytes == 0)
    // 2048 <= 4000 < 4096.
    #expect(peak.holeHistogram.count == 12)
    #expect(peak.holeHistogram.last == HoleBucket(count: 1, bytes: 4000))
    #expect(peak.holeHistogram.dropLast().allSatisfy { $0 == HoleBucket() })
    // 1000, 3192 and 2808 of 4096: sixteenths 4, 13 and 11.
    #expect(peak.pageOccupancy == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0])

    let end = measures.atEnd
    #expect(end.holes == 1)
    #expect(end.holeBytes == 5000)
    #expect(end.freePageBytes == 4096)
    #expect(end.pinned == 2192)
    #expect(end.time == Timestamp(nanoseconds: 100))
  }

  @Test("draws points evenly spaced in time, the first and the last moment among them")
  func timeline() {
    let points = Self.script.measure().measures.timeline
    #expect(points.map(\.time.nanoseconds) == [0, 25, 50, 75, 100])
    #expect(points.map(\.live) == [0, 3984, 2984, 2984, 5992])
    #expect(points.map(\.granted) == [0, 4000, 3000, 3000, 6000])
    #expect(points.map(\.held) == [8192, 8192, 8192, 12288, 12288])
    #expect(points.map(\.resident) == [0, 4096, 8192, 8192, 12288])
    // After b ended: 1000..<5000 is a hole; the rest is the top.
    #expect(points.map(\.holes) == [0, 0, 1, 1, 1])
    #expect(points.map(\.holeBytes) == [0, 0, 4000, 4000, 5000])
  }

  @Test("counts steps where times are unknown")
  func withoutTimes() {
    let measures = Self.script.measure(knowsTimes: false, points: 4).measures
    #expect(measures.timeline.map(\.time.nanoseconds) == [0, 3, 6, 9])
    #expect(measures.timeline.map(\.live) == [0, 992, 2984, 5992])
    #expect(measures.atPeak.time == Timestamp(nanoseconds: 8))
    // Touched pages after each of the nine steps: 0 0 1 1 2 2 2 3 3.
    #expect(measures.meanResident == ByteCount(Int64((14.0 / 9 * 4096).rounded())))
  }

  @Test("captures the live blocks at the moments asked for")
  func captures() {
    let moments: [Moment] = [
      .peak, .end, .time(.zero), .time(Timestamp(nanoseconds: 39)),
      .time(Timestamp(nanoseconds: 40)),
    ]
    for batch in [1, 4, 100] {
      let captures = Self.script.measure(batch: batch, captures: moments).captures
      #expect(captures.count == moments.count)
      #expect(
        moments.map { captures[$0]?.blocks.map(\.stack.rawValue) } == [
          [1, 4], [4], [], [1, 2, 3], [1, 3],
        ])
      #expect(captures[.peak]?.blocks.map(\.freeOnFirstPage) == [3096, 904])
      #expect(captures[.peak]?.blocks.map(\.freeOnLastPage) == [3096, 1288])
      #expect(captures[.time(Timestamp(nanoseconds: 39))]?.snapshot.live == 5976)
    }
  }

  @Test("has nothing to say of an empty trace", arguments: [false, true])
  func emptyTrace(knowsTimes: Bool) {
    let result = Script().measure(knowsTimes: knowsTimes)
    let measures = result.measures
    #expect(measures.events == 0)
    #expect(measures.fragmentation == FragmentationFigures())
    #expect(measures.meanResident == 0)
    #expect(measures.peakHeld == 0)
    #expect(measures.timeline.map(\.time) == [.zero])
    #expect(measures.atPeak.held == 0)
    #expect(result.captures.values.allSatisfy { $0.blocks.isEmpty })
    #expect(result.captures.count == 2)
  }

  @Test("does not fail over times, sizes and peaks that make no sense")
  func senseless() {
    var script = Self.script
    script.requests[4].time = Timestamp(nanoseconds: .max)
    script.requests[5].size = ByteCount(Int64.max)
    script.requests[3].size = ByteCount(Int64.min)
    script.requests[6].address = Address(.max)
    script.summary.peakStep = .max
    script.summary.durationNanoseconds = .max
    let measures = script.measure(points: 400).measures
    #expect(measures.timeline.count == 400)
    #expect(measures.atPeak.live == measures.atEnd.live)
    #expect(measures.meanResident <= measures.peakResident)
  }

  /// Random blocks in an arena, placed without overlaps; after the pass every point of the
  /// timeline, one for each step, must agree with a model that recomputes everything.
  @Test("agrees with a naive model at every step", arguments: 1...12 as ClosedRange<UInt64>)
  func random(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var script = Script()
    var model = RangeModel()
    var blocks: [UInt32: Range<UInt64>] = [:]
    var expected: [[Int64]] = []
    let base: UInt64 = [0x7f00_0800_0000, 0x7fff_fc00_0000][Int(seed % 2)]
    var extent: Range<UInt64>?
    for time in 1...300 as ClosedRange<UInt64> {
      let slot = UInt32.random(in: 0..<40, using: &random)
      if let block = blocks.removeValue(forKey: slot) {
        script.step(.free, slot: slot, at: time)
        model.end(block)
        if blocks.isEmpty, let held = extent {
          model.release(held)
          extent = nil
        }
      } else {
        let size = UInt64.random(in: 0..<(slot == 0 ? 3000 : 60), using: &random) * 8
        let offset = UInt64.random(in: 1...20_000, using: &random) * 8
        let range = base + offset - 8..<base + offset + size
        if model.blocks.contains(where: { $0.overlaps(range) }) {
          script.step(.freeUnknown, at: time)
        } else {
          script.step(
            .allocate, slot: slot, at: time, size: Int64(size), address: base + offset)
          let pages = range.lowerBound & ~4095..<(range.upperBound + 4095) & ~4095
          let grown =
            extent.map {
              min($0.lowerBound, pages.lowerBound)..<max($0.upperBound, pages.upperBound)
            } ?? pages
          extent = grown
          model.held = [grown]
          model.begin(range)
          blocks[slot] = range
        }
      }
      let (holes, _) = model.freeRuns
      expected.append([
        script.liveBytes, model.blocks.reduce(0) { $0 + Int64($1.count) },
        model.held.reduce(0) { $0 + Int64($1.count) }, Int64(model.touched.count) * 4096,
        Int64(holes.reduce(0, +)), Int64(holes.count),
      ])
    }
    let measures = script.measure(batch: 64, points: 301).measures
    let found = measures.timeline.dropFirst().map { point in
      [
        point.live.rawValue, point.granted.rawValue, point.held.rawValue,
        point.resident.rawValue, point.holeBytes.rawValue, Int64(point.holes),
      ]
    }
    #expect(found == expected)
    let census = model.census
    #expect(measures.atEnd.pinned == ByteCount(census.pinnedBytes))
    #expect(measures.atEnd.holeHistogram == census.holeHistogram)
    #expect(measures.atEnd.pageOccupancy == census.pageOccupancy)
    #expect(measures.peakHeld.rawValue == expected.map { $0[2] }.max())
    let mean = Double(expected.dropLast().reduce(0) { $0 + $1[3] }) / 300
    #expect(measures.meanResident == ByteCount(Int64(mean.rounded())))
  }
}
