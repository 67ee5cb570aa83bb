// `lacuna replay`: what a pass says about one heap, in text.

import Allocators
public import Analysis
import MemoryUnits
import Trace

/// The measures of one heap.
public enum ReplayText {
  /// All figures of the pass, and the heap at its peak and at its end.
  public static func document(_ heap: HeapMeasures) -> TextDocument {
    let figures = heap.fragmentation
    let bound = heap.lowerBound.map { bound in
      TextFact(
        "no heap below",
        "\(bound.peakResident) resident at the peak, \(bound.meanResident) on average")
    }
    return TextDocument([
      .heading(heap.allocator, level: 1),
      .facts(
        [
          TextFact("events", Formats.count(heap.events)),
          TextFact("peak live", "\(heap.peakLive)"),
          TextFact("peak held", "\(heap.peakHeld)"),
          TextFact("peak resident", "\(heap.peakResident)"),
          TextFact("mean resident", "\(heap.meanResident)"),
        ] + (bound.map { [$0] } ?? []) + [
          TextFact(
            "fragmentation",
            "JW1 \(Formats.percent(figures.jw1)), JW2 \(Formats.percent(figures.jw2)),"
              + " JW3 \(Formats.percent(figures.jw3)), JW4 \(Formats.percent(figures.jw4))"),
          TextFact("work", WorkFigure.list(heap.work)),
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
