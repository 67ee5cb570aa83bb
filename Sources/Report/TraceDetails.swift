// `lacuna info`: what a trace tells beside its totals, of a full recording or of a sample.

public import Analysis
public import Trace

/// The parts of `lacuna info` that do not depend on which blocks were recorded.
public struct TraceDetails {
  /// The moments that the program named.
  public var marks: [MarkDescription] = []
  /// The snapshots of the process's memory.
  public var snapshots: [Snapshot] = []
  /// Whether every snapshot is wanted, and not the last one only.
  public var listsSnapshots = false
  /// The other traces of the same recording; nil where only one process was recorded.
  public var family: TraceFamily?
  /// The range that was asked for; nil where that is all of the trace.
  public var slice: TraceSlice?
  /// What each thread recorded; nil where that was not asked for.
  public var threads: [ThreadTally]?
  /// What was called; nil where that was not asked for.
  public var calls: CallFigures?

  /// Makes details that say nothing.
  public init() {}

  var document: TextDocument {
    var document = SnapshotsText.last(snapshots)
    if listsSnapshots { document.append(contentsOf: SnapshotsText.list(snapshots)) }
    document.append(contentsOf: CallsText.marks(marks))
    if let family { document.append(contentsOf: InfoText.family(family)) }
    if let threads { document.append(contentsOf: InfoText.threads(threads)) }
    if let calls { document.append(contentsOf: CallsText.calls(calls)) }
    return document
  }

  /// The details for scripts.
  ///
  /// `lastSnapshot` is null where there are no snapshots, `family` where only one process was
  /// recorded. `calls` adds `entryPoints` and `wrongReleases`, `threads` all of them as
  /// `threadList`, `listsSnapshots` all snapshots as `snapshotList`, a `slice` what lived before it.
  var members: [String: JSONValue] {
    var members: [String: JSONValue] = [
      "family": family.map { JSONValue($0) } ?? .null,
      "lastSnapshot": snapshots.last.map { JSONValue($0) } ?? .null,
      "marks": .array(marks.map(\.json)),
      "snapshots": JSONValue(snapshots.count),
    ]
    if listsSnapshots { members["snapshotList"] = .array(snapshots.map { JSONValue($0) }) }
    if let threads { members["threadList"] = .array(threads.map { JSONValue($0) }) }
    if let calls { members.merge(calls.members) { _, new in new } }
    if let slice {
      members["liveBlocksBefore"] = .unsigned(slice.liveBlocksBefore)
      members["liveBytesBefore"] = JSONValue(slice.liveBytesBefore)
      // The bytes of the file are those of the whole trace.
      members["bytesPerEvent"] = .null
    }
    return members
  }
}
