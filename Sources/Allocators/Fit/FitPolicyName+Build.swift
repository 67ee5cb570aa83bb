// Which type of heap a fit policy with its settings names.

extension FitPolicyName {
  /// Builds the heap and hands it to the visitor.
  @inlinable
  func build<Visitor: HeapVisitor>(
    _ parameters: FitParameters, _ visitor: inout Visitor
  ) -> Visitor.Result {
    guard parameters.order == .address else {
      return switch self {
      case .firstFit: visitor.visitBoxed(FitHeap<Listed<FirstFit>>(parameters))
      case .bestFit: visitor.visitBoxed(FitHeap<Listed<BestFit>>(parameters))
      case .nextFit: visitor.visitBoxed(FitHeap<Listed<NextFit>>(parameters))
      case .worstFit: visitor.visitBoxed(FitHeap<Listed<WorstFit>>(parameters))
      }
    }
    if parameters.compaction.method != .none {
      return switch self {
      case .firstFit: visitor.visitBoxed(CompactingHeap<FirstFit>(parameters))
      case .bestFit: visitor.visitBoxed(CompactingHeap<BestFit>(parameters))
      case .nextFit: visitor.visitBoxed(CompactingHeap<NextFit>(parameters))
      case .worstFit: visitor.visitBoxed(CompactingHeap<WorstFit>(parameters))
      }
    }
    return switch self {
    case .firstFit: visitor.visit(FitHeap<FirstFit>(parameters))
    case .bestFit: visitor.visit(FitHeap<BestFit>(parameters))
    case .nextFit: visitor.visit(FitHeap<NextFit>(parameters))
    case .worstFit: visitor.visit(FitHeap<WorstFit>(parameters))
    }
  }
}
