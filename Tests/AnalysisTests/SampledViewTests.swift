// Samples of a real recording, step by step.

import Allocators
import Foundation
import MemoryUnits
import Replay
import TestSupport
import Testing
import Trace

@testable import Analysis

@Suite struct SampledViewTests {
  private static var path: String {
    URL(fileURLWithPath: #filePath)
      .appendingPathComponent("../../../Traces/python-json.trace").standardizedFileURL.path
  }

  /// The steps up to shortly after the peak, when the heap is large and has holes.
  private func steps() throws -> [Request] {
    let trace = try TraceFile(path: Self.path)
    var steps: [Request] = []
    try trace.read(addresses: true) { steps += $0 }
    return Array(steps.prefix(Int(trace.summary.peakStep) + 30_000))
  }

  private func meter(_ sampling: RegionSampling, _ steps: [Request]) -> SampledMeter {
    var metadata = TraceMetadata()
    metadata.headerBytes = 8
    let meter = SampledMeter(sampling, metadata: metadata, moments: [.end], peakStep: 0)
    steps.withUnsafeBufferPointer { meter.consume($0) }
    meter.finish()
    return meter
  }

  @Test("of python-json.trace the mean of many samples is the truth")
  func python() throws {
    let steps = try steps()
    var summary = TraceSummary()
    summary.steps = UInt64(steps.count)
    let full = HeapMeter(
      RecordedHeap(headerBytes: 8), allocator: "recorded",
      plan: SamplePlan(summary: summary, knowsTimes: false, captures: []))
    steps.withUnsafeBufferPointer { full.consume($0) }
    let end = full.finish().measures.atEnd
    let placements = steps.count {
      [.allocate, .reallocate, .reallocateEnd].contains($0.operation)
    }
    let figures: [(String, Double, (SampledMoment) -> Estimate)] = [
      ("live", Double(end.live.rawValue), \.live), ("blocks", Double(end.liveBlocks), \.blocks),
      ("held", Double(end.held.rawValue), \.held),
      ("free", Double((end.holeBytes + end.wilderness).rawValue), \.free),
      ("holes", Double(end.holes), \.holes),
      ("hole bytes", Double(end.holeBytes.rawValue), \.holeBytes),
      ("pinned", Double(end.pinned.rawValue), \.pinned),
      ("free pages", Double(end.freePageBytes.rawValue), \.freePageBytes),
    ]
    var trials = figures.map { Trials(truth: $0.1) }
    var requests = Trials(truth: Double(placements))
    for seed in 0..<40 as Range<UInt64> {
      let sampling = RegionSampling(size: 16_384, denominator: 4, seed: seed)
      var view = SampledView(sampling)
      let meter = meter(sampling, steps.withUnsafeBufferPointer { view.thin($0) })
      let moment = SampledMoment(meter.censuses[.end] ?? .empty(sampling), names: nil)
      for (index, figure) in figures.enumerated() { trials[index].add(figure.2(moment)) }
      requests.add(meter.placements)
    }
    for (figure, trial) in zip(figures, trials) {
      // Of a long hole below the last blocks most samples do not know whether it is one: the value
      // is too small then, and the range says so.
      let mayBeLess = figure.0 == "hole bytes"
      #expect(mayBeLess || trial.bias > -3.5, "\(figure.0): \(trial)")
      #expect(trial.bias < 3.5, "\(figure.0): \(trial)")
      #expect(trial.coverage > 0.86, "\(figure.0): \(trial)")
    }
    #expect(requests.bias.magnitude < 3.5, "\(requests)")
  }

  @Test("a sample of everything estimates nothing: it knows")
  func everything() throws {
    let steps = try steps()
    let meter = meter(.all, steps)
    let census = try #require(meter.censuses[.end])
    let moment = SampledMoment(census, names: nil)
    var summary = TraceSummary()
    summary.steps = UInt64(steps.count)
    let full = HeapMeter(
      RecordedHeap(headerBytes: 8), allocator: "recorded",
      plan: SamplePlan(summary: summary, knowsTimes: false, captures: []))
    steps.withUnsafeBufferPointer { full.consume($0) }
    let end = full.finish().measures.atEnd
    func check(_ estimate: Estimate, _ truth: Double, _ name: String) {
      #expect(abs(estimate.value - truth) < 0.5, "\(name)")
      #expect(estimate.interval.map { $0.upperBound - $0.lowerBound } == 0, "\(name)")
    }
    check(moment.live, Double(end.live.rawValue), "live")
    check(moment.blocks, Double(end.liveBlocks), "blocks")
    check(moment.granted, Double(end.granted.rawValue), "granted")
    check(moment.held, Double(end.held.rawValue), "held")
    check(moment.holes, Double(end.holes), "holes")
    check(moment.holeBytes, Double(end.holeBytes.rawValue), "hole bytes")
    check(moment.pinned, Double(end.pinned.rawValue), "pinned")
    check(moment.freePageBytes, Double(end.freePageBytes.rawValue), "free pages")
    check(moment.occupiedPages, Double(end.occupiedPages), "occupied pages")
    #expect(moment.largestHoleSeen <= end.largestHole)
  }
}
