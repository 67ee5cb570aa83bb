// Courses over time: lines on common axes, with a legend that reads them out.

import MemoryUnits

/// One line of a chart.
struct LineSeries {
  enum Look: String { case live, held, resident, measured, holes, share }

  var name: String
  var look: Look
  /// In order of x.
  var points: [(x: Double, y: Double)]
  /// Colour the area below the line.
  var isFilled = false
  /// Mark every point, too: for measurements, which are few.
  var isDotted = false
  /// For the read-out: the value at each moment of the chart's `moments`; nil where unknown.
  var values: [Double?]
}

/// A chart of several lines over time.
struct LineChart {
  enum Unit: String { case bytes, share }

  var id: String
  var title: String
  var description: String
  var height = 300.0
  var unit: Unit
  var xMaximum: Double
  /// False where there are no times: x is then the part of the trace, 0 through 1.
  var xIsTime = true
  var yMaximum: Double
  /// The moments of which the read-out speaks.
  var moments: [Double]
  var series: [LineSeries]
  /// A moment to point out, with its name.
  var marker: (x: Double, name: String)?

  /// The chart in both sizes, with its legend.
  func figure(caption: Markup) -> Markup {
    """
    <figure class="chart" data-times="\(moments.map(number).joined(separator: " "))" \
    data-unit="\(unit.rawValue)" data-clock="\(xIsTime ? "time" : "order")">
    <figcaption>\(caption)</figcaption>
    \(legend)\(Markup(ChartSize.allCases.map(svg)))</figure>

    """
  }

  /// A moment as the script reads it: whole nanoseconds, or a part of the trace.
  private func number(_ moment: Double) -> String {
    Formats.decimal(moment, places: xIsTime ? 0 : 6)
  }

  /// Names the lines and reads out the marked moment, until a pointer chooses another.
  private var legend: Markup {
    let shown = shownMoment
    let items = series.map { series -> Markup in
      let values = series.values.map { $0.map { Formats.shortest($0) } ?? "" }
        .joined(separator: ",")
      let value = series.values.indices.contains(shown.index) ? series.values[shown.index] : nil
      return """
        <li data-values="\(values)"><svg class="key" viewBox="0 0 26 12" aria-hidden="true">\
        <line class="line \(series.look.rawValue)" x1="1" x2="25" y1="6" y2="6"/></svg>\
        <span>\(series.name)</span> <b>\(text(value))</b></li>
        """
    }
    return """
      <ul class="legend reading"><li class="moment">\(shown.name)</li>
      \(Markup(lines: items))</ul>

      """
  }

  private var shownMoment: (index: Int, name: String) {
    guard let marker else { return (moments.count - 1, "at the end") }
    let nearest = moments.indices.min {
      (moments[$0] - marker.x).magnitude < (moments[$1] - marker.x).magnitude
    }
    return (nearest ?? -1, "near the peak")
  }

  private func text(_ value: Double?) -> String {
    guard let value else { return "–" }
    return unit == .bytes
      ? "\(ByteCount(clamping: value))" : Formats.decimal(value * 100, places: 1) + " %"
  }

  private func svg(_ size: ChartSize) -> Markup {
    let yTicks = unit == .bytes ? AxisTicks.bytes(upTo: yMaximum) : AxisTicks.fractions()
    let frame = ChartFrame(
      width: size.width, height: size == .wide ? height : height * 0.8,
      xRange: 0..<max(xMaximum, 1), yMaximum: yTicks.last?.value ?? 1)
    let xTicks =
      xIsTime
      ? AxisTicks.time(upToNanoseconds: xMaximum, count: size.xTickCount)
        .filter { $0.value <= max(xMaximum, 1) * 1.0001 }
      : AxisTicks.fractions()
    let content = Markup(lines: [
      frame.yAxis(yTicks),
      frame.xAxis(xTicks, title: xIsTime ? "time since recording began" : "part of the trace"),
      markerLine(frame),
      Markup(series.map { line($0, in: frame) }),
      """
      <line class="cursor" x1="0" x2="0" y1="\(at: frame.top)" y2="\(at: frame.base)"/>
      """,
    ])
    let plot: Markup = """
       data-left="\(at: frame.left)" data-right="\(at: frame.width - frame.right)" \
      data-end="\(number(frame.xRange.upperBound))"
      """
    return .svg(
      id: "\(id)-\(size.rawValue)", width: frame.width, height: frame.height,
      classes: "plot \(size.rawValue)", title: title, description: description, attributes: plot,
      content)
  }

  private func markerLine(_ frame: ChartFrame) -> Markup {
    guard let marker else { return .empty }
    let x = frame.x(marker.x)
    let side = x > frame.width * 0.8 ? "end" : x < frame.width * 0.2 ? "start" : "middle"
    return """
      <line class="marker" x1="\(at: x)" x2="\(at: x)" y1="\(at: frame.top - 6)" y2="\(at: frame.base)"/>\
      <text class="tick \(side)" x="\(at: x)" y="\(at: frame.top - 10)">\(marker.name)</text>
      """
  }

  private func line(_ series: LineSeries, in frame: ChartFrame) -> Markup {
    guard let first = series.points.first, let last = series.points.last else { return .empty }
    let look = series.look.rawValue
    let places = series.points.map { (frame.x($0.x), frame.y($0.y)) }
    let path = Self.coordinates(places)
    var result = Markup.empty
    if series.isFilled {
      result += """
        <polygon class="area \(look)" points="\(at: frame.x(first.x)),\(at: frame.base) \(path) \
        \(at: frame.x(last.x)),\(at: frame.base)"/>

        """
    }
    result += "<polyline class=\"line \(look)\" points=\"\(path)\"/>\n"
    if series.isDotted, places.count <= 60 || series.points.count == 1 {
      result += Markup(
        lines: places.map {
          "<circle class=\"dot \(look)\" cx=\"\(at: $0.0)\" cy=\"\(at: $0.1)\" r=\"2\"/>"
        })
    }
    return result
  }

  private static func coordinates(_ places: [(Double, Double)]) -> String {
    places.map { Formats.decimal($0.0, places: 1) + "," + Formats.decimal($0.1, places: 1) }
      .joined(separator: " ")
  }
}
