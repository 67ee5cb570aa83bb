// Raw deflate streams: through zlib, with streams that are made once, wherever repetitions count.

import CZlib

/// Packs byte strings into raw deflate streams (RFC 1951).
final class Deflater {
  /// How zlib looks for redundancy.
  ///
  /// All make plain deflate streams.
  enum Strategy: Int, CaseIterable {
    /// No looking for repetitions at all: the cheapest, and the best for what has none.
    case huffmanOnly
    /// Repetitions of the last byte only: as cheap.
    case runs
    /// A quick search for repetitions.
    case matches
    /// A thorough search, which is quick only where repetitions are long.
    case deepMatches
  }

  private var coder = HuffmanCoder()
  /// For each strategy one for few bytes and one for many.
  private var streams = [UnsafeMutablePointer<z_stream>?](
    repeating: nil, count: 2 * Strategy.allCases.count)
  /// zlib clears its tables for each stream, which takes longer than packing few bytes; so there are
  /// streams with small tables, for byte strings up to their window.
  private static let fewBytes = 1 << 12
  private let deepLevel: Int32

  /// Packs with this level of zlib where it searches thoroughly.
  init(deepLevel: Int32 = 6) { self.deepLevel = deepLevel }

  deinit {
    for stream in streams {
      guard let stream else { continue }
      deflateEnd(stream)
      stream.deallocate()
    }
  }

  /// A stream takes up to 270 kB, so each is made when it is needed first.
  private func stream(_ strategy: Strategy, isSmall: Bool) -> UnsafeMutablePointer<z_stream>? {
    let place = 2 * strategy.rawValue + (isSmall ? 1 : 0)
    if let known = streams[place] { return known }
    let (level, method): (Int32, Int32) =
      switch strategy {
      case .huffmanOnly, .runs: (1, Z_RLE)
      case .matches: (1, Z_DEFAULT_STRATEGY)
      case .deepMatches: (deepLevel, Z_DEFAULT_STRATEGY)
      }
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let status = deflateInit2_(
      stream, level, Z_DEFLATED, isSmall ? -12 : -MAX_WBITS, isSmall ? 6 : 9, method,
      ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard status == Z_OK else {
      stream.deallocate()
      return nil
    }
    streams[place] = stream
    return stream
  }

  /// Packs `raw` into fewer than `capacity` bytes at `output`; nil where that is not possible.
  func pack(
    _ raw: UnsafeBufferPointer<UInt8>, _ strategy: Strategy,
    into output: UnsafeMutablePointer<UInt8>, capacity: Int
  ) -> Int? {
    if strategy == .huffmanOnly { return coder.pack(raw, into: output, capacity: capacity) }
    guard capacity > 0, let stream = stream(strategy, isSmall: raw.count <= Self.fewBytes),
      deflateReset(stream) == Z_OK
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
