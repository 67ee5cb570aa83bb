// A place in an address space, real or simulated.

/// A byte address, of the traced process or of a simulated heap.
@frozen
public struct Address: Hashable, Comparable, Sendable {
  /// The address as a number.
  public var rawValue: UInt64

  /// The address with this number.
  @inlinable
  public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// The address that stands for none.
  public static let zero = Address(0)

  /// Whether `a` lies below `b`.
  @inlinable
  public static func < (a: Address, b: Address) -> Bool { a.rawValue < b.rawValue }

  /// The address `count` bytes further up.
  @inlinable
  public static func + (address: Address, count: ByteCount) -> Address {
    Address(address.rawValue &+ UInt64(bitPattern: count.rawValue))
  }

  /// The address `count` bytes further down.
  @inlinable
  public static func - (address: Address, count: ByteCount) -> Address {
    Address(address.rawValue &- UInt64(bitPattern: count.rawValue))
  }

  /// The distance from `b` up to `a`; negative when `a` lies below `b`.
  @inlinable
  public static func - (a: Address, b: Address) -> ByteCount {
    ByteCount(Int64(bitPattern: a.rawValue &- b.rawValue))
  }

  /// The nearest multiple of `alignment` (a power of two) at or above this address.
  @inlinable
  public func alignedUp(to alignment: ByteCount) -> Address {
    let mask = UInt64(bitPattern: alignment.rawValue) &- 1
    return Address((rawValue &+ mask) & ~mask)
  }

  /// The nearest multiple of `alignment` (a power of two) at or below this address.
  @inlinable
  public func alignedDown(to alignment: ByteCount) -> Address {
    Address(rawValue & ~(UInt64(bitPattern: alignment.rawValue) &- 1))
  }
}

extension Address: CustomStringConvertible {
  /// The address in hexadecimal: `0x7f00`.
  public var description: String { "0x" + String(rawValue, radix: 16) }
}

extension Range where Bound == Address {
  /// The number of bytes from the lower bound up to, not including, the upper one.
  @inlinable
  public var byteCount: ByteCount { upperBound - lowerBound }
}
