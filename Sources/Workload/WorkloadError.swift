// Why a workload could not be generated.

internal import Glibc
public import Trace

/// Why a workload could not be generated.
public enum WorkloadError: Error, Equatable, CustomStringConvertible {
  /// A file of sizes cannot be read; with the system's error code.
  case cannotRead(path: String, Int32)
  /// A file of sizes has a line that is none of its format.
  case badTable(path: String, line: Int, String)
  /// `lifetimes=empirical`, and the file has no live counts.
  case noLifetimes(path: String)
  /// The trace cannot be written.
  case cannotWrite(TraceError)

  /// What is wrong, and where.
  public var description: String {
    switch self {
    case .cannotRead(let path, let code):
      "cannot read \(path): " + (code == EINVAL ? "it is no regular file" : text(code))
    case .badTable(let path, let line, let message): "\(path), line \(line): \(message)"
    case .noLifetimes(let path):
      "\(path) does not say how many blocks of each size live, which lifetimes=empirical needs"
    case .cannotWrite(let error): "\(error)"
    }
  }

  private func text(_ code: Int32) -> String { String(cString: strerror(code)) }
}
