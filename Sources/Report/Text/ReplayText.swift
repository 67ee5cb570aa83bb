// `lacuna replay` and `lacuna compare`: what a pass says about heaps, in text.

import Allocators
public import Analysis
import MemoryUnits
import Trace

/// The measures of one heap.
public enum ReplayText {
  /// All figures of the pass, and the heap at its peak and at its end.
  public static func document(_ heap: HeapMeasures) -> TextDocument {
    let figures = heap.fragmentation
    return TextDocument([
      .heading(heap.allocator, level: 1),
      .facts([
        TextFact("events", Formats.count(heap.events)),
        TextFact("peak live", "\(heap.peakLive)"),
        TextFact("peak held", "\(heap.peakHeld)"),
        TextFact("peak resident", "\(heap.peakResident)"),
        TextFact("mean resident", "\(heap.meanResident)"),
        TextFact(
          "fragmentation",
          "JW1 \(Formats.percent(figures.jw1)), JW2 \(Formats.percent(figures.jw2)),"
            + " JW3 \(Formats.percent(figures.jw3)), JW4 \(Formats.percent(figures.jw4))"),
        TextFact(
          "work",
          "\(Formats.count(heap.work.holesInspected)) holes inspected, \(Formats.count(heap.work.splits))"
            + " splits, \(Formats.count(heap.work.merges)) merges,"
            + " \(ByteCount(clamping: Double(heap.work.bytesMoved))) moved"),
        TextFact(
          "replayed in",
          "\(Formats.decimal(heap.seconds, places: 3)) s,"
            + " \(Formats.count(clamping: heap.eventsPerSecond)) events a second"),
      ]),
      snapshots(heap),
    ])
  }

  /// The peak and the end, side by side.
  static func snapshots(_ heap: HeapMeasures) -> TextBlock {
    let (peak, end) = (heap.atPeak, heap.atEnd)
    func bytes(_ name: String, _ key: KeyPath<HeapSnapshot, ByteCount>) -> [String] {
      [name, "\(peak[keyPath: key])", "\(end[keyPath: key])"]
    }
    func count(_ name: String, _ key: KeyPath<HeapSnapshot, Int>) -> [String] {
      [name, Formats.count(peak[keyPath: key]), Formats.count(end[keyPath: key])]
    }
    return .table(
      TextTable(
        columns: [
          TextColumn("", .left, isFlexible: true), TextColumn("at the peak"),
          TextColumn("at the end"),
        ],
        rows: [
          [
            peak.countsSteps ? "moment" : "time",
            Formats.moment(peak.time, countsSteps: peak.countsSteps),
            Formats.moment(end.time, countsSteps: end.countsSteps),
          ],
          bytes("live", \.live), count("live blocks", \.liveBlocks), bytes("granted", \.granted),
          bytes("held", \.held), bytes("resident", \.resident), bytes("pinned", \.pinned),
          bytes("whole free pages", \.freePageBytes), count("holes", \.holes),
          bytes("hole bytes", \.holeBytes), bytes("largest hole", \.largestHole),
          bytes("wilderness", \.wilderness),
        ]))
  }
}

/// Many heaps side by side.
public enum CompareText {
  /// The ranking and what it leaves out.
  public static func document(_ heaps: [HeapMeasures]) -> TextDocument {
    guard !heaps.isEmpty else { return TextDocument([.paragraph("No heaps to compare.")]) }
    return TextDocument([
      .heading("Heaps, the lowest peak of resident memory first", level: 1),
      table(heaps), .paragraph(caveat),
    ])
  }

  static let caveat =
    "All heaps but recorded are simulated: textbook policies, without headers unless their name"
    + " says so. Resident memory is modelled: a program is taken to touch all of every block."

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
        Formats.percent(measures.fragmentation.jw3), "\(measures.atPeak.holeBytes)",
        "\(measures.atEnd.holeBytes)", Formats.count(measures.work.holesInspected),
      ]
    }
    return .table(
      TextTable(
        columns: [
          TextColumn("#"), TextColumn("heap", .left, isFlexible: true),
          TextColumn("peak resident"), TextColumn("to recorded"), TextColumn("mean resident"),
          TextColumn("peak held", isMinor: true), TextColumn("JW3", isMinor: true),
          TextColumn("holes at peak", isMinor: true), TextColumn("at end", isMinor: true),
          TextColumn("inspected", isMinor: true),
        ], rows: rows,
        emphasised: Set(ranking.heaps.indices.filter { ranking.heaps[$0].isRecorded })))
  }
}
