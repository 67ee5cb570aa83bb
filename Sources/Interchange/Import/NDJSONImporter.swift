// Events as JSON objects, one a line.

import Trace

/// Reads Lacuna's own table of events; members in any order, and others between them.
struct NDJSONImporter: LineImporter {
  private let builder: ImportBuilder
  private var table: EventTable
  private var functions = FunctionNames()

  init(_ builder: ImportBuilder, _ options: ImportOptions) {
    self.builder = builder
    table = EventTable(builder)
  }

  mutating func finish() throws(ImportError) { table.finish() }

  mutating func read(_ line: LineCursor, number: UInt64) throws(ImportError) -> SkipReason? {
    var line = line
    var record = EventRecord()
    line.skipSpaces()
    guard line.take(0x7b) else { return .malformed }
    line.skipSpaces()
    if line.take(0x7d) { return table.add(record) }
    while true {
      line.skipSpaces()
      guard let name = line.jsonString() else { return .malformed }
      line.skipSpaces()
      guard line.take(0x3a) else { return .malformed }
      line.skipSpaces()
      guard let value = line.jsonValue(), set(name, value, &record) else { return .malformed }
      line.skipSpaces()
      if line.take(0x2c) { continue }
      guard line.take(0x7d), line.isBlank else { return .malformed }
      return table.add(record)
    }
  }

  private mutating func set(
    _ name: LineCursor, _ value: LineCursor, _ record: inout EventRecord
  ) -> Bool {
    if value.isExactly("null") { return true }
    if name.isExactly("operation") {
      record.operation = EventRecord.Operation(value)
    } else if name.isExactly("function") {
      record.function = functions.find(value)
    } else if name.isExactly("stack") {
      record.hasStack = true
    } else {
      return setNumber(name, value, &record)
    }
    return true
  }

  private func setNumber(
    _ name: LineCursor, _ value: LineCursor, _ record: inout EventRecord
  ) -> Bool {
    var value = value
    let number = value.number()
    func store(_ field: inout UInt64?) -> Bool {
      guard let number, value.isAtEnd else { return false }
      field = number
      return true
    }
    if name.isExactly("timeNanoseconds") { return store(&record.time) }
    if name.isExactly("thread") { return store(&record.thread) }
    if name.isExactly("block") { return store(&record.block) }
    if name.isExactly("address") { return store(&record.address) }
    if name.isExactly("oldAddress") { return store(&record.oldAddress) }
    if name.isExactly("size") { return store(&record.size) }
    if name.isExactly("usable") { return store(&record.usable) }
    if name.isExactly("alignment") { return store(&record.alignment) }
    return true
  }
}

extension LineCursor {
  /// Arrays and objects inside each other, at most: nobody means more.
  private static let deepest = 16

  /// What stands between two quotes; escapes stay as they are.
  fileprivate mutating func jsonString() -> LineCursor? {
    guard take(0x22) else { return nil }
    var rest = self
    while let byte = rest.peek {
      if byte == 0x22 {
        let content = prefix(UInt64(count - rest.count))
        skip(1)
        return content
      }
      rest.skip(byte == 0x5c ? 2 : 1)
    }
    return nil
  }

  /// A value, without quotes if it is a string; what is nested is passed over and nothing is left of
  /// it.
  fileprivate mutating func jsonValue() -> LineCursor? {
    switch peek {
    case 0x22: return jsonString()
    case 0x5b, 0x7b: return skipNested() ? prefix(0) : nil
    default:
      var rest = self
      while let byte = rest.peek, byte != 0x2c, byte != 0x7d, byte != 0x5d, byte != 0x20 {
        rest.skip(1)
      }
      guard rest.count < count else { return nil }
      return prefix(UInt64(count - rest.count))
    }
  }

  private mutating func skipNested() -> Bool {
    var depth = 0
    while let byte = peek {
      switch byte {
      case 0x22:
        guard jsonString() != nil else { return false }
        continue
      case 0x5b, 0x7b:
        depth += 1
        guard depth <= Self.deepest else { return false }
      case 0x5d, 0x7d: depth -= 1
      default: break
      }
      skip(1)
      if depth == 0 { return true }
    }
    return false
  }
}
