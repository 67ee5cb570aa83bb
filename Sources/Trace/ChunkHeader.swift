// The fixed-size records of the file: its head, the head of a chunk, its tail.

import CZlib

/// CRC-32 as zlib computes it, of `count` bytes, continuing `seed`.
func crc(_ bytes: UnsafeRawPointer, _ count: Int, seed: UInt32 = 0) -> UInt32 {
  UInt32(
    truncatingIfNeeded: crc32_z(
      UInt(seed), bytes.assumingMemoryBound(to: UInt8.self), count))
}

extension UnsafeRawPointer {
  @inline(__always)
  func little<T: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, as type: T.Type) -> T {
    T(littleEndian: loadUnaligned(fromByteOffset: offset, as: type))
  }
}

extension UnsafeMutableRawPointer {
  @inline(__always)
  func putLittle<T: FixedWidthInteger & BitwiseCopyable>(_ value: T, at offset: Int) {
    storeBytes(of: value.littleEndian, toByteOffset: offset, as: T.self)
  }
}

/// The head of a chunk: 64 bytes, the last four of which are the CRC of the others.
struct ChunkHeader: Equatable {
  static let maySkipFlag: UInt16 = 1
  static let shortTableFlag: UInt16 = 2

  var kind: UInt8
  var version: UInt8 = 1
  var flags: UInt16 = 0
  var sequence: UInt32 = 0
  var steps: UInt32 = 0
  var payloadBytes: UInt32 = 0
  var payloadCRC: UInt32 = 0
  /// Steps of all chunks before this one.
  var firstStep: UInt64 = 0
  /// Allocations of all chunks before this one.
  var firstAllocation: UInt64 = 0
  var firstNanoseconds: UInt64 = 0
  var lastNanoseconds: UInt64 = 0
  /// Threads that the trace has named up to the end of this chunk.
  var threads: UInt32 = 0

  init(kind: ChunkKind) { self.kind = kind.rawValue }

  /// Reads 64 bytes; nil unless they are an intact head.
  init?(_ bytes: UnsafeRawPointer) {
    guard bytes.little(0, as: UInt32.self) == TraceFormat.chunkMagic,
      bytes.little(60, as: UInt32.self) == crc(bytes, 60)
    else { return nil }
    kind = bytes.little(4, as: UInt8.self)
    version = bytes.little(5, as: UInt8.self)
    flags = bytes.little(6, as: UInt16.self)
    sequence = bytes.little(8, as: UInt32.self)
    steps = bytes.little(12, as: UInt32.self)
    payloadBytes = bytes.little(16, as: UInt32.self)
    payloadCRC = bytes.little(20, as: UInt32.self)
    firstStep = bytes.little(24, as: UInt64.self)
    firstAllocation = bytes.little(32, as: UInt64.self)
    firstNanoseconds = bytes.little(40, as: UInt64.self)
    lastNanoseconds = bytes.little(48, as: UInt64.self)
    threads = bytes.little(56, as: UInt32.self)
  }

  func write(to bytes: UnsafeMutableRawPointer) {
    bytes.putLittle(TraceFormat.chunkMagic, at: 0)
    bytes.putLittle(kind, at: 4)
    bytes.putLittle(version, at: 5)
    bytes.putLittle(flags, at: 6)
    bytes.putLittle(sequence, at: 8)
    bytes.putLittle(steps, at: 12)
    bytes.putLittle(payloadBytes, at: 16)
    bytes.putLittle(payloadCRC, at: 20)
    bytes.putLittle(firstStep, at: 24)
    bytes.putLittle(firstAllocation, at: 32)
    bytes.putLittle(firstNanoseconds, at: 40)
    bytes.putLittle(lastNanoseconds, at: 48)
    bytes.putLittle(threads, at: 56)
    bytes.putLittle(crc(UnsafeRawPointer(bytes), 60), at: 60)
  }

  /// Whether this version of Lacuna knows the kind and its layout.
  var isUnderstood: Bool {
    guard let kind = ChunkKind(rawValue: kind) else { return false }
    return version >= 1 && version <= (kind == .events ? TraceFormat.eventsVersion : 1)
  }

  /// Whether the table of the payload's sections has entries of variable length.
  var hasShortTable: Bool { flags & Self.shortTableFlag != 0 }

  /// The name of the kind for messages.
  var kindName: String { ChunkKind(rawValue: kind).map { "\($0)" } ?? "unknown (\(kind))" }
}

/// The first 16 bytes of the file.
///
/// They keep this form in every version.
enum FileHeader {
  static func write(to bytes: UnsafeMutableRawPointer) {
    bytes.putLittle(TraceFormat.fileMagic, at: 0)
    bytes.putLittle(TraceFormat.version, at: 8)
    bytes.putLittle(crc(UnsafeRawPointer(bytes), 12), at: 12)
  }

  /// The version that 16 bytes state; nil unless they are an intact head.
  static func version(_ bytes: UnsafeRawPointer) -> UInt32? {
    guard bytes.little(0, as: UInt64.self) == TraceFormat.fileMagic,
      bytes.little(12, as: UInt32.self) == crc(bytes, 12)
    else { return nil }
    return bytes.little(8, as: UInt32.self)
  }
}

/// The last 24 bytes of a finished file: where the index is.
struct Footer: Equatable {
  var indexOffset: UInt64
  /// Chunks in the file, the index among them.
  var chunks: UInt32

  init(indexOffset: UInt64, chunks: UInt32) {
    self.indexOffset = indexOffset
    self.chunks = chunks
  }

  init?(_ bytes: UnsafeRawPointer) {
    guard bytes.little(16, as: UInt64.self) == TraceFormat.footerMagic,
      bytes.little(12, as: UInt32.self) == crc(bytes, 12)
    else { return nil }
    indexOffset = bytes.little(0, as: UInt64.self)
    chunks = bytes.little(8, as: UInt32.self)
  }

  func write(to bytes: UnsafeMutableRawPointer) {
    bytes.putLittle(indexOffset, at: 0)
    bytes.putLittle(chunks, at: 8)
    bytes.putLittle(crc(UnsafeRawPointer(bytes), 12), at: 12)
    bytes.putLittle(TraceFormat.footerMagic, at: 16)
  }
}
