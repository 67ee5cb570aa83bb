// A result file that appears whole or not at all.

import ArgumentParser
import Glibc
import Terminal

/// A file that is written beside its final name first and renamed when it is complete.
///
/// A device or a pipe is written to as it is: renaming would put a file in its place.
struct OutputFile {
  let path: String
  /// What is written to: the file behind any links, or a name beside it.
  private let target: String
  private let isReplaced: Bool

  /// Makes sure that the file can be written, and leaves nothing behind; says why and exits with 1
  /// where that is not possible.
  init(_ path: String) throws {
    self.path = path
    // The file that a link names is replaced, and not the link.
    let resolved = realpath(path, nil)
    defer { free(resolved) }
    target = resolved.map { String(cString: $0) } ?? path
    var status = stat()
    let exists = stat(path, &status) == 0
    isReplaced = !exists || status.st_mode & S_IFMT == S_IFREG
    if exists, status.st_mode & S_IFMT == S_IFDIR { throw Self.refuse(path, EISDIR) }
    if exists, access(path, W_OK) != 0 { throw Self.refuse(path, errno) }
    guard isReplaced else { return }
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw Self.refuse(path, errno) }
    close(descriptor)
    unlink(temporary)
  }

  private var temporary: String { target + ".\(getpid()).part" }

  /// What is there while it is being written, and has to go if that is given up; nil for a device.
  var unfinished: String? { isReplaced ? temporary : nil }

  func write(_ text: String) throws {
    try write { sink in try Array(text.utf8).withUnsafeBytes(sink) }
  }

  /// Writes what `body` puts into the sink; the file appears when that is all of it.
  ///
  /// Throws what `body` throws, and then nothing has changed; where the system is at fault, says so
  /// and throws an exit code.
  func write(_ body: (@escaping (UnsafeRawBufferPointer) throws -> Void) throws -> Void) throws {
    let name = isReplaced ? temporary : target
    let creation = isReplaced ? O_CREAT | O_TRUNC : 0
    let descriptor = open(name, O_WRONLY | O_CLOEXEC | creation, 0o666)
    guard descriptor >= 0 else { throw Self.refuse(path, errno) }
    do {
      try Self.fill(descriptor, body)
      if isReplaced, rename(temporary, target) != 0 { throw ConsoleError.failed(errno) }
    } catch {
      if isReplaced { unlink(temporary) }
      switch error {
      case ConsoleError.failed(let code): throw Self.refuse(path, code)
      case ConsoleError.readerGone: throw Self.refuse(path, EPIPE)
      default: throw error
      }
    }
  }

  /// Lets `body` make the file that is written, under the name that it is given.
  ///
  /// As ``write(_:)-(String)`` otherwise; only for what is no device and no pipe.
  func create(_ body: (String) throws -> Void) throws {
    guard isReplaced else { throw Self.refuse(path, ESPIPE) }
    do {
      try body(temporary)
      if rename(temporary, target) != 0 { throw Self.refuse(path, errno) }
    } catch {
      unlink(temporary)
      throw error
    }
  }

  /// Has a file of another name made by `make`, and gives it the final name, and the permissions of
  /// the file that had that.
  func replace<Result, Failure: Error>(
    _ make: (String) throws(Failure) -> Result
  ) throws -> Result {
    guard isReplaced else {
      fail("cannot write \(path): it is no regular file")
      throw ExitCode(1)
    }
    do {
      let result = try make(temporary)
      var status = stat()
      if stat(target, &status) == 0 { chmod(temporary, status.st_mode & 0o7777) }
      let descriptor = open(temporary, O_WRONLY | O_CLOEXEC)
      defer { close(descriptor) }
      guard descriptor >= 0, fsync(descriptor) == 0, rename(temporary, target) == 0 else {
        throw Self.refuse(path, errno)
      }
      return result
    } catch {
      unlink(temporary)
      throw error
    }
  }

  /// Writes and closes; some file systems tell only then that there is no space.
  private static func fill(
    _ descriptor: Int32,
    _ body: (@escaping (UnsafeRawBufferPointer) throws -> Void) throws -> Void
  ) throws {
    let console = Console(descriptor: descriptor, traits: .detect(.standardError))
    do {
      try body { try console.write(bytes: $0) }
    } catch {
      close(descriptor)
      throw error
    }
    guard close(descriptor) == 0 else { throw ConsoleError.failed(errno) }
  }

  private static func refuse(_ path: String, _ code: Int32) -> ExitCode {
    fail("cannot write \(path): \(String(cString: strerror(code)))")
    return ExitCode(1)
  }
}
