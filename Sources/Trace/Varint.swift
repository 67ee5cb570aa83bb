// Numbers of variable length (LEB128), and byte strings made of them.

/// Signed numbers as unsigned ones, small magnitudes first: 0, -1, 1, -2 and so on.
@inline(__always)
func zigzag(_ value: Int64) -> UInt64 { UInt64(bitPattern: (value &<< 1) ^ (value &>> 63)) }

@inline(__always)
func unzigzag(_ value: UInt64) -> Int64 {
  Int64(bitPattern: value &>> 1) ^ -Int64(bitPattern: value & 1)
}

/// A column under construction: memory for the worst case, so that appending checks nothing.
struct Column {
  let base: UnsafeMutablePointer<UInt8>
  private(set) var end: UnsafeMutablePointer<UInt8>

  init(capacity: Int) {
    base = .allocate(capacity: capacity + ColumnCursor.padding)
    end = base
  }

  func deallocate() { base.deallocate() }

  var count: Int { end - base }
  var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: base, count: count) }

  mutating func removeAll() { end = base }

  /// Puts zeros behind the end, so that the column can be read.
  func pad() { end.update(repeating: 0, count: ColumnCursor.padding) }

  @inline(__always)
  mutating func byte(_ value: UInt8) {
    end.pointee = value
    end += 1
  }

  /// Appends at most ten bytes.
  @inline(__always)
  mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      end.pointee = UInt8(truncatingIfNeeded: rest) | 0x80
      end += 1
      rest &>>= 7
    }
    end.pointee = UInt8(truncatingIfNeeded: rest)
    end += 1
  }
}

/// A column being read.
///
/// At least `padding` zero bytes follow its memory, so that one number may be read wherever the
/// cursor is not past the end, and the check for overrun can come afterwards.
struct ColumnCursor {
  static let padding = 16

  var next: UnsafePointer<UInt8>
  let end: UnsafePointer<UInt8>

  /// Whether more was read than the column holds.
  @inline(__always)
  var isOverrun: Bool { next > end }
  var isAtEnd: Bool { next == end }

  @inline(__always)
  mutating func byte() -> UInt8 {
    let value = next.pointee
    next += 1
    return value
  }

  /// Reads at most ten bytes; bits beyond the 64th are dropped.
  @inline(__always)
  mutating func varint() -> UInt64 {
    let first = next.pointee
    next += 1
    if first < 0x80 { return UInt64(first) }
    return longVarint(UInt64(first & 0x7f))
  }

  @inline(__always)
  private mutating func longVarint(_ first: UInt64) -> UInt64 {
    var value = first
    var shift: UInt64 = 7
    repeat {
      let byte = next.pointee
      next += 1
      value |= UInt64(byte & 0x7f) &<< shift
      if byte < 0x80 { break }
      shift += 7
    } while shift < 70
    return value
  }
}

/// A byte string under construction, for what is written rarely.
struct ByteSink {
  var bytes: [UInt8] = []

  mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest &>>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  mutating func fixed32(_ value: UInt32) {
    for shift in stride(from: UInt32(0), to: 32, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: value &>> shift))
    }
  }

  mutating func fixed64(_ value: UInt64) {
    for shift in stride(from: UInt64(0), to: 64, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: value &>> shift))
    }
  }

  /// The length, then the bytes.
  mutating func string(_ content: some Collection<UInt8>) {
    varint(UInt64(content.count))
    bytes.append(contentsOf: content)
  }
}

/// A byte string being read, for what is read rarely: every read says whether it was possible.
struct ByteSource {
  private let bytes: UnsafeBufferPointer<UInt8>
  private(set) var position = 0

  init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  var isAtEnd: Bool { position == bytes.count }

  mutating func byte() -> UInt8? {
    guard position < bytes.count else { return nil }
    position += 1
    return bytes[position - 1]
  }

  mutating func varint() -> UInt64? {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard let next = byte() else { return nil }
      value |= UInt64(next & 0x7f) &<< shift
      if next < 0x80 { return value }
    }
    return nil
  }

  mutating func fixed32() -> UInt32? {
    guard bytes.count - position >= 4 else { return nil }
    defer { position += 4 }
    return UInt32(
      littleEndian: UnsafeRawBufferPointer(bytes).loadUnaligned(
        fromByteOffset: position, as: UInt32.self))
  }

  mutating func fixed64() -> UInt64? {
    guard bytes.count - position >= 8 else { return nil }
    defer { position += 8 }
    return UInt64(
      littleEndian: UnsafeRawBufferPointer(bytes).loadUnaligned(
        fromByteOffset: position, as: UInt64.self))
  }

  mutating func string() -> [UInt8]? {
    guard let length = varint(), length <= UInt64(bytes.count - position) else { return nil }
    defer { position += Int(length) }
    return Array(bytes[position..<position + Int(length)])
  }
}
