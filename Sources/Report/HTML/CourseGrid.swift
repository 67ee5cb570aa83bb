// The courses of many heaps, one small chart each, on common axes.

import Analysis
import MemoryUnits
import Trace

/// Resident memory of each heap over time above the live bytes, which are the same for all.
enum CourseGrid {
  /// More heaps than this get no chart of their own.
  private static let mostHeaps = 40
  /// So many points are drawn a line, which is more than the chart has room for.
  private static let mostPoints = 150

  static func figure(_ ranking: Ranking) -> Markup {
    let heaps = ranking.heaps.prefix(mostHeaps).filter { $0.measures.timeline.count > 1 }
    guard !heaps.isEmpty else { return .empty }
    let most = heaps.map(\.measures.peakResident).max() ?? .zero
    let charts = heaps.enumerated().map { chart($1, number: $0, most: Double(most.rawValue)) }
    return """
      <figure>
      <figcaption><b>Over time</b>: resident memory of each heap, modelled, above the bytes that live; \
      all on the same axes, up to \(most).</figcaption>
      <div class="courses">
      \(Markup(lines: charts))</div></figure>

      """
  }

  private static func chart(_ heap: RankedHeap, number: Int, most: Double) -> Markup {
    let points = thinned(heap.measures.course)
    let end = Double(points.last?.time.nanoseconds ?? 0)
    let frame = ChartFrame(
      width: 300, height: 96, left: 1, right: 1, top: 4, bottom: 4, xRange: 0..<max(end, 1),
      yMaximum: max(most, 1))
    func line(_ value: (TimelinePoint) -> ByteCount) -> String {
      points.map { point in
        Formats.decimal(frame.x(Double(point.time.nanoseconds)), places: 1) + ","
          + Formats.decimal(frame.y(Double(value(point).rawValue)), places: 1)
      }.joined(separator: " ")
    }
    let live = line(\.live)
    let look: Markup = heap.isRecorded ? "held" : "resident"
    let content: Markup = """
      <line class="axis" x1="\(at: frame.left)" x2="\(at: frame.width - frame.right)" \
      y1="\(at: frame.base)" y2="\(at: frame.base)"/>
      <polygon class="area live" points="\(at: frame.left),\(at: frame.base) \(live) \
      \(at: frame.x(end)),\(at: frame.base)"/>
      <polyline class="line \(look)" points="\(line(\.resident))"/>

      """
    let measures = heap.measures
    return """
      <div><b><code>\(measures.allocator)</code></b> \
      <span>peak \(measures.peakResident), mean \(measures.meanResident)</span>
      \(Markup.svg(
        id: "course-\(number)", width: frame.width, height: frame.height, classes: "course",
        title: "\(measures.allocator) over time",
        description: "Resident and live bytes; at most \(measures.peakResident) are resident.",
        content))</div>
      """
  }

  /// Every n-th of many, and always the last.
  private static func thinned(_ all: [TimelinePoint]) -> [TimelinePoint] {
    guard all.count > mostPoints, let last = all.last else { return all }
    let step = (all.count + mostPoints - 1) / mostPoints
    return stride(from: 0, to: all.count - 1, by: step).map { all[$0] } + [last]
  }
}
