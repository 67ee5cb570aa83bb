// A report in text, as structure: what to say, not how a terminal says it.

/// Headings, paragraphs, tables and simple charts, in order.
///
/// Knows no terminal: a command renders it with colour where there is one; ``text(_:)``
/// needs none. Every text in it is harmless to print: what would act on a terminal (control
/// characters, marks of direction) was made visible when it was added.
public struct TextDocument: Sendable, Equatable {
  /// In the order in which they are read.
  public private(set) var blocks: [TextBlock] = []

  /// An empty document.
  public init() {}

  /// A document of these blocks.
  public init(_ blocks: [TextBlock]) {
    self.blocks = blocks.map(\.madeVisible)
  }

  /// Adds a block at the end.
  public mutating func append(_ block: TextBlock) {
    blocks.append(block.madeVisible)
  }

  /// Adds all blocks of another document at the end.
  public mutating func append(contentsOf document: TextDocument) {
    blocks += document.blocks
  }
}

/// One piece of a ``TextDocument``.
public enum TextBlock: Sendable, Equatable {
  /// Level 1 is the title; level 2 a section; level 3 a part of one.
  case heading(String, level: Int)
  case paragraph(String)
  /// Something that the reader must know before trusting a figure.
  case warning(String)
  /// Lines of a name and a value.
  case facts([TextFact])
  case table(TextTable)
  /// Horizontal bars on a common scale.
  case bars([TextBar])
  /// Small line charts over the same time, on a common scale.
  case courses([TextCourse])
}

/// A name and a value.
public struct TextFact: Sendable, Equatable {
  /// What the value is.
  public var name: String
  /// The value, with its unit.
  public var value: String

  /// A name and a value.
  public init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}

/// A horizontal bar with its name before and its figure behind it.
public struct TextBar: Sendable, Equatable {
  /// What the value is.
  public var name: String
  /// The length, as a part of the longest possible bar: 0 through 1.
  public var fraction: Double
  /// The value in words, with its unit.
  public var figure: String

  /// A bar; a fraction outside 0 through 1 is clamped, one that is no number is zero.
  public init(_ name: String, fraction: Double, figure: String) {
    self.name = name
    self.fraction = fraction.isFinite ? min(max(fraction, 0), 1) : 0
    self.figure = figure
  }
}

/// A course of values at even distances in time.
public struct TextCourse: Sendable, Equatable {
  /// What the value is.
  public var name: String
  /// Each as a part of the largest of all courses of the block: 0 through 1.
  public var fractions: [Double]
  /// The value in words, with its unit.
  public var figure: String

  /// A course; fractions outside 0 through 1 are clamped, those that are no numbers are zero.
  public init(_ name: String, fractions: [Double], figure: String) {
    self.name = name
    self.fractions = fractions.map { $0.isFinite ? min(max($0, 0), 1) : 0 }
    self.figure = figure
  }
}

/// Rows under named columns.
public struct TextTable: Sendable, Equatable {
  /// The heads, from left to right.
  public var columns: [TextColumn]
  /// Each row has one cell for each column.
  public var rows: [[String]]
  /// Indices of rows that stand out.
  public var emphasised: Set<Int>

  /// A table.
  ///
  /// Rows that are too short are filled with empty cells, longer ones cut.
  public init(columns: [TextColumn], rows: [[String]], emphasised: Set<Int> = []) {
    self.columns = columns
    self.rows = rows.map { row in
      columns.indices.map { row.indices.contains($0) ? row[$0] : "" }
    }
    self.emphasised = emphasised
  }
}

/// The head of a column.
public struct TextColumn: Sendable, Equatable {
  /// Where cells stand in their column.
  public enum Alignment: Sendable { case left, right }

  /// What the column holds.
  public var title: String
  /// Names left, figures right.
  public var alignment: Alignment
  /// May be shortened where space is short: names, not figures.
  public var isFlexible: Bool
  /// May be left out where space is short.
  public var isMinor: Bool

  /// The head of a column of figures, unless said otherwise.
  public init(
    _ title: String, _ alignment: Alignment = .right, isFlexible: Bool = false,
    isMinor: Bool = false
  ) {
    self.title = title
    self.alignment = alignment
    self.isFlexible = isFlexible
    self.isMinor = isMinor
  }
}

extension TextBlock {
  /// The same block with every text made harmless.
  fileprivate var madeVisible: TextBlock {
    switch self {
    case .heading(let text, let level): return .heading(text.visible, level: level)
    case .paragraph(let text): return .paragraph(text.visible)
    case .warning(let text): return .warning(text.visible)
    case .facts(let facts):
      return .facts(facts.map { TextFact($0.name.visible, $0.value.visible) })
    case .table(var table):
      for index in table.columns.indices {
        table.columns[index].title = table.columns[index].title.visible
      }
      table.rows = table.rows.map { $0.map(\.visible) }
      return .table(table)
    case .bars(let bars):
      return .bars(
        bars.map { TextBar($0.name.visible, fraction: $0.fraction, figure: $0.figure.visible) })
    case .courses(let courses):
      return .courses(
        courses.map {
          TextCourse($0.name.visible, fractions: $0.fractions, figure: $0.figure.visible)
        })
    }
  }
}
