// `lacuna info --json`: the snapshots of a process's memory.

import Analysis
import MemoryUnits
import Trace

extension JSONValue {
  /// A snapshot; what it does not know is null.
  init(_ snapshot: Snapshot) {
    func size(_ bytes: ByteCount?) -> JSONValue { bytes.map { JSONValue($0) } ?? .null }
    let memory = snapshot.memory
    let knowsPages = snapshot.pages.source != .unknown
    self = .object([
      "cachedBlocks": snapshot.threadCaches.map { caches in
        JSONValue(caches.reduce(0) { $0 + ($1.blockCount ?? 0) })
      } ?? .null,
      "endSeconds": JSONValue(snapshot.endTime),
      "endStep": .unsigned(snapshot.steps.upperBound),
      "firstStep": .unsigned(snapshot.steps.lowerBound),
      "kinds": .object(
        Dictionary(
          snapshot.shares.map { share in
            (
              share.kind,
              .object([
                "bytes": JSONValue(share.bytes), "mappings": JSONValue(share.mappings),
                "residentBytes": size(share.resident),
              ])
            )
          }, uniquingKeysWith: { first, _ in first })),
      "mappings": JSONValue(snapshot.mappings.count),
      "pageRanges": knowsPages ? JSONValue(snapshot.pages.present.count) : .null,
      "pageSource": .string("\(snapshot.pages.source)"),
      "peakResidentBytes": JSONValue(memory.peakResident),
      "presentBytes": knowsPages ? JSONValue(snapshot.pages.presentBytes) : .null,
      "proportionalBytes": size(memory.proportional),
      "reason": .string(snapshot.reason.name),
      "residentAnonymousBytes": JSONValue(memory.residentAnonymous),
      "residentBytes": JSONValue(memory.resident),
      "residentFileBytes": JSONValue(memory.residentFile),
      "residentSharedBytes": JSONValue(memory.residentShared),
      "seconds": JSONValue(snapshot.time),
      "swappedBytes": JSONValue(memory.swapped),
      "threads": JSONValue(memory.threads),
      "toolBytes": size(memory.tool),
    ])
  }
}
