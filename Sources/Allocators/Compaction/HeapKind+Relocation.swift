// Which heaps may move live blocks.

extension HeapKind {
  /// Whether the heap moves blocks of its own accord, which what stands on it could not bear.
  var relocatesBlocks: Bool {
    switch self {
    case .fit(_, let parameters): parameters.compaction.method != .none
    case .mesh: true
    default: false
    }
  }
}
