// Reading the encodings of DWARF out of loaded memory.

/// A cursor over unwind information, which the loader mapped and which we take at its word, but
/// never read beyond `end`.
struct ByteReader {
  var position: UInt64
  let end: UInt64

  var isAtEnd: Bool { position >= end }

  @inline(__always)
  mutating func load<T: FixedWidthInteger & BitwiseCopyable>(_: T.Type) -> T {
    let size = UInt64(truncatingIfNeeded: MemoryLayout<T>.size)
    guard end >= position, end &- position >= size,
      let pointer = UnsafeRawPointer(bitPattern: UInt(position))
    else {
      position = end
      return 0
    }
    position = position &+ size
    return pointer.loadUnaligned(as: T.self)
  }

  mutating func byte() -> UInt8 { load(UInt8.self) }

  mutating func unsigned() -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while !isAtEnd {
      let byte = byte()
      if shift < 64 { value |= UInt64(byte & 0x7f) << shift }
      shift = shift &+ 7
      if byte & 0x80 == 0 { break }
    }
    return value
  }

  mutating func signed() -> Int {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    var byte: UInt8 = 0
    while !isAtEnd {
      byte = self.byte()
      if shift < 64 { value |= UInt64(byte & 0x7f) << shift }
      shift = shift &+ 7
      if byte & 0x80 == 0 { break }
    }
    if shift < 64, byte & 0x40 != 0 { value |= ~UInt64(0) << shift }
    return Int(Int64(bitPattern: value))
  }

  /// An address as the DW_EH_PE_ encodings write it (LSB core specification, 10.5.1).
  ///
  /// Nil for those that .eh_frame of x86-64 does not use.
  mutating func encodedAddress(_ encoding: UInt8, dataBase: UInt64) -> UInt64? {
    let start = position
    let value: UInt64
    switch encoding & 0x0f {
    case 0x00, 0x04, 0x0c: value = load(UInt64.self)
    case 0x01: value = unsigned()
    case 0x02: value = UInt64(load(UInt16.self))
    case 0x03: value = UInt64(load(UInt32.self))
    case 0x09: value = UInt64(bitPattern: Int64(signed()))
    case 0x0a: value = UInt64(bitPattern: Int64(load(Int16.self)))
    case 0x0b: value = UInt64(bitPattern: Int64(load(Int32.self)))
    default: return nil
    }
    switch encoding & 0x70 {
    case 0x00: return value
    case 0x10: return start &+ value
    case 0x30: return dataBase &+ value
    default: return nil
    }
  }
}
