// The figures in Reports/ are those that this code computes from the traces in Traces/.

import Allocators
import Analysis
import Foundation
import MemoryUnits
import Testing
import Trace

@Suite struct CommittedReportTests {
  private static let top = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path

  /// What a report says of one heap, as far as it does not depend on the machine.
  private struct Figures: Decodable, Equatable {
    struct Snapshot: Decodable, Equatable {
      var holes: Int
      var holeBytes: Int64
      var largestHoleBytes: Int64
      var liveBytes: Int64
      var pinnedBytes: Int64
      var residentBytes: Int64
    }
    var allocator: String
    var events: Int
    var peakLiveBytes: Int64
    var peakFootprintBytes: Int64
    var peakResidentBytes: Int64
    var meanResidentBytes: Int64
    var atPeak: Snapshot
    var atEnd: Snapshot
  }

  private struct Comparison: Decodable {
    var results: [Figures]
  }

  @Test("python-json") func pythonJSON() throws {
    let data = try Data(
      contentsOf: URL(fileURLWithPath: Self.top + "/Reports/python-json.compare.json"))
    let committed = try JSONDecoder().decode(Comparison.self, from: data).results
    let names = ["recorded", "first-fit", "best-fit", "next-fit", "worst-fit", "buddy"]
    #expect(Set(committed.map(\.allocator)) == Set(names))
    let trace = try TraceFile(path: Self.top + "/Traces/python-json.trace")
    let measured = try Measurement.measure(
      trace: trace, specifications: try names.map { try HeapSpecification(parsing: $0) })
    for heap in measured {
      let expected = try #require(committed.first { $0.allocator == heap.allocator })
      #expect(figures(heap) == expected, "Scripts/reports makes the reports anew")
    }
  }

  private func figures(_ heap: HeapMeasures) -> Figures {
    Figures(
      allocator: heap.allocator, events: heap.events, peakLiveBytes: heap.peakLive.rawValue,
      peakFootprintBytes: heap.peakHeld.rawValue, peakResidentBytes: heap.peakResident.rawValue,
      meanResidentBytes: heap.meanResident.rawValue, atPeak: figures(heap.atPeak),
      atEnd: figures(heap.atEnd))
  }

  private func figures(_ snapshot: HeapSnapshot) -> Figures.Snapshot {
    Figures.Snapshot(
      holes: snapshot.holes, holeBytes: snapshot.holeBytes.rawValue,
      largestHoleBytes: snapshot.largestHole.rawValue, liveBytes: snapshot.live.rawValue,
      pinnedBytes: snapshot.pinned.rawValue, residentBytes: snapshot.resident.rawValue)
  }
}
