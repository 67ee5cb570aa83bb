// Where the bytes of an import come from: a file, standard input, memory.

import Glibc

/// Bytes that come one piece after another.
protocol ByteStream: AnyObject {
  /// Fills the beginning of the buffer, which is not empty; returns 0 at the end.
  func read(into buffer: UnsafeMutableBufferPointer<UInt8>) throws(ImportError) -> Int
}

/// An open file, a pipe, or standard input.
final class FileStream: ByteStream {
  let path: String
  /// The bytes of a regular file; nil where nobody knows how many come.
  let count: UInt64?
  private(set) var offset: UInt64 = 0
  private let descriptor: Int32

  /// Opens a file; `-` stands for standard input.
  init(path: String) throws(ImportError) {
    let opened = path == "-" ? dup(0) : open(path, O_RDONLY | O_CLOEXEC)
    self.path = path == "-" ? "standard input" : path
    guard opened >= 0 else {
      throw .cannotOpen(path: self.path, reason: String(cString: strerror(errno)))
    }
    descriptor = opened
    var status = stat()
    let type = fstat(opened, &status) == 0 ? status.st_mode & S_IFMT : 0
    count = type == S_IFREG ? UInt64(max(0, status.st_size)) : nil
    if type == S_IFDIR { throw .isDirectory(path: path) }
  }

  deinit { close(descriptor) }

  func read(into buffer: UnsafeMutableBufferPointer<UInt8>) throws(ImportError) -> Int {
    while true {
      let result = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      if result >= 0 {
        offset += UInt64(result)
        return result
      }
      guard errno == EINTR else {
        throw .cannotRead(path: path, offset: offset, reason: String(cString: strerror(errno)))
      }
    }
  }
}

/// Bytes that are in memory already.
final class MemoryStream: ByteStream {
  private let bytes: [UInt8]
  private var offset = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  func read(into buffer: UnsafeMutableBufferPointer<UInt8>) throws(ImportError) -> Int {
    let count = min(buffer.count, bytes.count - offset)
    _ = buffer.update(fromContentsOf: bytes[offset..<offset + count])
    offset += count
    return count
  }
}
