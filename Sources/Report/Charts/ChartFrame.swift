// The geometry that all charts share: where the plot stands in the picture, and its axes.

/// How large a chart is drawn; the page shows the one that fits the screen.
enum ChartSize: String, CaseIterable {
  case wide, narrow

  var width: Double { self == .wide ? 960 : 360 }
  var xTickCount: Int { self == .wide ? 8 : 5 }
}

/// A plot with a linear scale on both axes, inside the margins that its labels need.
struct ChartFrame {
  var width: Double
  var height: Double
  var left = 64.0
  var right = 16.0
  var top = 22.0
  var bottom = 40.0
  var xRange: Range<Double>
  var yMaximum: Double

  /// The horizontal place of a value; what lies outside the axis stands at its end.
  func x(_ value: Double) -> Double {
    let span = xRange.upperBound - xRange.lowerBound
    return left + Self.share(value - xRange.lowerBound, of: span) * (width - left - right)
  }

  /// The vertical place of a value; what lies outside the axis stands at its end.
  func y(_ value: Double) -> Double {
    height - bottom - Self.share(value, of: yMaximum) * (height - top - bottom)
  }

  private static func share(_ part: Double, of whole: Double) -> Double {
    let share = part / whole
    return share.isFinite ? min(max(share, 0), 1) : 0
  }

  var base: Double { height - bottom }

  /// Horizontal grid lines with their labels at the left.
  func yAxis(_ ticks: [Tick]) -> Markup {
    Markup(
      lines: ticks.map { tick in
        let y = y(tick.value)
        return """
          <line class="\(tick.value == 0 ? "axis" : "grid")" x1="\(at: left)" x2="\(at: width - right)" \
          y1="\(at: y)" y2="\(at: y)"/><text class="tick end" x="\(at: left - 8)" \
          y="\(at: y + 4)">\(tick.label)</text>
          """
      })
  }

  /// Small marks below the plot with their labels.
  func xAxis(_ ticks: [Tick], title: String) -> Markup {
    let marks = ticks.map { tick -> Markup in
      let x = x(tick.value)
      return """
        <line class="axis" x1="\(at: x)" x2="\(at: x)" y1="\(at: base)" y2="\(at: base + 4)"/>\
        <text class="tick middle" x="\(at: x)" y="\(at: base + 17)">\(tick.label)</text>
        """
    }
    let name: Markup = """
      <text class="axis-title end" x="\(at: width - right)" y="\(at: height - 5)">\(title)</text>
      """
    return Markup(lines: marks + [name])
  }
}

extension Markup {
  /// A picture with a title and a description for those who do not see it.
  static func svg(
    id: String, width: Double, height: Double, classes: String, title: String, description: String,
    attributes: Markup = .empty, _ content: Markup
  ) -> Markup {
    """
    <svg class="\(classes)" viewBox="0 0 \(at: width) \(at: height)" role="img" \
    aria-labelledby="\(id)-title \(id)-desc"\(attributes)>
    <title id="\(id)-title">\(title)</title><desc id="\(id)-desc">\(description)</desc>
    \(content)</svg>

    """
  }
}
