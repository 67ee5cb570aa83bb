// The wire format of protocol buffers, as far as profiles need it.

/// One message of protocol buffers, field by field.
///
/// Numbers are varints; strings, messages and packed lists are length-delimited
/// (protobuf.dev/programming-guides/encoding). Fields that are zero or empty are left out, which
/// reads as zero.
struct ProtobufMessage {
  private(set) var bytes: [UInt8] = []

  mutating func add(_ field: UInt64, _ number: UInt64) {
    guard number != 0 else { return }
    append(varint: field << 3)
    append(varint: number)
  }

  mutating func add(_ field: UInt64, _ number: Int64) {
    add(field, UInt64(bitPattern: number))
  }

  mutating func add(_ field: UInt64, _ flag: Bool) { add(field, flag ? 1 as UInt64 : 0) }

  mutating func add(_ field: UInt64, _ message: ProtobufMessage) { add(field, message.bytes) }

  /// A string of a list has its place there even where it is empty.
  mutating func add(_ field: UInt64, _ text: String) { add(field, Array(text.utf8)) }

  mutating func add(_ field: UInt64, packed numbers: [Int64]) {
    var list = ProtobufMessage()
    for number in numbers { list.append(varint: UInt64(bitPattern: number)) }
    add(field, list)
  }

  private mutating func add(_ field: UInt64, _ contents: [UInt8]) {
    append(varint: field << 3 | 2)
    append(varint: UInt64(contents.count))
    bytes += contents
  }

  private mutating func append(varint number: UInt64) {
    var rest = number
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }
}
