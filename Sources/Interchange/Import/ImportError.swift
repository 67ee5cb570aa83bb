// What can stand in the way of an import as a whole.

public import Trace

/// Why nothing could be imported.
///
/// Single lines that cannot be read are no errors: they are counted by ``ImportSummary``.
public enum ImportError: Error, Equatable {
  /// The file could not be opened; `reason` is the system's own word for it.
  case cannotOpen(path: String, reason: String)
  /// The path names a directory.
  case isDirectory(path: String)
  /// The system refused to read the bytes at `offset`.
  case cannotRead(path: String, offset: UInt64, reason: String)
  /// There is nothing in the file.
  case empty(path: String)
  /// The file is packed, and its packed bytes are damaged or end at about `offset`.
  case damagedPacking(path: String, offset: UInt64, packing: String, reason: String)
  /// The file is a trace of Lacuna's own.
  case isTrace(path: String)
  /// The beginning of the file is like none of the known formats.
  case unknownFormat(path: String)
  /// No line could be read as one of that format.
  case notThisFormat(path: String, format: ImportFormat, line: UInt64, expected: String)
  /// The line is not what it must be, and nothing after it can be understood without it.
  case malformedLine(path: String, line: UInt64, expected: String)
  /// The bytes at `offset` are not what they must be, and nothing after them can be understood.
  case malformedBytes(path: String, offset: UInt64, expected: String)
  /// A line goes on for more than so many bytes: this is no text.
  case endlessLine(path: String, line: UInt64, bytes: UInt64)
  /// The format must be read as a whole, and there is more than so many bytes of it.
  case tooLarge(path: String, limit: UInt64)
  /// The trace could not be written.
  case cannotWrite(TraceError)
}

extension ImportError: CustomStringConvertible {
  /// What is wrong with which file and where, and what to do where that is known.
  public var description: String {
    switch self {
    case .cannotOpen(let path, let reason):
      "cannot open \(path): \(reason)"
    case .isDirectory(let path):
      "\(path) is a directory; name the file to import"
    case .cannotRead(let path, let offset, let reason):
      "cannot read \(path) at byte \(offset): \(reason)"
    case .empty(let path):
      "\(path) is empty"
    case .damagedPacking(let path, let offset, let packing, let reason):
      "\(path) cannot be unpacked (\(packing)) at byte \(offset): \(reason)"
    case .isTrace(let path):
      "\(path) is a trace already: lacuna report \(path) shows it"
    case .unknownFormat(let path):
      "\(path) begins like none of the formats that can be imported; say which one it is with "
        + "--from (lacuna import --help lists them)"
    case .notThisFormat(let path, let format, let line, let expected):
      "\(path) is not in the format \(format.rawValue): line \(line) is not \(expected)"
    case .malformedLine(let path, let line, let expected):
      "\(path), line \(line): expected \(expected)"
    case .malformedBytes(let path, let offset, let expected):
      "\(path), byte \(offset): expected \(expected)"
    case .endlessLine(let path, let line, let bytes):
      "\(path), line \(line): a line of more than \(bytes) bytes; this is no text"
    case .tooLarge(let path, let limit):
      "\(path) has more than \(limit) bytes of a format that must be read as a whole"
    case .cannotWrite(let error):
      "\(error)"
    }
  }
}
