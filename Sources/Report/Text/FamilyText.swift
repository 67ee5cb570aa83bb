// A trace's relatives and its threads, in text.

public import Analysis
public import Trace

extension InfoText {
  /// The process that started this one, and those that it started.
  public static func family(_ family: TraceFamily) -> TextDocument {
    var facts: [TextFact] = []
    if let own = family.own?.metadata, own.parentProcessID > 0 {
      let place = family.parent.map { " (\($0.trace))" } ?? ", whose trace is not here"
      facts.append(TextFact("started by", "process \(own.parentProcessID)\(place)"))
    } else if let own = family.own, own.trace != own.metadata.rootTrace {
      facts.append(TextFact("started by", "unknown; recorded with \(own.metadata.rootTrace)"))
    }
    if family.own?.metadata.startsInMidst == true {
      facts.append(TextFact("began as", "a forked child, with its parent's blocks"))
    }
    var document = TextDocument()
    if !facts.isEmpty { document.append(.facts(facts)) }
    guard !family.children.isEmpty else { return document }
    document.append(.heading("Processes that it started", level: 2))
    let rows = family.children.prefix(childLimit).map { child in
      [
        "\(child.metadata.processID)", child.trace,
        child.metadata.command.joined(separator: " "),
      ]
    }
    document.append(
      .table(
        TextTable(
          columns: [
            TextColumn("process"), TextColumn("trace", .left),
            TextColumn("command", .left, isFlexible: true),
          ], rows: rows)))
    let rest = family.children.count - rows.count
    if rest > 0 { document.append(.paragraph("\(Formats.count(rest)) more; --json lists all.")) }
    return document
  }

  /// So many lines are read; more are counted.
  private static let childLimit = 20

  /// All threads: who they were, when they lived, and how much they asked for.
  public static func threads(_ tallies: [ThreadTally]) -> TextDocument {
    var document = TextDocument([.heading("Threads", level: 2)])
    let rows = tallies.map { tally in
      [
        tally.thread.kernelID > 0 ? "\(tally.thread.kernelID)" : "?", tally.thread.name,
        tally.thread.began.map { Formats.time($0) } ?? "?",
        tally.thread.ended.map { Formats.time($0) } ?? "end",
        Formats.count(tally.events),
      ]
    }
    document.append(
      .table(
        TextTable(
          columns: [
            TextColumn("thread"), TextColumn("name", .left, isFlexible: true), TextColumn("from"),
            TextColumn("to"), TextColumn("events"),
          ], rows: rows)))
    return document
  }
}
