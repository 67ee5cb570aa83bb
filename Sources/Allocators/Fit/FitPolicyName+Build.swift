// Which type of heap a fit policy with its settings names.

extension FitPolicyName {
  /// Builds the heap and hands it to the visitor.
  @inlinable
  func build<Visitor: HeapVisitor>(
    _ parameters: FitParameters, _ visitor: inout Visitor
  ) -> Visitor.Result {
    guard parameters.order == .address else {
      return switch self {
      case .firstFit: visitor.visit(FitHeap<Listed<FirstFit>>(parameters))
      case .bestFit: visitor.visit(FitHeap<Listed<BestFit>>(parameters))
      case .nextFit: visitor.visit(FitHeap<Listed<NextFit>>(parameters))
      case .worstFit: visitor.visit(FitHeap<Listed<WorstFit>>(parameters))
      }
    }
    if parameters.compaction.method != .none {
      return switch self {
      case .firstFit: visitor.visit(CompactingHeap<FirstFit>(parameters))
      case .bestFit: visitor.visit(CompactingHeap<BestFit>(parameters))
      case .nextFit: visitor.visit(CompactingHeap<NextFit>(parameters))
      case .worstFit: visitor.visit(CompactingHeap<WorstFit>(parameters))
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
