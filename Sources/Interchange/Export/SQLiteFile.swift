// A SQLite database that is written once.

import CSQLite
import MemoryUnits

/// What a cell of a database holds.
enum SQLiteValue {
  case null
  case integer(Int64)
  case text(String)

  static func integer(_ number: UInt64?) -> SQLiteValue {
    number.map { .integer(Int64(bitPattern: $0)) } ?? .null
  }

  static func integer(_ number: UInt32?) -> SQLiteValue {
    number.map { .integer(Int64($0)) } ?? .null
  }

  static func integer(_ number: Int64?) -> SQLiteValue { number.map { .integer($0) } ?? .null }

  static func integer(_ number: Int?) -> SQLiteValue { number.map { .integer(Int64($0)) } ?? .null }

  static func address(_ address: Address?) -> SQLiteValue { integer(address?.rawValue) }

  static func text(_ text: String?) -> SQLiteValue { text.map { .text($0) } ?? .null }

  /// Text where it says anything.
  static func name(_ text: String) -> SQLiteValue { text.isEmpty ? .null : .text(text) }
}

/// A new database, filled by one connection in one go.
///
/// There is no journal: the file is thrown away where the writing fails. Not for use by several
/// threads at once.
final class SQLiteFile {
  private let connection: OpaquePointer

  /// Makes the file, which must not hold a database yet.
  init(path: String) throws(ExportError) {
    var connection: OpaquePointer?
    let code = sqlite3_open_v2(
      path, &connection, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nil)
    guard code == SQLITE_OK, let connection else {
      sqlite3_close(connection)
      throw .database(String(cString: sqlite3_errstr(code)))
    }
    self.connection = connection
    try run("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE")
  }

  deinit { sqlite3_close_v2(connection) }

  /// Runs statements that give no rows.
  func run(_ statements: String) throws(ExportError) {
    guard sqlite3_exec(connection, statements, nil, nil, nil) == SQLITE_OK else { throw failure }
  }

  /// What the last call failed of.
  var failure: ExportError { .database(String(cString: sqlite3_errmsg(connection))) }

  /// Prepares to add rows to a table.
  func inserter(into table: String, columns: Int) throws(ExportError) -> SQLiteInserter {
    let places = Array(repeating: "?", count: columns).joined(separator: ",")
    var statement: OpaquePointer?
    guard
      sqlite3_prepare_v3(
        connection, "INSERT INTO \(table) VALUES(\(places))", -1,
        UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil) == SQLITE_OK, let statement
    else { throw failure }
    return SQLiteInserter(statement, of: self)
  }
}

/// Adds rows to one table by a statement that was prepared once.
final class SQLiteInserter {
  private let statement: OpaquePointer
  private let file: SQLiteFile

  fileprivate init(_ statement: OpaquePointer, of file: SQLiteFile) {
    self.statement = statement
    self.file = file
  }

  deinit { sqlite3_finalize(statement) }

  /// Adds a row.
  func add(_ values: SQLiteValue...) throws(ExportError) {
    for (index, value) in values.enumerated() {
      let place = Int32(index + 1)
      switch value {
      case .null: sqlite3_bind_null(statement, place)
      case .integer(let number): sqlite3_bind_int64(statement, place, number)
      case .text(let text):
        // SQLite makes a copy: the text need not outlive the call.
        let copies = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        var text = text
        _ = text.withUTF8 { bytes in
          bytes.withMemoryRebound(to: CChar.self) {
            sqlite3_bind_text(statement, place, $0.baseAddress, Int32(clamping: $0.count), copies)
          }
        }
      }
    }
    let code = sqlite3_step(statement)
    sqlite3_reset(statement)
    guard code == SQLITE_DONE else { throw file.failure }
  }
}
