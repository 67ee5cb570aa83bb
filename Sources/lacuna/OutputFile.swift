// A result file that appears whole or not at all.

import ArgumentParser
import Glibc
import Terminal

/// A file that is written beside its final name first and renamed when it is complete.
struct OutputFile {
  let path: String
  private let temporary: String
  private let descriptor: Int32

  /// Creates the temporary file; says why and exits with 1 where that is not possible.
  init(_ path: String) throws {
    self.path = path
    temporary = path + ".\(getpid()).part"
    descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      fail("cannot write \(path): \(String(cString: strerror(errno)))")
      throw ExitCode(1)
    }
  }

  func write(_ text: String) throws {
    do {
      try Console(descriptor: descriptor, traits: .detect(.standardError)).write(text)
      guard close(descriptor) == 0, rename(temporary, path) == 0 else {
        throw ConsoleError.failed(errno)
      }
    } catch {
      unlink(temporary)
      fail("cannot write \(path): \(error)")
      throw ExitCode(1)
    }
  }
}
