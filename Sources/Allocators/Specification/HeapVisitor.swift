// Something to do with a heap whose type is known only at run time, so that loops over it are
// specialised.

/// Something to do with a heap whose type is known only at run time.
public protocol HeapVisitor {
  associatedtype Result

  /// Called once, with a fresh heap.
  mutating func visit<H: Heap & ~Copyable>(_ heap: consuming H) -> Result

  /// Called in place of that for a heap that is asked for seldom, or takes long itself: its type is
  /// not worth a loop of its own, of which each costs the build a second.
  mutating func visitBoxed<H: Heap & ~Copyable>(_ heap: consuming H) -> Result
}

extension HeapVisitor {
  /// Visits the heap in a box.
  @inlinable
  public mutating func visitBoxed<H: Heap & ~Copyable>(_ heap: consuming H) -> Result {
    visit(AnyHeap(heap))
  }

  /// Visits a heap if there is one.
  @inlinable
  mutating func visit<H: Heap & ~Copyable>(optional heap: consuming H?) -> Result? {
    switch consume heap {
    case .some(let heap): visit(heap)
    case .none: nil
    }
  }

  /// Visits a heap in a box if there is one.
  @inlinable
  mutating func visitBoxed<H: Heap & ~Copyable>(optional heap: consuming H?) -> Result? {
    switch consume heap {
    case .some(let heap): visitBoxed(heap)
    case .none: nil
    }
  }
}
