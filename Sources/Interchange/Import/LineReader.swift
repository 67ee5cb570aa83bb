// Text, line by line, without ever holding more than one window of it.

import Glibc

/// Hands out the lines of a source.
struct LineReader: ~Copyable {
  /// Lines with more bytes than this are left out.
  static let longestLine = 1 << 16
  /// A line of more bytes than this is no line.
  static let endlessLine: UInt64 = 1 << 28

  /// What comes next.
  enum Item {
    /// A line without its end, valid until the next call.
    case line(UnsafeBufferPointer<UInt8>)
    /// A line that is too long.
    case tooLong
  }

  private let window: ByteWindow
  private let name: String
  /// The number of the last line that was handed out, from 1 on.
  private(set) var number: UInt64 = 0

  init(_ source: ImportSource) {
    window = source.window
    name = source.name
  }

  /// The next line, or nil at the end; the last one need not be ended.
  mutating func next() throws(ImportError) -> Item? {
    var searched = 0
    while true {
      let bytes = window.bytes
      if let end = Self.lineEnd(bytes, from: searched) {
        number += 1
        window.use(end + 1)
        return end > Self.longestLine ? .tooLong : .line(Self.trimmed(bytes[..<end]))
      }
      searched = bytes.count
      if searched > Self.longestLine { return try skipLongLine() }
      if try !window.more() {
        guard searched > 0 else { return nil }
        let rest = window.bytes
        number += 1
        window.use(rest.count)
        return .line(Self.trimmed(rest[...]))
      }
    }
  }

  private static func lineEnd(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
    guard let base = bytes.baseAddress, start < bytes.count,
      let end = memchr(base + start, 0x0a, bytes.count - start)
    else { return nil }
    return UnsafeRawPointer(base).distance(to: UnsafeRawPointer(end))
  }

  /// Without the carriage return that may stand before the end of a line.
  private static func trimmed(_ line: Slice<UnsafeBufferPointer<UInt8>>) -> UnsafeBufferPointer<
    UInt8
  > {
    UnsafeBufferPointer(rebasing: line.last == 0x0d ? line.dropLast() : line)
  }

  private mutating func skipLongLine() throws(ImportError) -> Item {
    number += 1
    var skipped: UInt64 = 0
    while true {
      let bytes = window.bytes
      if let end = Self.lineEnd(bytes, from: 0) {
        window.use(end + 1)
        return .tooLong
      }
      skipped += UInt64(bytes.count)
      guard skipped <= Self.endlessLine else {
        throw .endlessLine(path: name, line: number, bytes: Self.endlessLine)
      }
      window.use(bytes.count)
      guard try window.more() else { return .tooLong }
    }
  }
}
