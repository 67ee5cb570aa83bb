// Raw deflate streams through zlib, with streams that are made once and reset.

import CZlib

/// Packs byte strings into raw deflate streams (RFC 1951) at level 1.
final class Deflater {
  /// How zlib looks for redundancy.
  ///
  /// Both make plain deflate streams.
  enum Strategy { case matches, huffmanOnly }

  private let matches: UnsafeMutablePointer<z_stream>?
  private let huffman: UnsafeMutablePointer<z_stream>?

  init() {
    matches = Self.stream(Z_DEFAULT_STRATEGY)
    huffman = Self.stream(Z_HUFFMAN_ONLY)
  }

  deinit {
    for stream in [matches, huffman] {
      guard let stream else { continue }
      deflateEnd(stream)
      stream.deallocate()
    }
  }

  private static func stream(_ strategy: Int32) -> UnsafeMutablePointer<z_stream>? {
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let status = deflateInit2_(
      stream, 1, Z_DEFLATED, -MAX_WBITS, 9, strategy, ZLIB_VERSION,
      Int32(MemoryLayout<z_stream>.size))
    guard status == Z_OK else {
      stream.deallocate()
      return nil
    }
    return stream
  }

  /// Packs `raw` into fewer than `capacity` bytes at `output`; nil where that is not possible.
  func pack(
    _ raw: UnsafeBufferPointer<UInt8>, _ strategy: Strategy,
    into output: UnsafeMutablePointer<UInt8>, capacity: Int
  ) -> Int? {
    guard let stream = strategy == .matches ? matches : huffman, deflateReset(stream) == Z_OK,
      capacity > 0
    else { return nil }
    stream.pointee.next_in = UnsafeMutablePointer(mutating: raw.baseAddress)
    stream.pointee.avail_in = UInt32(raw.count)
    stream.pointee.next_out = output
    stream.pointee.avail_out = UInt32(capacity)
    guard deflate(stream, Z_FINISH) == Z_STREAM_END else { return nil }
    let packed = capacity - Int(stream.pointee.avail_out)
    return packed < capacity ? packed : nil
  }
}

/// Unpacks raw deflate streams.
final class Inflater {
  private let stream: UnsafeMutablePointer<z_stream>?

  init() {
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let status = inflateInit2_(
      stream, -MAX_WBITS, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    if status == Z_OK {
      self.stream = stream
    } else {
      stream.deallocate()
      self.stream = nil
    }
  }

  deinit {
    guard let stream else { return }
    inflateEnd(stream)
    stream.deallocate()
  }

  /// Whether `packed` is one whole stream that gives exactly `count` bytes, now at `output`.
  func unpack(
    _ packed: UnsafeBufferPointer<UInt8>, into output: UnsafeMutablePointer<UInt8>, count: Int
  ) -> Bool {
    guard let stream, inflateReset(stream) == Z_OK else { return false }
    stream.pointee.next_in = UnsafeMutablePointer(mutating: packed.baseAddress)
    stream.pointee.avail_in = UInt32(packed.count)
    stream.pointee.next_out = output
    stream.pointee.avail_out = UInt32(count)
    let status = inflate(stream, Z_FINISH)
    return status == Z_STREAM_END && stream.pointee.avail_in == 0 && stream.pointee.avail_out == 0
  }
}
