// Deflate streams of literals alone: what zlib's Z_HUFFMAN_ONLY makes, in a fifth of the time.

/// Packs byte strings into raw deflate streams (RFC 1951) of dynamic Huffman codes without any match.
///
/// zlib passes each byte through its window, its tally and a bit buffer of sixteen bits, which takes
/// some eight nanoseconds; the columns of a trace that are mostly noise are most of what a recorder
/// packs. Here the bytes are counted, the exact length of the stream is known before any of it is
/// written, and four codes at a time go through a buffer of 64 bits.
struct HuffmanCoder: ~Copyable {
  /// Bytes of one block of the stream.
  private static let blockBytes = 1 << 16
  /// No code of a byte is longer, so that four of them fit behind the seven bits of a begun byte.
  private static let longestCode = 14
  private static let endOfBlock = 256
  private static let symbolCount = 257

  private let counts: UnsafeMutablePointer<UInt32>
  private var bytes = PrefixCode(capacity: HuffmanCoder.symbolCount)
  private var lengths = PrefixCode(capacity: CodeLengths.symbolCount)
  private var runs = CodeLengths()

  init() {
    counts = .allocate(capacity: 4 * Self.symbolCount)
  }

  deinit {
    counts.deallocate()
    bytes.deallocate()
    lengths.deallocate()
    runs.deallocate()
  }

  /// Packs `raw` into fewer than `capacity` bytes at `output`; nil where that is not possible.
  ///
  /// - Complexity: O(n), about two nanoseconds a byte.
  mutating func pack(
    _ raw: UnsafeBufferPointer<UInt8>, into output: UnsafeMutablePointer<UInt8>, capacity: Int
  ) -> Int? {
    guard capacity > 0 else { return nil }
    var sink = BitSink(output, capacity: capacity)
    var position = 0
    repeat {
      let count = min(Self.blockBytes, raw.count - position)
      let block = UnsafeBufferPointer(rebasing: raw[position..<position + count])
      position += count
      guard writeBlock(block, isLast: position == raw.count, &sink) else { return nil }
    } while position < raw.count
    let packed = sink.close()
    return packed < capacity ? packed : nil
  }

  /// False where there is no room for the block.
  private mutating func writeBlock(
    _ raw: UnsafeBufferPointer<UInt8>, isLast: Bool, _ sink: inout BitSink
  ) -> Bool {
    count(raw)
    bytes.build(counts, Self.symbolCount, longest: Self.longestCode)
    runs.collect(bytes.lengths, Self.symbolCount)
    lengths.build(runs.counts, CodeLengths.symbolCount, longest: CodeLengths.longestCode)
    let described = runs.describedLengths(lengths)
    // Final block, dynamic codes, 257 codes of bytes, one of distances, the lengths of the lengths.
    let head = 3 + 5 + 5 + 4 + 3 * described + runs.bits(lengths)
    guard sink.hasRoom(forBits: head + bytes.bits(counts)) else { return false }
    sink.put(isLast ? 1 : 0, 1)
    sink.put(2, 2)
    sink.put(0, 5)
    sink.put(0, 5)
    sink.put(UInt64(described - 4), 4)
    runs.write(lengths, described, &sink)
    sink.put(raw, bytes.codes)
    sink.put(code: bytes.codes[Self.endOfBlock])
    return true
  }

  /// Counts in four tables, since equal bytes often follow each other and would wait for each other.
  private func count(_ raw: UnsafeBufferPointer<UInt8>) {
    counts.update(repeating: 0, count: 4 * Self.symbolCount)
    let (a, b) = (counts, counts + Self.symbolCount)
    let (c, d) = (b + Self.symbolCount, b + 2 * Self.symbolCount)
    var index = 0
    while index &+ 4 <= raw.count {
      a[Int(raw[index])] &+= 1
      b[Int(raw[index &+ 1])] &+= 1
      c[Int(raw[index &+ 2])] &+= 1
      d[Int(raw[index &+ 3])] &+= 1
      index &+= 4
    }
    while index < raw.count {
      a[Int(raw[index])] &+= 1
      index &+= 1
    }
    for symbol in 0..<Self.symbolCount { a[symbol] &+= b[symbol] &+ c[symbol] &+ d[symbol] }
    a[Self.endOfBlock] = 1
  }
}

/// Bits on their way into bytes, the lowest first.
struct BitSink {
  private let start: UnsafeMutablePointer<UInt8>
  private let end: UnsafeMutablePointer<UInt8>
  private var next: UnsafeMutablePointer<UInt8>
  private var buffer: UInt64 = 0
  private var used: UInt64 = 0

  init(_ output: UnsafeMutablePointer<UInt8>, capacity: Int) {
    start = output
    next = output
    end = output + capacity
  }

  /// Whether so many bits more leave a byte of the capacity unused.
  func hasRoom(forBits bits: Int) -> Bool {
    (Int(used) + bits + 7) / 8 < end - next
  }

  /// Appends up to 56 bits.
  @inline(__always)
  mutating func put(_ bits: UInt64, _ count: UInt64) {
    buffer |= bits &<< used
    used &+= count
    flush()
  }

  @inline(__always)
  mutating func put(code: UInt32) { put(UInt64(code & 0xffff), UInt64(code &>> 16)) }

  /// Appends the codes of bytes, each with its length above sixteen bits.
  @inline(__always)
  mutating func put(_ raw: UnsafeBufferPointer<UInt8>, _ codes: UnsafePointer<UInt32>) {
    var index = 0
    // Eight bytes are stored whatever is used of them.
    while index &+ 4 <= raw.count, end - next >= 8 {
      var buffer = buffer
      var used = used
      for offset in 0..<4 {
        let code = codes[Int(raw[index &+ offset])]
        buffer |= UInt64(code & 0xffff) &<< used
        used &+= UInt64(code &>> 16)
      }
      UnsafeMutableRawPointer(next).storeBytes(of: buffer.littleEndian, as: UInt64.self)
      next += Int(truncatingIfNeeded: used &>> 3)
      self.buffer = buffer &>> (used & ~7)
      self.used = used & 7
      index &+= 4
    }
    while index < raw.count {
      put(code: codes[Int(raw[index])])
      index &+= 1
    }
  }

  @inline(__always)
  private mutating func flush() {
    while used >= 8 {
      next.pointee = UInt8(truncatingIfNeeded: buffer)
      next += 1
      buffer &>>= 8
      used &-= 8
    }
  }

  /// Fills the last byte up; returns the bytes written.
  mutating func close() -> Int {
    if used > 0 {
      next.pointee = UInt8(truncatingIfNeeded: buffer)
      next += 1
    }
    return next - start
  }
}
