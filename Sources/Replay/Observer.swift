// What watches the blocks that a heap places, and does not know which heap it watches.

public import Allocators
public import MemoryUnits
public import Trace

/// A block that lives: where it is, what was asked for, and who asked.
@frozen
public struct LiveBlock: Sendable, Equatable {
  /// The bytes that it covers.
  public var placement: Placement
  /// Bytes asked for; the placement's `granted` has them with header and rounding.
  public var size: ByteCount
  /// The call stack that asked for it.
  public var stack: StackID

  /// A block with these facts.
  @inlinable
  public init(placement: Placement, size: ByteCount, stack: StackID) {
    self.placement = placement
    self.size = size
    self.stack = stack
  }
}

/// Watches one heap during a replay.
///
/// For every step of the trace the calls come in this order: `stepBegins`; what happened, in an
/// order in which no block ever covers bytes that are not held; `stepEnds`. A block that moves
/// begins at its new place before it ends at the old one, as the program sees it, unless the two
/// places overlap.
public protocol Observer: ~Copyable {
  /// A step of the trace is about to be applied.
  mutating func stepBegins(at time: Timestamp)
  /// The heap got a range from the system, or gave one back.
  mutating func heldChanged(_ change: HeldChange)
  /// A block begins to cover its range.
  mutating func blockBegins(_ block: LiveBlock)
  /// A block no longer covers its range.
  mutating func blockEnds(_ block: LiveBlock)
  /// The step is done. `isEvent` tells allocations, frees and reallocations, which the summary of
  /// a trace counts, from steps that count as nothing.
  mutating func stepEnds(isEvent: Bool)
}
