// `lacuna info --json`: what is in a trace.

public import Analysis
import MemoryUnits
public import Trace

/// The totals and the origin of a trace, for scripts.
public enum InfoJSON {
  /// One JSON object.
  ///
  /// `durationSeconds` is null where the trace has no times, `bytesPerEvent` where there are no
  /// events; for the details see ``TraceDetails``. Of a slice its totals are to be given as `summary`.
  public static func render(
    metadata: TraceMetadata, summary: TraceSummary, inventory: TraceInventory,
    details: TraceDetails = TraceDetails()
  ) throws -> String {
    let members = members(metadata: metadata, summary: summary, inventory: inventory)
      .merging(details.members) { _, new in new }
    return try JSONValue.document(members, span: details.slice?.span).text()
  }

  static func members(
    metadata: TraceMetadata, summary: TraceSummary, inventory: TraceInventory
  ) -> [String: JSONValue] {
    let fileBytes = Double(inventory.fileBytes.rawValue)
    return [
      "allocations": .unsigned(summary.allocations),
      "anomalies": .object([
        "allocationOfLiveAddress": .unsigned(summary.allocationsOfLiveAddress),
        "freeOfUnknownAddress": .unsigned(summary.freesOfUnknownAddress),
      ]),
      "bytesPerEvent": summary.events > 0 ? .number(fileBytes / Double(summary.events)) : .null,
      "command": JSONValue(metadata.command),
      "complete": .bool(inventory.isComplete),
      "damage": JSONValue(inventory.damage),
      "droppedSnapshots": JSONValue(metadata.droppedSnapshots),
      "durationSeconds": metadata.knowsTimes
        ? .number(Double(summary.durationNanoseconds) / 1e9) : .null,
      "events": .unsigned(summary.events),
      "executable": .string(metadata.executable),
      "fileBytes": JSONValue(inventory.fileBytes),
      "frees": .unsigned(summary.frees),
      "freesOfEarlierBlocks": .unsigned(summary.freesOfEarlierBlocks),
      "kernel": .string(metadata.kernel),
      "knowsAddresses": .bool(metadata.knowsAddresses),
      "knowsStacks": .bool(metadata.knowsStacks),
      "knowsThreads": .bool(metadata.knowsThreads),
      "knowsTimes": .bool(metadata.knowsTimes),
      "liveBlocksAtEnd": .unsigned(summary.liveBlocksAtEnd),
      "liveBytesAtEnd": .integer(summary.liveBytesAtEnd),
      "lostEvents": .unsigned(summary.lostEvents),
      "modules": JSONValue(inventory.modules),
      "peakLiveBlocks": .unsigned(summary.peakLiveBlocks),
      "peakLiveBytes": .integer(summary.peakLiveBytes),
      "processID": JSONValue(metadata.processID),
      "processes": JSONValue(inventory.processes),
      "reallocations": .unsigned(summary.reallocations),
      "snapshotSeconds": .number(Double(metadata.snapshotNanoseconds) / 1e9),
      "stacks": JSONValue(inventory.stacks),
      "startedAt": metadata.startedAt > 0 ? .number(metadata.startedAt) : .null,
      "startsInMidst": .bool(metadata.startsInMidst),
      "threads": JSONValue(inventory.threads),
      "truncatedStacks": .unsigned(summary.truncatedStacks),
      "writer": .string(metadata.writer),
    ]
  }
}
