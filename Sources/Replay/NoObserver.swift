// Nobody watching: for passes in which the heap itself finds something out.

public import Allocators
public import Trace

/// Watches nothing.
@frozen
public struct NoObserver: Observer {
  /// An observer of nothing.
  @inlinable
  public init() {}

  /// Nothing happens.
  @inlinable
  public mutating func stepBegins(at time: Timestamp) {}
  /// Nothing happens.
  @inlinable
  public mutating func heldChanged(_ change: HeldChange) {}
  /// Nothing happens.
  @inlinable
  public mutating func blockBegins(_ block: LiveBlock) {}
  /// Nothing happens.
  @inlinable
  public mutating func blockEnds(_ block: LiveBlock) {}
  /// Nothing happens.
  @inlinable
  public mutating func stepEnds(isEvent: Bool) {}
}
