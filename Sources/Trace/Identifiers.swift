// Small handles for what a trace names many times: blocks, stacks, threads, moments.

/// A number for a live block, reused after the block ends; replay indexes arrays with it.
@frozen
public struct Slot: Hashable, Sendable {
  /// The number itself; `UInt32.max` for ``none``.
  public var rawValue: UInt32

  /// Wraps a number.
  @inlinable
  public init(_ rawValue: UInt32) { self.rawValue = rawValue }

  /// Stands where no block is meant.
  public static let none = Slot(.max)

  /// The number as an index into an array.
  @inlinable
  public var index: Int { Int(rawValue) }
}

/// A call stack of the trace: an index into ``StackTable``.
///
/// Zero is the unknown stack.
@frozen
public struct StackID: Hashable, Sendable {
  /// The number of the stack; 0 for ``unknown``.
  public var rawValue: UInt32

  /// Wraps a number.
  @inlinable
  public init(_ rawValue: UInt32) { self.rawValue = rawValue }

  /// The stack of which nothing is known.
  public static let unknown = StackID(0)

  /// The number as an index into an array.
  @inlinable
  public var index: Int { Int(rawValue) }
}

/// A thread of the trace, numbered in order of first appearance; never reused, unlike a kernel tid.
@frozen
public struct ThreadIndex: Hashable, Sendable {
  /// The number of the thread, from 0 on.
  public var rawValue: UInt32

  /// Wraps a number.
  @inlinable
  public init(_ rawValue: UInt32) { self.rawValue = rawValue }

  /// The number as an index into an array.
  @inlinable
  public var index: Int { Int(rawValue) }
}

/// A moment of the trace, in nanoseconds since recording began.
@frozen
public struct Timestamp: Hashable, Comparable, Sendable {
  /// Nanoseconds since recording began.
  public var nanoseconds: UInt64

  /// Makes a moment from nanoseconds since recording began.
  @inlinable
  public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  /// The moment at which recording began.
  public static let zero = Timestamp(nanoseconds: 0)

  /// Whether `a` is earlier than `b`.
  @inlinable
  public static func < (a: Timestamp, b: Timestamp) -> Bool { a.nanoseconds < b.nanoseconds }

  /// Seconds since recording began.
  public var seconds: Double { Double(nanoseconds) / 1e9 }
}
