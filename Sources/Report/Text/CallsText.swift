// `lacuna info`: the moments that the program named, and the functions that it called.

import Analysis
import MemoryUnits
public import Trace

/// What a program said and called.
public enum CallsText {
  /// The marks of a trace, the first ones where there are many; nothing where there are none.
  public static func marks(_ marks: [MarkDescription]) -> TextDocument {
    guard !marks.isEmpty else { return TextDocument() }
    let limit = 40
    var document = TextDocument([.heading("Marks", level: 2)])
    let rows = marks.prefix(limit).map {
      [Formats.duration(nanoseconds: $0.time.nanoseconds), $0.name]
    }
    document.append(
      .table(TextTable(columns: [TextColumn("at"), TextColumn("mark", .left)], rows: rows)))
    if marks.count > limit {
      let rest = Formats.counted(marks.count - limit, "more mark")
      document.append(.paragraph("… and \(rest); --json has them all."))
    }
    return document
  }

  /// Calls by function, and the blocks that the wrong function released.
  public static func calls(_ figures: CallFigures) -> TextDocument {
    var document = TextDocument([.heading("Calls", level: 2)])
    let rows = figures.counts.sorted {
      ($1.calls, $0.entry.rawValue) < ($0.calls, $1.entry.rawValue)
    }
    .map { [$0.entry.name, Formats.count($0.calls)] }
    document.append(
      .table(TextTable(columns: [TextColumn("function", .left), TextColumn("calls")], rows: rows)))
    guard !figures.wrongReleases.isEmpty else { return document }
    document.append(.heading("Released by the wrong function", level: 2))
    document.append(
      .table(
        TextTable(
          columns: [
            TextColumn("blocks"), TextColumn("asked for by", .left),
            TextColumn("released by", .left),
            TextColumn("most of them in", .left, isFlexible: true),
          ],
          rows: figures.wrongReleases.map {
            [
              Formats.count($0.blocks), $0.allocation.name, $0.release.name, $0.frame.function,
            ]
          })))
    return document
  }
}
