// Tables of any length, as CSV or as one JSON object a line.

import MemoryUnits

/// How a table is written.
public enum TableForm: Sendable {
  /// Comma-separated values with a line of names first (RFC 4180, with line feeds alone): an unknown
  /// value is an empty cell.
  case csv
  /// One JSON object a line: an unknown value has no key.
  case ndjson
}

/// What a column is called in either form.
struct TableColumn: Sendable {
  var csv: String
  var json: String

  /// `size` in both forms, or `time_ns` and `timeNanoseconds`.
  init(_ csv: String, _ json: String? = nil) {
    self.csv = csv
    self.json = json ?? csv
  }
}

/// Writes the records of one table, value by value, in the order of its columns.
struct TableWriter {
  private var stream: ByteOutput
  private let isCSV: Bool
  /// What stands in front of each value of a JSON object, without the comma.
  private let keys: [[UInt8]]
  private var column = 0
  private var isFirst = true

  /// Begins a table; CSV gets its line of names.
  init(_ columns: [TableColumn], as form: TableForm, to sink: @escaping ByteSink) {
    stream = ByteOutput(to: sink)
    isCSV = form == .csv
    keys = columns.map { Array("\"\($0.json)\":".utf8) }
    if isCSV { stream.put(LineText.csv(columns.map(\.csv)) + "\n") }
  }

  /// Ends a record in which every column got its value, or nil.
  mutating func endRecord() throws {
    if !isCSV {
      if isFirst { stream.put(UInt8(ascii: "{")) }
      stream.put(UInt8(ascii: "}"))
    }
    stream.put(UInt8(ascii: "\n"))
    column = 0
    isFirst = true
    try stream.settle()
  }

  /// Hands on what is left.
  mutating func finish() throws { try stream.flush() }

  mutating func put(_ number: UInt64?) {
    guard begin(number != nil), let number else { return }
    stream.put(decimal: number)
  }

  mutating func put(_ number: Int64?) {
    guard begin(number != nil), let number else { return }
    stream.put(decimal: number)
  }

  mutating func put(_ number: ByteCount?) { put(number?.rawValue) }

  mutating func put(_ number: UInt32?) { put(number.map(UInt64.init)) }

  mutating func put(_ number: Int?) { put(number.map(Int64.init)) }

  mutating func put(_ flag: Bool?) {
    guard begin(flag != nil), let flag else { return }
    if isCSV {
      stream.put(flag ? "1" as StaticString : "0")
    } else {
      stream.put(flag ? "true" as StaticString : "false")
    }
  }

  /// An address is hexadecimal, in JSON a string.
  mutating func put(_ address: Address?) {
    guard begin(address != nil), let address else { return }
    if !isCSV { stream.put(UInt8(ascii: "\"")) }
    stream.put(hexadecimal: address.rawValue)
    if !isCSV { stream.put(UInt8(ascii: "\"")) }
  }

  /// Text that needs no quoting in either form.
  mutating func put(word: String?) {
    guard begin(word != nil), let word else { return }
    if !isCSV { stream.put(UInt8(ascii: "\"")) }
    stream.put(word)
    if !isCSV { stream.put(UInt8(ascii: "\"")) }
  }

  mutating func put(text: String?) {
    guard begin(text != nil), let text else { return }
    if isCSV {
      stream.put(LineText.needsQuotes(text) ? LineText.csv([text]) : text)
    } else {
      stream.put(json: text)
    }
  }

  /// Goes to the next column; false where nothing is written there.
  @inline(__always)
  private mutating func begin(_ isKnown: Bool) -> Bool {
    defer { column += 1 }
    if isCSV {
      if column > 0 { stream.put(UInt8(ascii: ",")) }
      return isKnown
    }
    guard isKnown, column < keys.count else { return false }
    stream.put(isFirst ? UInt8(ascii: "{") : UInt8(ascii: ","))
    isFirst = false
    stream.put(keys[column])
    return true
  }
}
