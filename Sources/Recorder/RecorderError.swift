// What can keep a program from being recorded.

import Glibc

/// Why a recording could not be made.
public enum RecorderError: Error, CustomStringConvertible {
  /// A system call failed: what was tried, and its errno.
  case system(String, Int32)
  /// `liblacuna.so` is in none of the places where it is looked for.
  case libraryNotFound(tried: [String])
  /// The path of the library has a character that the loader takes for a separator.
  case libraryPathUnusable(String)
  /// The program could not be started; `errno` says why.
  case cannotStart(String, Int32)

  /// What went wrong and what to do, in one sentence.
  public var description: String {
    switch self {
    case .system(let what, let code): "\(what): \(Self.message(code))"
    case .libraryNotFound(let tried):
      "liblacuna.so was not found. It lies beside the lacuna command after a build, or under "
        + "PREFIX/lib/lacuna; set LACUNA_LIBRARY to its path otherwise. Looked for "
        + tried.joined(separator: ", ")
    case .libraryPathUnusable(let path):
      "the path of liblacuna.so must have no colon and no blank, since the loader would split it "
        + "there: \(path)"
    case .cannotStart(let program, let code): "cannot run \(program): \(Self.message(code))"
    }
  }

  static func message(_ code: Int32) -> String { String(cString: strerror(code)) }
}
