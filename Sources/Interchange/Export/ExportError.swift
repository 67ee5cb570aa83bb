// Why something could not be written in another tool's format.

/// What stands in the way of an export, apart from the place that it is written to.
public enum ExportError: Error, Equatable, CustomStringConvertible {
  /// The system has no memory left.
  case noMemory
  /// SQLite could not write its file; its own words.
  case database(String)

  /// What is wrong, in words.
  public var description: String {
    switch self {
    case .noMemory: "there is no memory left to pack the output"
    case .database(let reason): "cannot write the database: \(reason)"
    }
  }
}
