// What can go wrong with a trace file as a whole, and what can be missing from one.

/// Why a trace file could not be opened, read or written.
public enum TraceError: Error, Equatable {
  /// The file could not be opened; `reason` is the system's own word for it.
  case cannotOpen(path: String, reason: String)
  /// The path names a directory.
  case isDirectory(path: String)
  /// The file has no bytes at all.
  case empty(path: String)
  /// The file does not begin like a trace.
  case notATrace(path: String)
  /// The trace was written by a later version of the format than this one reads.
  case newerVersion(path: String, found: UInt32, supported: UInt32)
  /// The system refused to read the bytes at `offset`.
  case cannotRead(path: String, offset: Int, reason: String)
  /// The bytes at `offset` are not what the format demands there.
  case damaged(path: String, offset: Int, expected: String)
  /// The file could not be created or extended.
  case cannotWrite(path: String, reason: String)
}

extension TraceError: CustomStringConvertible {
  /// What is wrong with which file, and what to do where that is known.
  public var description: String {
    switch self {
    case .cannotOpen(let path, let reason):
      "cannot open \(path): \(reason)"
    case .isDirectory(let path):
      "\(path) is a directory; a trace is a file"
    case .empty(let path):
      "\(path) is empty: nothing was recorded, or its writer never started"
    case .notATrace(let path):
      "\(path) is not a trace: expected the bytes 89 'LACUNA' 0a at offset 0"
    case .newerVersion(let path, let found, let supported):
      "\(path) has format version \(found), this reader knows versions up to \(supported): "
        + "use the version of lacuna that wrote it, or a later one"
    case .cannotRead(let path, let offset, let reason):
      "cannot read \(path) at offset \(offset): \(reason)"
    case .damaged(let path, let offset, let expected):
      "\(path) is damaged at offset \(offset): expected \(expected)"
    case .cannotWrite(let path, let reason):
      "cannot write \(path): \(reason)"
    }
  }
}

/// A part of a trace file that could not be read.
public struct TraceDamage: Sendable, Equatable {
  /// The bytes of the file that are of no use.
  public var bytes: Range<Int>
  /// The number of the chunk, where it is known.
  public var sequence: UInt32?
  /// Steps known to be lost with it; 0 where the part held none or the number is unknown.
  public var lostSteps: UInt64
  /// What was found and what is lost, in words.
  public var explanation: String

  /// Makes a description of damage.
  public init(bytes: Range<Int>, sequence: UInt32?, lostSteps: UInt64, explanation: String) {
    self.bytes = bytes
    self.sequence = sequence
    self.lostSteps = lostSteps
    self.explanation = explanation
  }
}

extension TraceDamage: CustomStringConvertible {
  /// The chunk, the bytes, what was found, and what is lost.
  public var description: String {
    let chunk = sequence.map { "chunk \($0), " } ?? ""
    let loss = lostSteps == 0 ? "" : " (\(lostSteps) steps lost)"
    return "\(chunk)bytes \(bytes.lowerBound)..<\(bytes.upperBound): \(explanation)\(loss)"
  }
}
