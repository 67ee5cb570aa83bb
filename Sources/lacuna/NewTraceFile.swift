// A trace file that appears whole or not at all.

import ArgumentParser
import Glibc

/// A trace that is written beside its final name and renamed when it is complete.
///
/// What is no regular file, such as `/dev/null`, is written to as it is.
struct NewTraceFile {
  let path: String
  private let target: String
  private let isReplaced: Bool

  /// Says why the file cannot be written, and exits with 1, where that is known from the start.
  init(_ path: String) throws {
    self.path = path
    let resolved = realpath(path, nil)
    defer { free(resolved) }
    target = resolved.map { String(cString: $0) } ?? path
    var status = stat()
    let exists = stat(path, &status) == 0
    isReplaced = !exists || status.st_mode & S_IFMT == S_IFREG
    if exists, status.st_mode & S_IFMT == S_IFDIR { throw Self.refuse(path, EISDIR) }
    if exists, access(path, W_OK) != 0 { throw Self.refuse(path, errno) }
  }

  /// Where the trace is to be written.
  var temporary: String { isReplaced ? target + ".\(getpid()).part" : target }

  /// Gives the trace its name.
  func keep() throws {
    guard isReplaced else { return }
    guard rename(temporary, target) == 0 else {
      let code = errno
      unlink(temporary)
      throw Self.refuse(path, code)
    }
  }

  /// Leaves nothing behind.
  func discard() { if isReplaced { unlink(temporary) } }

  private static func refuse(_ path: String, _ code: Int32) -> ExitCode {
    fail("cannot write \(path): \(String(cString: strerror(code)))")
    return ExitCode(1)
  }
}
