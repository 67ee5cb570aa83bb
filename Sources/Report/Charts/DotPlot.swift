// Heaps side by side: two dots on a line for each, with the least that any heap could need.

/// Rows of a name and two values on a common scale from zero.
struct DotPlot {
  struct Row {
    var name: String
    var peak: Double
    var mean: Double
    var isRecorded: Bool
    /// In words, for the read-out.
    var words: String
  }

  var id: String
  var title: String
  var description: String
  var rows: [Row]
  /// The most live data there ever were: no heap's peak lies below it.
  var bound: Double

  func svg(_ size: ChartSize) -> Markup {
    let count = size == .wide ? 8 : 3
    let ticks = AxisTicks.bytes(
      upTo: max(rows.map { max($0.peak, $0.mean) }.max() ?? 0, bound), count: count)
    // On a narrow screen the name stands above its line instead of before it.
    let step = size == .wide ? 26.0 : 38.0
    let left = size == .wide ? 260.0 : 12.0
    let frame = ChartFrame(
      width: size.width, height: 26 + Double(rows.count) * step + 42, left: left, right: 28,
      top: 26, xRange: 0..<(ticks.last?.value ?? 1), yMaximum: 1)
    let grid = ticks.map { tick -> Markup in
      let x = frame.x(tick.value)
      return """
        <line class="grid" x1="\(at: x)" x2="\(at: x)" y1="\(at: frame.top)" y2="\(at: frame.base)"/>
        """
    }
    let content = Markup(lines: [
      Markup(lines: grid), frame.xAxis(ticks, title: "resident memory"), limit(frame),
      Markup(lines: rows.indices.map { row($0, step: step, size, frame) }),
    ])
    return .svg(
      id: "\(id)-\(size.rawValue)", width: frame.width, height: frame.height,
      classes: "plot \(size.rawValue)", title: title, description: description, content)
  }

  private func limit(_ frame: ChartFrame) -> Markup {
    guard bound > 0 else { return .empty }
    let x = frame.x(bound)
    let side = x > frame.width * 0.7 ? "end" : x < frame.width * 0.3 ? "start" : "middle"
    return """
      <line class="marker" x1="\(at: x)" x2="\(at: x)" y1="\(at: frame.top - 6)" y2="\(at: frame.base)"/>\
      <text class="tick \(side)" x="\(at: x)" y="\(at: frame.top - 11)">peak of live data</text>
      """
  }

  private func row(
    _ index: Int, step: Double, _ size: ChartSize, _ frame: ChartFrame
  ) -> Markup {
    let row = rows[index]
    let y = frame.top + (Double(index) + 0.5) * step + (size == .wide ? 0 : 8)
    let (mean, peak) = (frame.x(row.mean), frame.x(row.peak))
    let name: Markup =
      size == .wide
      ? """
      <text class="name end\(row.isRecorded ? " recorded" : "")" x="\(at: frame.left - 14)" \
      y="\(at: y + 4)">\(row.name.shortened(to: 34))</text>
      """
      : """
      <text class="name start\(row.isRecorded ? " recorded" : "")" x="\(at: frame.left)" \
      y="\(at: y - 11)">\(row.name.shortened(to: 44))</text>
      """
    return """
      <g><title>\(row.words)</title>\(name)\
      <line class="span" x1="\(at: min(mean, peak))" x2="\(at: max(mean, peak))" y1="\(at: y)" y2="\(at: y)"/>\
      <circle class="mean" cx="\(at: mean)" cy="\(at: y)" r="4.5"/>\
      <circle class="peak\(row.isRecorded ? " recorded" : "")" cx="\(at: peak)" cy="\(at: y)" r="5.5"/></g>
      """
  }
}
