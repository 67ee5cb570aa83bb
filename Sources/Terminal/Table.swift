// Tables as text: columns that line up.

/// A table of text with a header, for people.
public struct Table: Sendable {
  /// On which side of its column a text stands.
  public enum Alignment: Sendable {
    case left
    case right
  }

  /// What holds for all cells of a column.
  public struct Column: Sendable {
    /// The heading; a table whose titles are all empty has none.
    public var title: String
    /// Where the cells stand.
    public var alignment: Alignment
    /// Whether cells of this column are cut where the table is wider than the terminal.
    ///
    /// Of several such columns only the first is cut.
    public var isFlexible: Bool

    /// A column.
    public init(_ title: String, _ alignment: Alignment = .left, isFlexible: Bool = false) {
      self.title = title
      self.alignment = alignment
      self.isFlexible = isFlexible
    }
  }

  /// A text and its style.
  public struct Cell: ExpressibleByStringInterpolation, Sendable {
    /// What stands in the cell.
    public var text: String
    /// How it looks, nil for plain.
    public var style: Style?

    /// A cell.
    public init(_ text: String, _ style: Style? = nil) {
      self.text = text
      self.style = style
    }

    /// A plain cell.
    public init(stringLiteral value: String) { self.init(value) }
  }

  /// Flexible columns are never cut below this width.
  public static let narrowestFlexibleColumn = 12

  private static let gap = "  "

  /// The columns, from left to right.
  public var columns: [Column]
  /// The rows, from top to bottom, without the header.
  public private(set) var rows: [[Cell]] = []

  /// An empty table.
  public init(columns: [Column]) { self.columns = columns }

  /// Adds a row.
  ///
  /// Missing cells are empty; there must not be more cells than columns.
  public mutating func add(_ cells: [Cell]) {
    precondition(cells.count <= columns.count, "a row with more cells than the table has columns")
    rows.append(cells + Array(repeating: Cell(""), count: columns.count - cells.count))
  }

  /// The table as lines, each ended by a line feed and none with blanks before it.
  ///
  /// What could command a terminal is escaped.
  ///
  /// The flexible column is cut only for a terminal: what goes to a file or another program is
  /// whole.
  ///
  /// - Complexity: O(number of characters)
  public func render(_ traits: TerminalTraits) -> String {
    let cells = rows.map { $0.map { Cell(escapedForTerminal($0.text), $0.style) } }
    let titles = columns.map { Cell(escapedForTerminal($0.title), .heading) }
    let widths = widths(of: [titles] + cells, fitting: traits.isTerminal ? traits.columns : nil)
    let styler = Styler(traits)
    var text = ""
    for row in (columns.allSatisfy(\.title.isEmpty) ? [] : [titles]) + cells {
      text += line(row, widths: widths, styler: styler, isUnicode: traits.isUnicode) + "\n"
    }
    return text
  }

  private func widths(of rows: [[Cell]], fitting limit: Int?) -> [Int] {
    var widths = Array(repeating: 0, count: columns.count)
    for row in rows {
      for (index, cell) in row.enumerated() {
        widths[index] = max(widths[index], displayWidth(cell.text))
      }
    }
    if let limit, let flexible = columns.firstIndex(where: \.isFlexible) {
      let total = widths.reduce(0, +) + Self.gap.count * max(0, columns.count - 1)
      let wanted = widths[flexible] - max(0, total - limit)
      widths[flexible] = min(widths[flexible], max(wanted, Self.narrowestFlexibleColumn))
    }
    return widths
  }

  private func line(_ row: [Cell], widths: [Int], styler: Styler, isUnicode: Bool) -> String {
    var line = ""
    // Blanks are written only when something follows them.
    var pending = 0
    for (index, cell) in row.enumerated() {
      let text = truncated(cell.text, toColumns: widths[index], isUnicode: isUnicode)
      let padding = widths[index] - displayWidth(text)
      let isRight = columns[index].alignment == .right
      if isRight { pending += padding }
      if !text.isEmpty {
        line += String(repeating: " ", count: pending)
        pending = 0
        line += cell.style.map { styler(text, $0) } ?? text
      }
      if !isRight { pending += padding }
      pending += Self.gap.count
    }
    return line
  }
}
