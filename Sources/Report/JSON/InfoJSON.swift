// `lacuna info --json`: what is in a trace.

public import Analysis
import MemoryUnits
public import Trace

/// The totals and the origin of a trace, for scripts.
public enum InfoJSON {
  /// One JSON object.
  ///
  /// `bytesPerEvent` is null where there are no events, `lastSnapshot` where there are no snapshots,
  /// `family` where only one process was recorded. `calls` adds `entryPoints` and `wrongReleases`,
  /// A `slice` adds `range` and what lived before it; its totals are to be given as `summary`.
  /// `threads` all of them as `threadList`, `listsSnapshots` all snapshots as `snapshotList`.
  public static func render(
    metadata: TraceMetadata, summary: TraceSummary, inventory: TraceInventory,
    marks: [MarkDescription] = [], calls: CallFigures? = nil, snapshots: [Snapshot] = [],
    listsSnapshots: Bool = false, family: TraceFamily? = nil, threads: [ThreadTally]? = nil,
    slice: TraceSlice? = nil
  ) throws -> String {
    var members = members(metadata: metadata, summary: summary, inventory: inventory)
    members["marks"] = .array(marks.map(\.json))
    if let calls { members.merge(calls.members) { _, new in new } }
    members["snapshots"] = JSONValue(snapshots.count)
    members["lastSnapshot"] = snapshots.last.map { JSONValue($0) } ?? .null
    if listsSnapshots { members["snapshotList"] = .array(snapshots.map { JSONValue($0) }) }
    members["family"] = family.map { JSONValue($0) } ?? .null
    if let threads { members["threadList"] = .array(threads.map { JSONValue($0) }) }
    if let slice {
      members["liveBlocksBefore"] = .unsigned(slice.liveBlocksBefore)
      members["liveBytesBefore"] = JSONValue(slice.liveBytesBefore)
      // The bytes of the file are those of the whole trace.
      members["bytesPerEvent"] = .null
    }
    return try JSONValue.document(members, span: slice?.span).text()
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
      "durationSeconds": .number(Double(summary.durationNanoseconds) / 1e9),
      "events": .unsigned(summary.events),
      "executable": .string(metadata.executable),
      "fileBytes": JSONValue(inventory.fileBytes),
      "frees": .unsigned(summary.frees),
      "freesOfEarlierBlocks": .unsigned(summary.freesOfEarlierBlocks),
      "kernel": .string(metadata.kernel),
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
