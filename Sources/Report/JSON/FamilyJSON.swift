// A trace's relatives and its threads, for scripts.

import Analysis
import Trace

extension JSONValue {
  /// The trace's relatives.
  ///
  /// `parentProcessID` and `parentTrace` are null where no recorded process started this one.
  init(_ family: TraceFamily) {
    let own = family.own?.metadata ?? TraceMetadata()
    self = .object([
      "children": .array(
        family.children.map { child in
          .object([
            "command": JSONValue(child.metadata.command),
            "processID": JSONValue(child.metadata.processID),
            "trace": .string(child.trace),
          ])
        }),
      "parentProcessID": own.parentProcessID > 0 ? JSONValue(own.parentProcessID) : .null,
      "parentTrace": own.parentTrace.isEmpty ? .null : .string(own.parentTrace),
      "rootTrace": .string(own.rootTrace),
      "traces": JSONValue(family.members.map(\.trace)),
    ])
  }

  /// A thread; moments are null where they are not known, `endedSeconds` also where the thread lived
  /// when recording ended.
  init(_ tally: ThreadTally) {
    self = .object([
      "beganSeconds": tally.thread.began.map { JSONValue($0) } ?? .null,
      "endedSeconds": tally.thread.ended.map { JSONValue($0) } ?? .null,
      "events": .unsigned(tally.events),
      "name": .string(tally.thread.name),
      "threadID": JSONValue(Int(tally.thread.kernelID)),
    ])
  }
}
