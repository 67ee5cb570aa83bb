// Bytes on their way out of a writer: collected, and handed on in large pieces.

/// Takes pieces of output, one behind the other.
///
/// What it throws ends the writing.
public typealias ByteSink = (UnsafeRawBufferPointer) throws -> Void

/// Collects what a writer puts into it and hands it on in pieces of 64 KiB and more.
///
/// Putting never fails; ``settle()`` is called between records and ``flush()`` at the end.
public struct ByteOutput {
  private static let pieceBytes = 1 << 16

  private var bytes: [UInt8] = []
  private let sink: ByteSink

  /// A stream into `sink`.
  public init(to sink: @escaping ByteSink) {
    self.sink = sink
    bytes.reserveCapacity(Self.pieceBytes + 4096)
  }

  /// Hands on what has come together, if it is much.
  @inline(__always)
  public mutating func settle() throws {
    if bytes.count >= Self.pieceBytes { try flush() }
  }

  /// Hands on all that has come together.
  public mutating func flush() throws {
    guard !bytes.isEmpty else { return }
    try bytes.withUnsafeBytes(sink)
    bytes.removeAll(keepingCapacity: true)
  }

  /// Puts one byte.
  @inline(__always)
  public mutating func put(_ byte: UInt8) { bytes.append(byte) }

  /// Puts bytes.
  public mutating func put(_ bytes: some Sequence<UInt8>) { self.bytes.append(contentsOf: bytes) }

  /// Puts text as UTF-8.
  public mutating func put(_ text: String) { bytes.append(contentsOf: text.utf8) }

  /// Puts text that stands in the program.
  public mutating func put(_ text: StaticString) {
    bytes.append(
      contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// Puts a number in decimal digits.
  public mutating func put(decimal number: UInt64) {
    putDigits(of: number, radix: 10)
  }

  /// Puts a number in decimal digits, with a minus sign where it is negative.
  public mutating func put(decimal number: Int64) {
    if number < 0 { put(UInt8(ascii: "-")) }
    putDigits(of: number.magnitude, radix: 10)
  }

  /// Puts a number in hexadecimal digits behind `0x`.
  public mutating func put(hexadecimal number: UInt64) {
    put("0x" as StaticString)
    putDigits(of: number, radix: 16)
  }

  /// Division by a constant is much faster than by a variable.
  @inline(__always)
  private mutating func putDigits(of number: UInt64, radix: UInt64) {
    var rest = number
    // 20 decimal digits make the largest number.
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
      var first = 20
      repeat {
        first -= 1
        let digit = UInt8(truncatingIfNeeded: rest % radix)
        digits[first] = digit + (digit < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10)
        rest /= radix
      } while rest > 0
      bytes.append(contentsOf: digits[first...])
    }
  }
}
