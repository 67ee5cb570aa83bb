// Something to do with a heap whose type is known only at run time, so that loops over it are
// specialised.

/// Something to do with a heap whose type is known only at run time.
public protocol HeapVisitor {
  associatedtype Result

  /// Called once, with a fresh heap.
  mutating func visit<H: Heap & ~Copyable>(_ heap: consuming H) -> Result
}

extension HeapVisitor {
  /// Visits a heap if there is one.
  @inlinable
  mutating func visit<H: Heap & ~Copyable>(optional heap: consuming H?) -> Result? {
    switch consume heap {
    case .some(let heap): visit(heap)
    case .none: nil
    }
  }
}
