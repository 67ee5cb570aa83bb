// Packs a stream of bytes with gzip.

import CZlib

/// Packs bytes into one gzip member (RFC 1952) without a file name and without a time, so that equal
/// bytes are packed alike.
public final class GzipPacker {
  private let stream: UnsafeMutablePointer<z_stream>
  private let sink: ByteSink
  private let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
  private let isReady: Bool

  /// A packer whose output goes into `sink`.
  public init(into sink: @escaping ByteSink) {
    self.sink = sink
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    // 16 more than the window asks for the gzip form (zlib.h, deflateInit2).
    isReady =
      deflateInit2_(
        stream, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
        Int32(MemoryLayout<z_stream>.size)) == Z_OK
  }

  deinit {
    deflateEnd(stream)
    stream.deallocate()
    piece.deallocate()
  }

  /// Packs some more bytes.
  public func pack(_ bytes: UnsafeRawBufferPointer) throws { try deflate(bytes, Z_NO_FLUSH) }

  /// Ends the member.
  public func finish() throws {
    try deflate(UnsafeRawBufferPointer(start: nil, count: 0), Z_FINISH)
  }

  private func deflate(_ bytes: UnsafeRawBufferPointer, _ flush: Int32) throws {
    guard isReady else { throw ExportError.noMemory }
    var rest = bytes[...]
    repeat {
      // The field counts 32 bits only.
      let part = UnsafeRawBufferPointer(rebasing: rest.prefix(1 << 30))
      rest = rest.dropFirst(part.count)
      stream.pointee.next_in = UnsafeMutablePointer(
        mutating: part.bindMemory(to: UInt8.self).baseAddress)
      stream.pointee.avail_in = UInt32(part.count)
      try drain(rest.isEmpty ? flush : Z_NO_FLUSH)
    } while !rest.isEmpty
  }

  /// Takes out all that comes of the input at hand.
  private func drain(_ flush: Int32) throws {
    repeat {
      stream.pointee.next_out = piece.bindMemory(to: UInt8.self).baseAddress
      stream.pointee.avail_out = UInt32(piece.count)
      guard CZlib.deflate(stream, flush) != Z_STREAM_ERROR else { throw ExportError.noMemory }
      let count = piece.count - Int(stream.pointee.avail_out)
      if count > 0 { try sink(UnsafeRawBufferPointer(rebasing: piece[..<count])) }
    } while stream.pointee.avail_out == 0
  }
}
