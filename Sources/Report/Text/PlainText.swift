// A text document as lines, for a terminal or for another program.

/// What a line is, for those who show it with more than text.
public enum TextRole: Sendable {
  case heading
  case warning
  /// The titles of a table, and rows that stand out.
  case emphasis
}

/// What the place can show that a document is written to.
public struct TextLook {
  /// Columns; at least 20.
  public var width: Int
  /// Whether characters beyond ASCII can be drawn with.
  public var isUnicode: Bool
  /// Whether tables are cut to the width.
  ///
  /// What another program reads should be whole.
  public var cutsTables: Bool
  /// Puts a style on a finished line.
  public var style: (String, TextRole) -> String

  /// A place of a hundred columns that shows Unicode and no styles, unless said otherwise.
  public init(
    width: Int = 100, isUnicode: Bool = true, cutsTables: Bool = true,
    style: @escaping (String, TextRole) -> String = { line, _ in line }
  ) {
    self.width = max(width, 20)
    self.isUnicode = isUnicode
    self.cutsTables = cutsTables
    self.style = style
  }
}

extension TextDocument {
  /// The document as lines without trailing spaces and, unless the look styles them, with nothing
  /// but text.
  public func text(_ look: TextLook = TextLook()) -> String {
    var lines: [TextLine] = []
    for block in blocks {
      if !lines.isEmpty { lines.append(TextLine("")) }
      lines += block.lines(look)
    }
    return lines.map { line in
      let cut = line.isWhole && !look.cutsTables ? line.text : line.text.shortened(to: look.width)
      let text = String(cut.reversed().drop { $0 == " " }.reversed())
      return (line.role.map { look.style(text, $0) } ?? text) + "\n"
    }.joined()
  }
}

/// A line of a document on its way out.
private struct TextLine {
  var text: String
  var role: TextRole?
  /// Whether the line belongs to a table.
  var isWhole = false

  init(_ text: String, _ role: TextRole? = nil) {
    self.text = text
    self.role = role
  }
}

extension TextBlock {
  fileprivate func lines(_ look: TextLook) -> [TextLine] {
    let width = look.width
    switch self {
    case .heading(let text, let level):
      let lines = text.wrapped(to: width)
      guard level <= 2 else { return lines.map { TextLine($0, .emphasis) } }
      let longest = lines.map(\.columns).max() ?? 0
      let rule = String(repeating: level == 1 ? "=" : "-", count: longest)
      return (lines + [rule]).map { TextLine($0, .heading) }
    case .paragraph(let text):
      return text.wrapped(to: width).map { TextLine($0) }
    case .warning(let text):
      return text.wrapped(to: width - 2).enumerated().map {
        TextLine(($0 == 0 ? "! " : "  ") + $1, .warning)
      }
    case .facts(let facts):
      let names = min(facts.map(\.name.columns).max() ?? 0, width / 2)
      return facts.flatMap { fact in
        let values = fact.value.wrapped(to: width - names - 2)
        return (values.isEmpty ? [""] : values).enumerated().map { index, value in
          TextLine(
            (index == 0 ? fact.name : "").shortened(to: names).padded(to: names) + "  " + value)
        }
      }
    case .table(let table):
      return table.lines(look)
    case .bars(let bars):
      return chart(bars.map { ($0.name, $0.figure) }, width: width) { index, room in
        Self.bar(bars[index].fraction, room: room, isUnicode: look.isUnicode)
      }
    case .courses(let courses):
      return chart(courses.map { ($0.name, $0.figure) }, width: width) { index, room in
        Self.sparkline(courses[index].fractions, room: room, isUnicode: look.isUnicode)
      }
    }
  }

  /// Lines of a name, a drawing of equal width and a figure.
  private func chart(
    _ labels: [(name: String, figure: String)], width: Int, draw: (Int, Int) -> String
  ) -> [TextLine] {
    let names = min(labels.map(\.name.columns).max() ?? 0, width / 3)
    let figures = min(labels.map(\.figure.columns).max() ?? 0, width / 3)
    let room = min(width - names - figures - 4, 64)
    return labels.enumerated().map { index, label in
      let name = label.name.shortened(to: names).padded(to: names)
      let figure = label.figure.shortened(to: figures).padded(to: figures, .right)
      guard room >= 4 else { return TextLine(name + "  " + figure) }
      return TextLine(name + "  " + draw(index, room).padded(to: room) + "  " + figure)
    }
  }

  /// A bar in eighths of a column; what is not zero shows at least one eighth.
  private static func bar(_ fraction: Double, room: Int, isUnicode: Bool) -> String {
    guard isUnicode else {
      let columns = Int((fraction * Double(room)).rounded())
      return String(repeating: "#", count: fraction > 0 ? max(columns, 1) : 0)
    }
    let eighths = Int((fraction * Double(room) * 8).rounded())
    let shown = fraction > 0 ? max(eighths, 1) : 0
    let partial = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
    return String(repeating: "█", count: shown / 8) + partial[shown % 8]
  }

  /// One of eight heights for each column: the largest value that falls into it.
  private static func sparkline(_ fractions: [Double], room: Int, isUnicode: Bool) -> String {
    guard !fractions.isEmpty else { return "" }
    let heights =
      isUnicode
      ? ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"] : ["_", ".", ",", "-", "=", "+", "*", "#"]
    return (0..<room).map { column in
      let first = column * fractions.count / room
      let last = max((column + 1) * fractions.count / room, first + 1)
      let value = fractions[first..<min(last, fractions.count)].max() ?? 0
      return heights[min(Int(value * 8), 7)]
    }.joined()
  }
}

extension TextTable {
  private static let gap = 2
  private static let widestUncut = 60

  fileprivate func lines(_ look: TextLook) -> [TextLine] {
    let width = look.cutsTables ? look.width : .max
    var shown = Array(columns.indices)
    var widths = columns.indices.map { column in
      max(columns[column].title.columns, rows.map { $0[column].columns }.max() ?? 0)
    }
    func total() -> Int {
      shown.reduce(0) { $0 + widths[$1] } + Self.gap * max(shown.count - 1, 0)
    }
    func narrowFlexible(to least: Int) {
      for column in shown where columns[column].isFlexible && total() > width {
        widths[column] = max(min(least, widths[column]), widths[column] - (total() - width))
      }
    }
    // First what can be read shortened, then what can be missed, then what is left.
    narrowFlexible(to: 24)
    while total() > width, let minor = shown.last(where: { columns[$0].isMinor }) {
      shown.removeAll { $0 == minor }
    }
    narrowFlexible(to: 8)
    if !look.cutsTables {
      // Names stay whole, but one that is very long does not push all others aside.
      for column in shown where columns[column].isFlexible {
        widths[column] = min(widths[column], Self.widestUncut)
      }
    }
    func line(_ cells: [String]) -> String {
      shown.map { column in
        (look.cutsTables ? cells[column].shortened(to: widths[column]) : cells[column])
          .padded(to: widths[column], columns[column].alignment)
      }.joined(separator: String(repeating: " ", count: Self.gap))
    }
    let rule = shown.map { String(repeating: look.isUnicode ? "─" : "-", count: widths[$0]) }
      .joined(separator: String(repeating: " ", count: Self.gap))
    let lines =
      [TextLine(line(columns.map(\.title)), .emphasis), TextLine(rule)]
      + rows.enumerated().map { TextLine(line($1), emphasised.contains($0) ? .emphasis : nil) }
    return lines.map {
      var line = $0
      line.isWhole = true
      return line
    }
  }
}
