// `lacuna compare`: many heaps side by side, in text.

import Allocators
public import Analysis
import MemoryUnits
import Trace

/// Many heaps side by side.
public enum CompareText {
  /// The ranking, the four figures of fragmentation, the work, and what all that leaves out.
  public static func document(_ heaps: [HeapMeasures]) -> TextDocument {
    guard !heaps.isEmpty else { return TextDocument([.paragraph("No heaps to compare.")]) }
    let ranking = Ranking(heaps)
    return TextDocument([
      .heading("Heaps, the lowest peak of resident memory first", level: 1),
      table(heaps), .paragraph(bound(ranking)),
      .heading("Fragmentation, as Johnstone and Wilson measure it", level: 2),
      fragmentation(ranking), .paragraph(definitions),
      .heading("Work of the textbook form", level: 2),
      work(ranking), .paragraph(caveat),
    ])
  }

  static let caveat =
    "All heaps but recorded are simulated: textbook policies, without headers unless their name"
    + " says so. Resident memory is modelled: a program is taken to touch all of every block."

  static let definitions =
    "Held over live bytes: JW1 on average over all events, JW2 when most bytes live, JW3 when most"
    + " are held, JW4 the most held over the most live."

  /// What no heap can go below.
  static func bound(_ ranking: Ranking) -> String {
    let live = ranking.peakLive
    let optimum = ranking.optimum.map {
      " Knowing all lifetimes beforehand, \($0.peakHeld) are enough."
    }
    return "At most \(live) of requested bytes live at a time: no heap can hold less."
      + (optimum ?? "")
  }

  /// What headers alone cost the recorded heap, with a space before it; empty where unknown.
  static func headers(_ story: Story) -> String {
    let (each, blocks) = (story.metadata.headerBytes, story.recorded.atPeak.liveBlocks)
    guard each > 0, blocks > 0 else { return "" }
    let all = ByteCount(clamping: Double(each) * Double(blocks))
    return " The recorded heap keeps a header of \(each) bytes for each block: \(all) at the peak,"
      + " which a heap without headers saves by that alone."
  }

  static func table(_ heaps: [HeapMeasures]) -> TextBlock {
    let ranking = Ranking(heaps)
    let rows = ranking.heaps.map { heap in
      let measures = heap.measures
      return [
        "\(heap.rank)", measures.allocator, "\(measures.peakResident)",
        heap.isRecorded ? "" : Formats.signedPercent(heap.relative),
        "\(measures.meanResident)", "\(measures.peakHeld)",
        Formats.signedPercent(heap.overBound), "\(measures.atPeak.holeBytes)",
        "\(measures.atEnd.holeBytes)",
      ]
    }
    return .table(
      TextTable(
        columns: [
          TextColumn("#"), TextColumn("heap", .left, isFlexible: true),
          TextColumn("peak resident"), TextColumn("to recorded"), TextColumn("mean resident"),
          TextColumn("peak held", isMinor: true), TextColumn("to bound", isMinor: true),
          TextColumn("holes at peak", isMinor: true), TextColumn("at end", isMinor: true),
        ], rows: rows, emphasised: recordedRows(ranking)))
  }

  private static func fragmentation(_ ranking: Ranking) -> TextBlock {
    let rows = ranking.heaps.map { heap in
      let figures = heap.measures.fragmentation
      return [heap.measures.allocator]
        + [figures.jw1, figures.jw2, figures.jw3, figures.jw4].map(Formats.percent)
    }
    return .table(
      TextTable(
        columns: [TextColumn("heap", .left, isFlexible: true)]
          + (1...4).map { TextColumn("JW\($0)") }, rows: rows,
        emphasised: recordedRows(ranking)))
  }

  private static func work(_ ranking: Ranking) -> TextBlock {
    let figures = WorkFigure.shown(ranking.heaps.map(\.measures))
    let rows = ranking.heaps.map { heap in
      // What really happened was not counted: a dash, not a zero.
      [heap.measures.allocator]
        + figures.map { heap.isRecorded ? "–" : $0.text(heap.measures.work) }
    }
    return .table(
      TextTable(
        columns: [TextColumn("heap", .left, isFlexible: true)]
          + figures.map { TextColumn($0.title, isMinor: !$0.isAlwaysShown) }, rows: rows,
        emphasised: recordedRows(ranking)))
  }

  private static func recordedRows(_ ranking: Ranking) -> Set<Int> {
    Set(ranking.heaps.indices.filter { ranking.heaps[$0].isRecorded })
  }
}
