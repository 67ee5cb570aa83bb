// The bytes of a file, read piece by piece.

import Glibc

/// An open file.
///
/// Reads with `pread`, not through a mapping: a file that shrinks while it is read gives an error
/// and not a signal.
final class FileBytes: Sendable {
  let path: String
  let count: Int
  private let descriptor: Int32

  init(path: String) throws(TraceError) {
    self.path = path
    let opened = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard opened >= 0 else {
      throw .cannotOpen(path: path, reason: String(cString: strerror(errno)))
    }
    var status = stat()
    guard fstat(opened, &status) == 0 else {
      let reason = String(cString: strerror(errno))
      close(opened)
      throw .cannotOpen(path: path, reason: reason)
    }
    let type = status.st_mode & S_IFMT
    guard type == S_IFREG else {
      close(opened)
      throw type == S_IFDIR
        ? .isDirectory(path: path)
        : .cannotOpen(path: path, reason: "it is no regular file, which a trace must be")
    }
    descriptor = opened
    count = Int(status.st_size)
  }

  deinit { close(descriptor) }

  /// Reads exactly `count` bytes at `offset`.
  func read(
    _ count: Int, at offset: Int, into buffer: UnsafeMutableRawPointer
  ) throws(TraceError) {
    var done = 0
    while done < count {
      let result = pread(descriptor, buffer + done, count - done, off_t(offset + done))
      if result > 0 {
        done += result
      } else if result == 0 {
        throw .cannotRead(path: path, offset: offset + done, reason: "the file ends there")
      } else if errno != EINTR {
        throw .cannotRead(
          path: path, offset: offset + done, reason: String(cString: strerror(errno)))
      }
    }
  }

  /// Whether `count` bytes at `offset` have that CRC.
  ///
  /// Reads them piece by piece.
  func hasCRC(_ expected: UInt32, _ count: Int, at offset: Int) throws(TraceError) -> Bool {
    let piece = min(max(count, 1), 1 << 18)
    let buffer = UnsafeMutableRawPointer.allocate(byteCount: piece, alignment: 16)
    defer { buffer.deallocate() }
    var value: UInt32 = 0
    var done = 0
    while done < count {
      let next = min(piece, count - done)
      try read(next, at: offset + done, into: buffer)
      value = crc(UnsafeRawPointer(buffer), next, seed: value)
      done += next
    }
    return value == expected
  }
}
