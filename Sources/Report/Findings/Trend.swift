// Is it getting worse: the first third of a run against its last.

import Analysis
import MemoryUnits
import Trace

/// Time-weighted means over a part of a heap's course.
struct TrendPart: Equatable {
  var live: Double
  var held: Double
  var holeBytes: Double

  /// Live data as a part of what was held: the mean of one over the mean of the other, so that
  /// moments at which little was held weigh little.
  var utilisation: Double? { held > 0 ? live / held : nil }
}

/// The course of a heap in two figures.
struct Trend {
  var first: TrendPart
  var last: TrendPart

  enum Verdict { case better, same, worse }

  /// Nil where the timeline has no duration or nothing was held in either third.
  init?(_ timeline: [TimelinePoint]) {
    guard let start = timeline.first?.time.nanoseconds, let end = timeline.last?.time.nanoseconds,
      end > start, timeline.count >= 3
    else { return nil }
    let (from, span) = (Double(start), Double(end - start))
    first = Self.means(timeline, over: from..<(from + span / 3))
    last = Self.means(timeline, over: (from + span * 2 / 3)..<Double(end))
    if first.utilisation == nil || last.utilisation == nil { return nil }
  }

  /// Two percentage points of utilisation, either way, count as no change.
  var verdict: Verdict {
    let change = (last.utilisation ?? 0) - (first.utilisation ?? 0)
    return change < -0.02 ? .worse : change > 0.02 ? .better : .same
  }

  /// Whether live data shrank to less than half, which alone makes any heap look worse.
  var liveFell: Bool { last.live < first.live / 2 }

  /// The means of the course between the points taken as straight lines (trapezoids), clipped to
  /// the range.
  private static func means(_ timeline: [TimelinePoint], over range: Range<Double>) -> TrendPart {
    var sum = TrendPart(live: 0, held: 0, holeBytes: 0)
    var weight = 0.0
    for (a, b) in zip(timeline, timeline.dropFirst()) {
      let (start, end) = (Double(a.time.nanoseconds), Double(b.time.nanoseconds))
      let (from, to) = (max(start, range.lowerBound), min(end, range.upperBound))
      guard to > from else { continue }
      let middle = ((from + to) / 2 - start) / (end - start)
      func mean(_ key: KeyPath<TimelinePoint, ByteCount>) -> Double {
        let (x, y) = (Double(a[keyPath: key].rawValue), Double(b[keyPath: key].rawValue))
        return x + (y - x) * middle
      }
      sum.live += mean(\.live) * (to - from)
      sum.held += mean(\.held) * (to - from)
      sum.holeBytes += mean(\.holeBytes) * (to - from)
      weight += to - from
    }
    guard weight > 0 else { return sum }
    return TrendPart(
      live: sum.live / weight, held: sum.held / weight, holeBytes: sum.holeBytes / weight)
  }
}
