// From a specification to a heap of a concrete type, so that loops over it are specialised.

/// Something to do with a heap whose type is known only at run time.
public protocol HeapVisitor {
  associatedtype Result

  /// Called once, with a fresh heap.
  mutating func visit<H: Heap & ~Copyable>(_ heap: consuming H) -> Result
}

extension HeapKind {
  /// Builds the heap and hands it to the visitor.
  ///
  /// Nil for `recorded`, which is made from a trace and not from settings.
  @inlinable
  public func build<Visitor: HeapVisitor>(_ visitor: inout Visitor) -> Visitor.Result? {
    switch self {
    case .recorded: nil
    case .fit(.firstFit, let parameters): visitor.visit(FitHeap<FirstFit>(parameters))
    case .fit(.bestFit, let parameters): visitor.visit(FitHeap<BestFit>(parameters))
    case .fit(.nextFit, let parameters): visitor.visit(FitHeap<NextFit>(parameters))
    case .fit(.worstFit, let parameters): visitor.visit(FitHeap<WorstFit>(parameters))
    case .buddy(let parameters): visitor.visit(BuddyHeap(parameters))
    }
  }
}
