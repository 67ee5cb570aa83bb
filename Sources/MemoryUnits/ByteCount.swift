// A number of bytes: how it is written, read and rounded.

/// A number of bytes, or a signed difference between two such numbers.
@frozen
public struct ByteCount: Hashable, Comparable, AdditiveArithmetic, Sendable {
  /// The bytes as a number.
  public var rawValue: Int64

  /// So many bytes.
  @inlinable
  public init(_ rawValue: Int64) { self.rawValue = rawValue }

  /// So many bytes.
  @inlinable
  public init(_ rawValue: Int) { self.rawValue = Int64(rawValue) }

  /// No bytes.
  public static let zero = ByteCount(0 as Int64)

  /// The page size of x86-64 and of every simulated heap.
  public static let page = ByteCount(4096 as Int64)

  /// The bytes as a plain integer, for counts and indices.
  @inlinable
  public var int: Int { Int(rawValue) }

  /// Whether `a` is less than `b`.
  @inlinable
  public static func < (a: ByteCount, b: ByteCount) -> Bool { a.rawValue < b.rawValue }

  /// The sum, which wraps round beyond 2^63.
  @inlinable
  public static func + (a: ByteCount, b: ByteCount) -> ByteCount {
    ByteCount(a.rawValue &+ b.rawValue)
  }

  /// The difference, which may be negative.
  @inlinable
  public static func - (a: ByteCount, b: ByteCount) -> ByteCount {
    ByteCount(a.rawValue &- b.rawValue)
  }

  /// The nearest multiple of `unit` (a power of two) at or above this count.
  @inlinable
  public func roundedUp(to unit: ByteCount) -> ByteCount {
    let mask = unit.rawValue &- 1
    return ByteCount((rawValue &+ mask) & ~mask)
  }
}

extension ByteCount: ExpressibleByIntegerLiteral {
  /// So many bytes.
  @inlinable
  public init(integerLiteral value: Int64) { self.rawValue = value }
}

extension ByteCount: CustomStringConvertible {
  /// The count with a binary unit and at most three significant digits: `17 B`, `1.50 KiB`, `312 MiB`.
  public var description: String {
    let magnitude = Double(rawValue.magnitude)
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    var value = magnitude
    var unit = 0
    while value >= 999.5, unit + 1 < units.count {
      value /= 1024
      unit += 1
    }
    let sign = rawValue < 0 ? "-" : ""
    return sign + (unit == 0 ? String(Int64(value)) : Self.threeDigits(value)) + " " + units[unit]
  }

  private static func threeDigits(_ value: Double) -> String {
    let decimals = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2
    let scale: Double = decimals == 0 ? 1 : decimals == 1 ? 10 : 100
    let scaled = Int64((value * scale).rounded())
    guard decimals > 0 else { return String(scaled) }
    let whole = scaled / Int64(scale)
    let fraction = String(scaled % Int64(scale))
    return "\(whole)." + String(repeating: "0", count: decimals - fraction.count) + fraction
  }
}

extension ByteCount {
  /// Reads a size as users write it: a number, then `k`, `M`, `G` or `T` for powers of 1024
  /// (either case, an optional `B` or `iB` behind it): `4096`, `64k`, `1.5M`, `2GiB`.
  ///
  /// Nil when the text is no such size, or the size is negative or beyond 2^62.
  public init?(parsing text: some StringProtocol) {
    var digits = Substring(text.lowercased())
    if digits.hasSuffix("ib") {
      digits.removeLast(2)
    } else if digits.hasSuffix("b") {
      digits.removeLast()
    }
    var scale = 1.0
    if let suffix = digits.last, let power = "kmgt".firstIndex(of: suffix) {
      scale =
        [1024.0, 1_048_576, 1_073_741_824, 1_099_511_627_776][
          "kmgt".distance(from: "kmgt".startIndex, to: power)]
      digits.removeLast()
    }
    guard let first = digits.first, first.isNumber,
      digits.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }),
      let number = Double(digits)
    else { return nil }
    let bytes = (number * scale).rounded()
    guard bytes >= 0, bytes <= 4_611_686_018_427_387_904 else { return nil }
    self.rawValue = Int64(bytes)
  }
}
