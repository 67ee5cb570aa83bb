// `lacuna replay --json`: what one pass says about a heap.

import Allocators
public import Analysis
import MemoryUnits
public import Trace

/// The measures of one heap, for scripts.
public enum ReplayJSON {
  /// One JSON object.
  public static func render(_ measures: HeapMeasures, span: TraceSpan? = nil) throws -> String {
    try JSONValue.document(members(measures), span: span).text()
  }

  static func members(_ measures: HeapMeasures) -> [String: JSONValue] {
    var members = figures(measures)
    if let bound = measures.lowerBound {
      members["lowerBound"] = .object([
        "meanResidentBytes": JSONValue(bound.meanResident),
        "peakResidentBytes": JSONValue(bound.peakResident),
      ])
    }
    return members
  }

  private static func figures(_ measures: HeapMeasures) -> [String: JSONValue] {
    [
      "allocator": .string(measures.allocator),
      "atEnd": snapshot(measures.atEnd),
      "atPeak": snapshot(measures.atPeak),
      "events": JSONValue(measures.events),
      "eventsPerSecond": .number(measures.eventsPerSecond),
      "fragmentation": .object([
        "jw1": JSONValue(measures.fragmentation.jw1),
        "jw2": JSONValue(measures.fragmentation.jw2),
        "jw3": JSONValue(measures.fragmentation.jw3),
        "jw4": JSONValue(measures.fragmentation.jw4),
      ]),
      "meanResidentBytes": JSONValue(measures.meanResident),
      "peakFootprintBytes": JSONValue(measures.peakHeld),
      "peakLiveBytes": JSONValue(measures.peakLive),
      "peakResidentBytes": JSONValue(measures.peakResident),
      "seconds": .number(measures.seconds),
      "work": work(measures.work),
    ]
  }

  private static func work(_ work: Work) -> JSONValue {
    .object([
      "blocksRelocated": .unsigned(work.blocksRelocated),
      "bytesMoved": .unsigned(work.bytesMoved),
      "bytesRelocated": .unsigned(work.bytesRelocated),
      "failures": .unsigned(work.failures),
      "flushes": .unsigned(work.flushes),
      "holesInspected": .unsigned(work.holesInspected),
      "listOperations": .unsigned(work.listOperations),
      "merges": .unsigned(work.merges),
      "refills": .unsigned(work.refills),
      "splits": .unsigned(work.splits),
    ])
  }

  private static func snapshot(_ snapshot: HeapSnapshot) -> JSONValue {
    .object([
      "freePageBytes": JSONValue(snapshot.freePageBytes),
      "grantedBytes": JSONValue(snapshot.granted),
      "heldBytes": JSONValue(snapshot.held),
      "holeBytes": JSONValue(snapshot.holeBytes),
      "holes": JSONValue(snapshot.holes),
      "largestHoleBytes": JSONValue(snapshot.largestHole),
      "liveBlocks": JSONValue(snapshot.liveBlocks),
      "liveBytes": JSONValue(snapshot.live),
      "occupiedPages": JSONValue(snapshot.occupiedPages),
      "pinnedBytes": JSONValue(snapshot.pinned),
      "residentBytes": JSONValue(snapshot.resident),
      "step": .step(snapshot.time, countsSteps: snapshot.countsSteps),
      "timeSeconds": .seconds(snapshot.time, countsSteps: snapshot.countsSteps),
      "wildernessBytes": JSONValue(snapshot.wilderness),
    ])
  }
}
