// Events as comma-separated values (RFC 4180).

import Trace

/// Reads Lacuna's own table of events, with the columns in any order and others between them.
struct CSVImporter: LineImporter {
  private let builder: ImportBuilder
  private var table: EventTable
  private var functions = FunctionNames()
  /// What each field of a line is: a place in ``EventTable/columns``, or nil.
  private var columns: [Int?] = []

  init(_ builder: ImportBuilder, _ options: ImportOptions) {
    self.builder = builder
    table = EventTable(builder)
  }

  mutating func finish() throws(ImportError) { table.finish() }

  mutating func read(_ line: LineCursor, number: UInt64) throws(ImportError) -> SkipReason? {
    guard !columns.isEmpty else {
      try readHead(line, number)
      return nil
    }
    var line = line
    var record = EventRecord()
    var column = 0
    while true {
      guard let field = line.csvField() else { return .malformed }
      if column < columns.count, let meaning = columns[column], !field.isAtEnd {
        guard set(meaning, field, &record) else { return .malformed }
      }
      column += 1
      if line.isAtEnd { break }
      guard line.take(0x2c) else { return .malformed }
      if line.isAtEnd { break }
    }
    return table.add(record)
  }

  private mutating func readHead(_ line: LineCursor, _ number: UInt64) throws(ImportError) {
    var line = line
    _ = line.take("\u{feff}")
    while let field = line.csvField() {
      columns.append(EventTable.columns.firstIndex(of: field.text))
      guard line.take(0x2c) else { break }
    }
    let known = Set(columns.compactMap { $0 })
    guard known.contains(2), known.contains(6), known.contains(3) || known.contains(4) else {
      throw .malformedLine(
        path: builder.sourceName, line: number, expected: ImportFormat.csv.example)
    }
  }

  private mutating func set(_ column: Int, _ field: LineCursor, _ record: inout EventRecord)
    -> Bool
  {
    var field = field
    switch column {
    case 2:
      record.operation = EventRecord.Operation(field)
      return true
    case 9:
      record.hasStack = true
      return true
    case 10:
      record.function = functions.find(field)
      return true
    default: break
    }
    guard let value = field.number(), field.isAtEnd else { return false }
    switch column {
    case 0: record.time = value
    case 1: record.thread = value
    case 3: record.block = value
    case 4: record.address = value
    case 5: record.oldAddress = value
    case 6: record.size = value
    case 7: record.usable = value
    default: record.alignment = value
    }
    return true
  }
}

extension LineCursor {
  /// The field up to the next comma or the end, without its quotes; nil where they do not match.
  ///
  /// Quotes inside quotes stay doubled: no field that means something has any.
  mutating func csvField() -> LineCursor? {
    guard take(0x22) else { return field(endedBy: 0x2c) }
    let content = field(endedBy: 0x22)
    guard take(0x22) else { return nil }
    while take(0x22) {
      _ = field(endedBy: 0x22)
      guard take(0x22) else { return nil }
    }
    return content
  }
}
