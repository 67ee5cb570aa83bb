// Histograms: two bars for each class, the peak beside the end.

/// A histogram of one quantity at the peak and at the end.
struct BarChart {
  struct Class {
    /// Stands below the left edge of the class.
    var label: String
    /// In words, for the read-out.
    var range: String
    var peak: Double
    var end: Double
  }

  var id: String
  var title: String
  var description: String
  var xTitle: String
  var classes: [Class]
  /// Stands below the right edge of the last class.
  var lastLabel: String
  /// At most every so many-th edge is labelled (a power of two).
  var labelStride = 1
  var ticks: (Double) -> [Tick]
  var format: (Double) -> String

  /// Nil for the size that stands alone or beside another: half the page, or a narrow screen.
  func svg(_ size: ChartSize? = nil) -> Markup {
    let maximum = classes.map { max($0.peak, $0.end) }.max() ?? 0
    let yTicks = ticks(maximum)
    let frame = ChartFrame(
      width: size?.width ?? 460, height: size == .wide ? 210 : 230, right: 22, top: 12,
      xRange: 0..<Double(max(classes.count, 1)),
      yMaximum: yTicks.last?.value ?? 1)
    let content = Markup(lines: [
      frame.yAxis(yTicks), frame.xAxis(labels(frame), title: xTitle),
      Markup(lines: classes.indices.map { bars($0, in: frame) }),
    ])
    return .svg(
      id: size.map { "\(id)-\($0.rawValue)" } ?? id, width: frame.width, height: frame.height,
      classes: size.map { "plot \($0.rawValue)" } ?? "plot", title: title,
      description: description, content)
  }

  /// As many class edges as stand side by side without touching.
  private func labels(_ frame: ChartFrame) -> [Tick] {
    let edges = classes.map(\.label) + [lastLabel]
    let widest = Double(edges.map(\.count).max() ?? 1) * 6.6 + 10
    let room = (frame.x(1) - frame.x(0))
    let stride =
      [1, 2, 4, 8, 16, 32, 64].first {
        $0 >= labelStride && Double($0) * room >= widest
      } ?? 64
    return edges.indices.filter { $0 % stride == 0 }.map {
      Tick(value: Double($0), label: edges[$0])
    }
  }

  private func bars(_ index: Int, in frame: ChartFrame) -> Markup {
    let bar = classes[index]
    let (left, right) = (frame.x(Double(index)), frame.x(Double(index) + 1))
    let gap = min((right - left) * 0.12, 8)
    let width = (right - left - 2 * gap) / 2
    func rect(_ value: Double, _ look: Markup, at x: Double) -> Markup {
      guard value > 0 else { return .empty }
      // What is there must be seen, however small beside the rest.
      let height = max(frame.base - frame.y(value), 1)
      return """
        <rect class="bar \(look)" x="\(at: x)" y="\(at: frame.base - height)" width="\(at: width)" \
        height="\(at: height)"/>
        """
    }
    return """
      <g><title>\(bar.range): \(format(bar.peak)) at the peak, \(format(bar.end)) at the end</title>\
      <rect class="catch" x="\(at: left)" y="\(at: frame.top)" width="\(at: right - left)" \
      height="\(at: frame.base - frame.top)"/>\
      \(rect(bar.peak, "peak", at: left + gap))\(rect(bar.end, "end", at: left + gap + width))</g>
      """
  }
}
