// JSON, written piece by piece: documents of any length.

extension ByteOutput {
  /// Puts a string in quotes, after RFC 8259.
  mutating func put(json text: String) {
    put(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        put(UInt8(ascii: "\\"))
        put(byte)
      case 0x0a: put("\\n" as StaticString)
      case 0x09: put("\\t" as StaticString)
      case 0x0d: put("\\r" as StaticString)
      case 0..<0x20:
        put("\\u00" as StaticString)
        put(byte < 16 ? UInt8(ascii: "0") : UInt8(ascii: "1"))
        let digit = byte & 15
        put(digit + (digit < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10))
      default: put(byte)
      }
    }
    put(UInt8(ascii: "\""))
  }

  /// Puts what stands between the members of a list, unless `index` is that of the first.
  mutating func putComma(before index: Int) {
    if index > 0 { put(UInt8(ascii: ",")) }
  }

  /// Puts a list of numbers in brackets.
  mutating func put(json numbers: some Collection<Int>) {
    put(UInt8(ascii: "["))
    for (index, number) in numbers.enumerated() {
      putComma(before: index)
      put(decimal: Int64(number))
    }
    put(UInt8(ascii: "]"))
  }
}
