// Where did the memory go: the course over time and what the held bytes are made of.

import Analysis
import MemoryUnits
import Trace

enum WhereSection {
  static func content(_ story: Story) -> Markup {
    let course = HeapCourse(story)
    let caption: Markup = """
      <b>The heap over time.</b> What lies between live data and the held line is overhead, holes, \
      and pages not given back.
      """
    let chart = course.points.isEmpty ? .empty : course.memoryChart.figure(caption: caption)
    return chart + parts(story.recorded) + figures(story)
  }

  private static func parts(_ heap: HeapMeasures) -> Markup {
    let moments = [("at the peak", HeldParts(heap.atPeak)), ("at the end", HeldParts(heap.atEnd))]
    let whole = moments.map(\.1.held).max() ?? .zero
    guard whole > .zero else { return .empty }
    var legend = HeldParts(heap.atPeak).named.map { ($0.name, $0.kind) }
    if moments.contains(where: { $0.1.unexplained > .zero }),
      !legend.contains(where: { $0.1 == .unexplained })
    {
      legend.append(("unexplained", .unexplained))
    }
    let keys = legend.map { name, kind -> Markup in
      "<li><span class=\"swatch k-\(kind.rawValue)\"></span>\(name)</li>"
    }
    let bars = moments.map { name, parts -> Markup in
      let pieces = parts.named.filter { $0.bytes > .zero }.map { part -> Markup in
        // Parts that exceed what is held would leave the bar; the whole line is its limit.
        let width = Formats.decimal((fraction(part.bytes, of: whole) ?? 0) * 100, places: 2)
        return
          "<i class=\"k-\(part.kind.rawValue)\" style=\"width:\(width)%\" title=\"\(part.name): \(part.bytes)\"></i>"
      }
      return """
        <div class="part"><span>\(name)</span><div class="stack" role="img" \
        aria-label="\(words(parts))">\(Markup(pieces))</div><span class="num">\(parts.held) held</span></div>
        """
    }
    return """
      <figure>
      <figcaption><b>What the held bytes are.</b> Both bars on one scale.</figcaption>
      <ul class="legend">
      \(Markup(lines: keys))</ul>
      <div class="parts">
      \(Markup(lines: bars))</div>
      </figure>

      """
  }

  private static func words(_ parts: HeldParts) -> String {
    parts.named.map { "\($0.name) \($0.bytes)" }.joined(separator: ", ")
  }

  private static func figures(_ story: Story) -> Markup {
    let (peak, end) = (story.recorded.atPeak, story.recorded.atEnd)
    typealias Row = (String, String, String, String)
    func bytes(
      _ name: String, _ key: KeyPath<HeapSnapshot, ByteCount>, _ definition: String
    ) -> Row {
      (name, "\(peak[keyPath: key])", "\(end[keyPath: key])", definition)
    }
    func count(_ name: String, _ key: KeyPath<HeapSnapshot, Int>, _ definition: String) -> Row {
      (name, Formats.count(peak[keyPath: key]), Formats.count(end[keyPath: key]), definition)
    }
    let (overPeak, overEnd) = (HeldParts(peak).overhead, HeldParts(end).overhead)
    var rows: [Row] = [
      (
        "moment", Formats.moment(peak.time, countsSteps: peak.countsSteps),
        Formats.moment(end.time, countsSteps: end.countsSteps), "since recording began"
      ),
      bytes("live", \.live, "what the program asked for and still has"),
      count("live blocks", \.liveBlocks, "allocations not freed yet"),
      ("overhead", "\(overPeak)", "\(overEnd)", "headers and rounding of live blocks"),
      bytes("held", \.held, "what the heap has from the system"),
      bytes("resident, modelled", \.resident, "held pages touched and not given back"),
    ]
    if !story.samples.isEmpty {
      rows.append(
        (
          "anonymous, measured", measured(story, at: peak.time), measured(story, at: end.time),
          "private resident memory of the whole process, by the kernel, at the last sample before"
        ))
    }
    rows += [
      count("holes", \.holes, "runs of free bytes between live blocks"),
      bytes("hole bytes", \.holeBytes, "all of them together"),
      bytes("largest hole", \.largestHole, "the largest block that fits without growing"),
      bytes("wilderness", \.wilderness, "free run at the top of the heap, no hole"),
      bytes("pinned", \.pinned, "free bytes on pages in use"),
      bytes("whole free pages", \.freePageBytes, "what a perfect trim would return"),
    ]
    let body = rows.map { row -> Markup in
      """
      <tr><th scope="row">\(row.0)</th><td class="num">\(row.1)</td><td class="num">\(row.2)</td>\
      <td class="definition minor">\(row.3)</td></tr>
      """
    }
    return """
      <h3>The figures</h3>
      <div class="scroll"><table>
      <thead><tr><th scope="col"></th><th scope="col" class="num">at the peak</th>\
      <th scope="col" class="num">at the end</th><th scope="col" class="minor">meaning</th></tr></thead>
      <tbody>
      \(Markup(lines: body))</tbody></table></div>

      """
  }

  private static func measured(_ story: Story, at time: Timestamp) -> String {
    story.samples.last { $0.time <= time }.map { "\($0.anonymous)" } ?? "–"
  }
}
