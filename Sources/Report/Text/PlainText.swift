// A text document as plain lines of a given width.

extension TextDocument {
  /// The document as lines of at most `width` columns (at least 20), without trailing spaces and
  /// with nothing but text: no colour, no control sequence.
  public func plainText(width: Int = 100) -> String {
    let width = max(width, 20)
    var lines: [String] = []
    for block in blocks {
      if !lines.isEmpty { lines.append("") }
      lines += block.lines(width: width)
    }
    return lines.map { line in
      String(line.shortened(to: width).reversed().drop { $0 == " " }.reversed()) + "\n"
    }.joined()
  }
}

extension TextBlock {
  fileprivate func lines(width: Int) -> [String] {
    switch self {
    case .heading(let text, let level):
      let lines = text.wrapped(to: width)
      guard level <= 2 else { return lines }
      let longest = lines.map(\.columns).max() ?? 0
      return lines + [String(repeating: level == 1 ? "=" : "-", count: longest)]
    case .paragraph(let text):
      return text.wrapped(to: width)
    case .warning(let text):
      return text.wrapped(to: width - 2).enumerated().map { ($0 == 0 ? "! " : "  ") + $1 }
    case .facts(let facts):
      let names = min(facts.map(\.name.columns).max() ?? 0, width / 2)
      return facts.flatMap { fact in
        let values = fact.value.wrapped(to: width - names - 2)
        return (values.isEmpty ? [""] : values).enumerated().map { index, value in
          (index == 0 ? fact.name : "").shortened(to: names).padded(to: names) + "  " + value
        }
      }
    case .table(let table):
      return table.lines(width: width)
    case .bars(let bars):
      return chart(bars.map { ($0.name, $0.figure) }, width: width) { index, room in
        Self.bar(bars[index].fraction, room: room)
      }
    case .courses(let courses):
      return chart(courses.map { ($0.name, $0.figure) }, width: width) { index, room in
        Self.sparkline(courses[index].fractions, room: room)
      }
    }
  }

  /// Lines of a name, a drawing of equal width and a figure.
  private func chart(
    _ labels: [(name: String, figure: String)], width: Int, draw: (Int, Int) -> String
  ) -> [String] {
    let names = min(labels.map(\.name.columns).max() ?? 0, width / 3)
    let figures = min(labels.map(\.figure.columns).max() ?? 0, width / 3)
    let room = min(width - names - figures - 4, 64)
    return labels.enumerated().map { index, label in
      let name = label.name.shortened(to: names).padded(to: names)
      let figure = label.figure.shortened(to: figures).padded(to: figures, .right)
      guard room >= 4 else { return name + "  " + figure }
      return name + "  " + draw(index, room).padded(to: room) + "  " + figure
    }
  }

  /// A bar in eighths of a column; what is not zero shows at least one eighth.
  private static func bar(_ fraction: Double, room: Int) -> String {
    let eighths = Int((fraction * Double(room) * 8).rounded())
    let shown = fraction > 0 ? max(eighths, 1) : 0
    let partial = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
    return String(repeating: "█", count: shown / 8) + partial[shown % 8]
  }

  /// One of eight heights for each column: the largest value that falls into it.
  private static func sparkline(_ fractions: [Double], room: Int) -> String {
    guard !fractions.isEmpty else { return "" }
    let heights = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
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

  fileprivate func lines(width: Int) -> [String] {
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
    func line(_ cells: [String]) -> String {
      shown.map { column in
        cells[column].shortened(to: widths[column])
          .padded(to: widths[column], columns[column].alignment)
      }.joined(separator: String(repeating: " ", count: Self.gap))
    }
    let rule = shown.map { String(repeating: "─", count: widths[$0]) }
      .joined(separator: String(repeating: " ", count: Self.gap))
    return [line(columns.map(\.title)), rule] + rows.map(line)
  }
}
