// Text of the kernel, read as bytes: the long tables under /proc are parsed many times a minute.

import Glibc

/// A file under `/proc`, read whole into memory that is used again.
struct ProcBytes {
  private var buffer = [UInt8](repeating: 0, count: 1 << 16)
  private(set) var count = 0

  /// No table of a process is longer: it has at most 65,530 mappings unless told otherwise.
  private static let limit = 64 << 20

  /// Why a file was not read.
  enum Failure: Error {
    /// The process is gone, or its memory is.
    case gone
    /// The kernel does not show it to us.
    case refused
  }

  /// Reads a file; what was read before is gone.
  mutating func read(_ path: String) throws(Failure) {
    count = 0
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw errno == EACCES || errno == EPERM ? .refused : .gone }
    defer { close(descriptor) }
    while true {
      if count == buffer.count {
        guard count < Self.limit else { throw .refused }
        buffer.append(contentsOf: repeatElement(0, count: count))
      }
      let start = count
      let result = buffer.withUnsafeMutableBytes { bytes in
        Glibc.read(descriptor, bytes.baseAddress.map { $0 + start }, bytes.count - start)
      }
      if result < 0 {
        if errno == EINTR { continue }
        throw errno == EACCES || errno == EPERM ? .refused : .gone
      }
      if result == 0 { break }
      count += result
    }
    guard count > 0 else { throw .gone }
  }

  /// Calls `body` with each line, without its end.
  func forEachLine(_ body: (LineScanner) -> Void) {
    buffer.withUnsafeBufferPointer { bytes in
      var start = 0
      while start < count {
        var end = start
        while end < count, bytes[end] != 0x0a { end += 1 }
        body(LineScanner(UnsafeBufferPointer(rebasing: bytes[start..<end])))
        start = end + 1
      }
    }
  }
}

/// Reads a line from left to right.
struct LineScanner {
  private let bytes: UnsafeBufferPointer<UInt8>
  private var position = 0

  init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  var first: UInt8 { position < bytes.count ? bytes[position] : 0 }

  /// Passes over a word that has to stand here; false, and no step further, where it does not.
  mutating func skip(_ word: StaticString) -> Bool {
    let length = word.utf8CodeUnitCount
    guard bytes.count - position >= length else { return false }
    for i in 0..<length where bytes[position + i] != word.utf8Start[i] { return false }
    position += length
    return true
  }

  mutating func skipBlanks() {
    while first == 0x20 || first == 0x09 { position += 1 }
  }

  mutating func next() -> UInt8 {
    guard position < bytes.count else { return 0 }
    position += 1
    return bytes[position - 1]
  }

  /// A number in hexadecimal; nil where there is none, or one that is too large.
  mutating func hexadecimal() -> UInt64? {
    var value: UInt64 = 0
    let start = position
    while position < bytes.count, let digit = Self.digit(bytes[position]) {
      guard value >> 60 == 0 else { return nil }
      value = value << 4 | digit
      position += 1
    }
    return position > start ? value : nil
  }

  /// A number in decimal; nil where there is none, or one that is too large.
  mutating func decimal() -> UInt64? {
    var value: UInt64 = 0
    let start = position
    while position < bytes.count, bytes[position] >= 0x30, bytes[position] <= 0x39 {
      guard value < 1 << 59 else { return nil }
      value = value * 10 + UInt64(bytes[position] - 0x30)
      position += 1
    }
    return position > start ? value : nil
  }

  /// What is left of the line.
  var rest: String { String(decoding: bytes[position...], as: UTF8.self) }

  private static func digit(_ byte: UInt8) -> UInt64? {
    switch byte {
    case 0x30...0x39: UInt64(byte - 0x30)
    case 0x61...0x66: UInt64(byte - 0x61 + 10)
    default: nil
    }
  }
}
