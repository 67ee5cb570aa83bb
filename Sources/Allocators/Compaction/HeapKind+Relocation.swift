// Which heaps may move live blocks.

extension HeapKind {
  /// Whether the heap moves blocks of its own accord, which what stands on it could not bear.
  var relocatesBlocks: Bool {
    if case .fit(_, let parameters) = self { return parameters.compaction.method != .none }
    return false
  }
}
