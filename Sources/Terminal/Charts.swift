// Charts made of characters: a line of bars, a bar, a timeline.

/// Characters that fill a cell in eighths, from empty to full.
private func blocks(isUnicode: Bool, isHorizontal: Bool) -> [Character] {
  guard isUnicode else { return isHorizontal ? [" ", "#"] : [" ", ".", ":", "|", "#"] }
  return isHorizontal
    ? [" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"] : [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
}

/// The part of `maximum` that `value` is, from 0 to 1; 0 for what is no number.
private func fraction(_ value: Double, of maximum: Double) -> Double {
  guard maximum > 0, maximum.isFinite, value > 0 else { return 0 }
  return value >= maximum ? 1 : value / maximum
}

/// Many values in one line of text.
public struct Sparkline: Sendable {
  /// Whether block characters may be used.
  public var isUnicode: Bool

  /// A kind of line.
  public init(isUnicode: Bool) { self.isUnicode = isUnicode }

  /// The values as bars, one column each; with more values than `columns` each bar shows the largest
  /// of its share, for peaks matter.
  ///
  /// Bars are scaled to the largest finite value. Anything above zero is shown as more than nothing.
  public func render(_ values: [Double], columns: Int) -> String {
    let bars = resampled(values, to: columns)
    let maximum = bars.filter(\.isFinite).max() ?? 0
    let levels = blocks(isUnicode: isUnicode, isHorizontal: false)
    return String(
      bars.map { value in
        levels[Int((fraction(value, of: maximum) * Double(levels.count - 1)).rounded(.up))]
      })
  }
}

/// At most `count` values, each the largest of its share of `values`.
func resampled(_ values: [Double], to count: Int) -> [Double] {
  guard values.count > count else { return values }
  guard count > 0 else { return [] }
  return (0..<count).map { index in
    let start = index * values.count / count
    let end = (index + 1) * values.count / count
    return values[start..<end].reduce(-Double.infinity) { max($0, $1) }
  }
}

/// Bars in rows, for histograms.
public struct BarChart: Sendable {
  /// A bar and what stands on either side of it.
  public struct Row: Sendable {
    /// What the bar is about.
    public var label: String
    /// The length of the bar, in units of its own.
    public var value: Double
    /// The value for people.
    public var note: String

    /// A row.
    public init(label: String, value: Double, note: String = "") {
      self.label = label
      self.value = value
      self.note = note
    }
  }

  /// The rows, from top to bottom.
  public var rows: [Row]

  /// A chart of these rows.
  public init(rows: [Row]) { self.rows = rows }

  /// The rows as lines: labels on the right edge of their column, bars of at most `columns`, notes.
  public func render(columns: Int, isUnicode: Bool) -> String {
    let labels = rows.map { escapedForTerminal($0.label) }
    let labelWidth = labels.map { displayWidth($0) }.max() ?? 0
    let maximum = rows.map(\.value).filter(\.isFinite).max() ?? 0
    var text = ""
    for (row, label) in zip(rows, labels) {
      let bar = Self.bar(fraction(row.value, of: maximum), columns: columns, isUnicode: isUnicode)
      var line = String(repeating: " ", count: labelWidth - displayWidth(label)) + label
      let note = escapedForTerminal(row.note)
      let padding = String(repeating: " ", count: max(0, columns - bar.count))
      line += "  " + bar + (note.isEmpty ? "" : padding + "  " + note)
      while line.last == " " { line.removeLast() }
      text += line + "\n"
    }
    return text
  }

  /// A bar that fills `fraction` of `columns`, in eighths of a column; anything above zero shows.
  static func bar(_ fraction: Double, columns: Int, isUnicode: Bool) -> String {
    let levels = blocks(isUnicode: isUnicode, isHorizontal: true)
    let steps = levels.count - 1
    guard fraction > 0, columns > 0 else { return "" }
    let filled = max(1, Int((fraction * Double(columns * steps)).rounded()))
    let rest = filled % steps
    return String(repeating: levels[steps], count: filled / steps)
      + (rest > 0 ? String(levels[rest]) : "")
  }
}

/// Two quantities over time, one a part of the other: what lives within what is held.
public struct Timeline: Sendable {
  /// The inner quantity; drawn solid.
  public var live: [Double]
  /// The outer quantity; what of it exceeds the inner is drawn light.
  public var held: [Double]

  /// Both series cover the same span of time in equal steps.
  public init(live: [Double], held: [Double]) {
    precondition(live.count == held.count, "a timeline of two lengths")
    self.live = live
    self.held = held
  }

  /// `rows` lines of at most `columns` characters, time running to the right.
  ///
  /// Both quantities share one scale that starts at zero.
  public func render(columns: Int, rows: Int, isUnicode: Bool) -> String {
    let inner = resampled(live, to: columns)
    let outer = resampled(held, to: columns)
    let maximum = (inner + outer).filter(\.isFinite).max() ?? 0
    let solid: Character = isUnicode ? "█" : "#"
    let light: Character = isUnicode ? "░" : "."
    let height = { (value: Double) in
      Int((fraction(value, of: maximum) * Double(rows)).rounded(.up))
    }
    var text = ""
    for row in stride(from: rows, to: 0, by: -1) {
      var line = ""
      for (inner, outer) in zip(inner, outer) {
        line.append(height(inner) >= row ? solid : height(outer) >= row ? light : " ")
      }
      while line.last == " " { line.removeLast() }
      text += line + "\n"
    }
    return text
  }
}
