// Small handles for what a trace names many times: blocks, stacks, threads, moments.

/// A number for a live block, reused after the block ends; replay indexes arrays with it.
@frozen
public struct Slot: Hashable, Sendable {
  public var rawValue: UInt32

  @inlinable
  public init(_ rawValue: UInt32) { self.rawValue = rawValue }

  /// Stands where no block is meant.
  public static let none = Slot(.max)

  @inlinable
  public var index: Int { Int(rawValue) }
}

/// A call stack of the trace: an index into ``StackTable``. Zero is the unknown stack.
@frozen
public struct StackID: Hashable, Sendable {
  public var rawValue: UInt32

  @inlinable
  public init(_ rawValue: UInt32) { self.rawValue = rawValue }

  public static let unknown = StackID(0)

  @inlinable
  public var index: Int { Int(rawValue) }
}

/// A thread of the trace, numbered in order of first appearance; never reused, unlike a kernel tid.
@frozen
public struct ThreadIndex: Hashable, Sendable {
  public var rawValue: UInt32

  @inlinable
  public init(_ rawValue: UInt32) { self.rawValue = rawValue }

  @inlinable
  public var index: Int { Int(rawValue) }
}

/// A moment of the trace, in nanoseconds since recording began.
@frozen
public struct Timestamp: Hashable, Comparable, Sendable {
  public var nanoseconds: UInt64

  @inlinable
  public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  public static let zero = Timestamp(nanoseconds: 0)

  @inlinable
  public static func < (a: Timestamp, b: Timestamp) -> Bool { a.nanoseconds < b.nanoseconds }

  public var seconds: Double { Double(nanoseconds) / 1e9 }
}
