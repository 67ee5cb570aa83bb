// Estimates from samples against the truth: for many seeds, of heaps that are known in full.

import Allocators
import Foundation
import MemoryUnits
import Replay
import TestSupport
import Testing
import Trace

@testable import Analysis

@Suite struct SampleEstimateTests {
  /// Every figure that has a truth, by name.
  private func trials(
    _ heap: FinalHeap, size: Int, denominator: Int, seeds: Range<UInt64>
  ) throws -> [String: Trials] {
    let truth = heap.truth()
    let end = truth.measures.atEnd
    let pins = PinReport(truth.captures[.end] ?? .empty, names: try #require(Sites.names))
    let figures: [(String, Double, (SampledMoment) -> Estimate)] = [
      ("live", Double(end.live.rawValue), \.live),
      ("blocks", Double(end.liveBlocks), \.blocks),
      ("granted", Double(end.granted.rawValue), \.granted),
      ("held", Double(end.held.rawValue), \.held),
      ("free", Double((end.holeBytes + end.wilderness).rawValue), \.free),
      ("holes", Double(end.holes), \.holes),
      ("hole bytes", Double(end.holeBytes.rawValue), \.holeBytes),
      ("occupied pages", Double(end.occupiedPages), \.occupiedPages),
      ("pinned", Double(end.pinned.rawValue), \.pinned),
      ("free pages", Double(end.freePageBytes.rawValue), \.freePageBytes),
      (
        "pinned by sites", pins.sites.reduce(0) { $0 + $1.pinned },
        { moment in
          Estimate(
            moment.sites.reduce(0) { $0 + $1.pinned.value }, interval: moment.pinned.interval)
        }
      ),
    ]
    var trials = Dictionary(uniqueKeysWithValues: figures.map { ($0.0, Trials(truth: $0.1)) })
    for seed in seeds {
      let moment = heap.sampled(
        RegionSampling(size: size, denominator: denominator, seed: seed))
      for (name, _, estimate) in figures { trials[name]?.add(estimate(moment)) }
      for (power, bucket) in end.holeHistogram.enumerated() where bucket.count > 0 {
        // No region has a longer hole whole on some grids.
        guard 2 << power <= size - 4096 else { continue }
        let found = moment.holeSizes.first { $0.shortest.rawValue == 1 << power }
        let name = "holes of 2^\(power)"
        trials[name, default: Trials(truth: Double(bucket.count))].add(
          found?.count ?? Estimate(0, interval: nil))
      }
    }
    return trials
  }

  @Test(
    "the mean of many samples is the truth, and the ranges hold it as often as they say",
    arguments: [(65_536, 8), (16_384, 8)])
  func generated(size: Int, denominator: Int) throws {
    let result = try trials(.generated(), size: size, denominator: denominator, seeds: 0..<200)
    #expect(result.count > 15)
    for (name, trial) in result {
      // Several dozen figures are looked at, so one of them may well lie three errors away.
      #expect(trial.bias.magnitude < 4, "\(name): \(trial)")
      // Of what is rare most samples say nothing, or not how sure it is.
      guard trial.truth > 100 else { continue }
      #expect((0.90...0.9976).contains(trial.coverage), "\(name): \(trial)")
      #expect(trial.answers > 0.85, "\(name): \(trial)")
      #expect((1...6).contains(trial.width), "\(name): \(trial)")
    }
  }
}
