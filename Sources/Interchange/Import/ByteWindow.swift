// A window on a stream: the bytes that are there and not used yet.

/// Buffers a stream, so that its next bytes can be looked at before they are used.
final class ByteWindow {
  private let stream: any ByteStream
  private let buffer: UnsafeMutableBufferPointer<UInt8>
  private var start = 0
  private var end = 0
  private var isEnded = false
  /// Bytes that were used so far.
  private(set) var offset: UInt64 = 0

  init(_ stream: any ByteStream, capacity: Int = 1 << 18) {
    self.stream = stream
    buffer = .allocate(capacity: capacity)
  }

  deinit { buffer.deallocate() }

  /// The bytes that are there; valid until the next call.
  var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(rebasing: buffer[start..<end]) }

  /// Gets more bytes behind those that are there; false at the end, or where the window is full.
  func more() throws(ImportError) -> Bool {
    guard !isEnded else { return false }
    if start > 0 {
      if end > start, let base = buffer.baseAddress {
        base.update(from: base + start, count: end - start)
      }
      end -= start
      start = 0
    }
    guard end < buffer.count else { return false }
    let count = try stream.read(into: UnsafeMutableBufferPointer(rebasing: buffer[end...]))
    isEnded = count == 0
    end += count
    return count > 0
  }

  /// Whether at least `count` bytes are there, or can be had.
  func has(_ count: Int) throws(ImportError) -> Bool {
    while end - start < count { guard try more() else { return false } }
    return true
  }

  /// Uses up bytes that are there.
  func use(_ count: Int) {
    start += count
    offset += UInt64(count)
  }

  /// The next byte; nil at the end.
  func byte() throws(ImportError) -> UInt8? {
    guard try has(1) else { return nil }
    defer { use(1) }
    return buffer[start]
  }
}
