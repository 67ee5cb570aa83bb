// A heap whose type is known only at run time: what a layer stands on.

public import MemoryUnits

/// A heap, whichever it is: the one below a layer, or one for whose sake no loop is specialised.
///
/// A call costs what a call of a class's method costs, some nanoseconds. That is nothing where a call
/// is for a whole slab or batch, or where the heap itself takes longer.
public struct AnyHeap: Heap, ~Copyable {
  @usableFromInline let box: HeapBox

  /// Wraps a heap.
  public init<H: Heap & ~Copyable>(_ heap: consuming H) { box = Box(heap) }

  /// The heap, fresh, that a kind names; nil for what is made from a trace.
  public init?(_ kind: HeapKind) {
    var boxing = Boxing()
    guard let heap = kind.build(&boxing) else { return nil }
    box = heap
  }

  private struct Boxing: HeapVisitor {
    mutating func visit<H: Heap & ~Copyable>(_ heap: consuming H) -> HeapBox { Box(heap) }
    mutating func visitBoxed<H: Heap & ~Copyable>(_ heap: consuming H) -> HeapBox { Box(heap) }
  }

  /// Nobody knows before.
  @inlinable
  public static var relocatesBlocks: Bool { true }

  /// The blocks that the heap moved since the list was last emptied.
  @inlinable
  public var relocations: [Relocation] {
    get { box.relocations }
    set { box.relocations = newValue }
  }

  /// Places a block.
  @inlinable
  public mutating func allocate(_ request: BlockRequest) -> Placement { box.allocate(request) }

  /// Ends a block.
  @inlinable
  public mutating func free(_ placement: Placement) { box.free(placement, by: 0) }

  /// Ends a block at the request of a thread.
  @inlinable
  public mutating func free(_ placement: Placement, by thread: UInt32) {
    box.free(placement, by: thread)
  }

  /// Resizes a block.
  @inlinable
  public mutating func reallocate(
    _ placement: Placement, oldSize: ByteCount, to request: BlockRequest
  ) -> Placement {
    box.reallocate(placement, oldSize: oldSize, to: request)
  }

  /// What changed in the held ranges since the list was last emptied.
  @inlinable
  public var heldChanges: [HeldChange] {
    get { box.heldChanges }
    set { box.heldChanges = newValue }
  }

  /// Moves what changed in the held ranges to the end of a list.
  @inlinable
  public mutating func drain(into changes: inout [HeldChange]) {
    if box.hasHeldChanges { box.drain(into: &changes) }
  }

  /// The textbook work done so far.
  @inlinable
  public var work: Work { box.work }
}

/// The methods of a heap, to be called through a table.
@usableFromInline
class HeapBox {
  @usableFromInline func allocate(_ request: BlockRequest) -> Placement { fatalError("abstract") }
  @usableFromInline func free(_ placement: Placement, by thread: UInt32) {
    fatalError("abstract")
  }
  @usableFromInline func reallocate(
    _ placement: Placement, oldSize: ByteCount, to request: BlockRequest
  ) -> Placement { fatalError("abstract") }
  @usableFromInline var heldChanges: [HeldChange] {
    get { fatalError("abstract") }
    set { fatalError("abstract") }
  }
  @usableFromInline var relocations: [Relocation] {
    get { fatalError("abstract") }
    set { fatalError("abstract") }
  }
  @usableFromInline var hasHeldChanges: Bool { fatalError("abstract") }
  @usableFromInline func drain(into changes: inout [HeldChange]) { fatalError("abstract") }
  @usableFromInline var work: Work { fatalError("abstract") }
}

private final class Box<H: Heap & ~Copyable>: HeapBox {
  private var heap: H

  init(_ heap: consuming H) { self.heap = heap }

  override func allocate(_ request: BlockRequest) -> Placement { heap.allocate(request) }
  override func free(_ placement: Placement, by thread: UInt32) {
    heap.free(placement, by: thread)
  }
  override func reallocate(
    _ placement: Placement, oldSize: ByteCount, to request: BlockRequest
  ) -> Placement {
    heap.reallocate(placement, oldSize: oldSize, to: request)
  }
  override var heldChanges: [HeldChange] {
    get { heap.heldChanges }
    set { heap.heldChanges = newValue }
  }
  override var relocations: [Relocation] {
    get { heap.relocations }
    set { heap.relocations = newValue }
  }
  override var hasHeldChanges: Bool { !heap.heldChanges.isEmpty }
  override func drain(into changes: inout [HeldChange]) {
    changes += heap.heldChanges
    heap.heldChanges.removeAll(keepingCapacity: true)
  }
  override var work: Work { heap.work }
}
