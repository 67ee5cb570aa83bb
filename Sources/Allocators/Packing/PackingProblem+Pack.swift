// Solving a packing problem.

internal import MemoryUnits

extension PackingProblem {
  /// Places all blocks, as low as the order achieves it.
  ///
  /// Placing them as low as possible is NP-hard (dynamic storage allocation; Garey & Johnson, 1979,
  /// problem SR2): this is an upper bound, ``load`` a lower one. `best` takes the lowest of all
  /// orders, and for up to 2,000 blocks searches for better ones.
  /// - Complexity: O(n log n); for few blocks and `best` bounded to some seconds.
  public func pack(_ order: PackingOrder) -> Packing {
    switch order {
    case .lifetime, .size, .area: return StackedPacker.stack(self, by: order)
    case .time: return StackedPacker.play(self, BestFit.self)
    case .best: return lowest()
    }
  }

  private func lowest() -> Packing {
    var best = StackedPacker.play(self, BestFit.self)
    Self.keepLower(StackedPacker.play(self, FirstFit.self), &best)
    for order in [PackingOrder.lifetime, .area, .size] where best.height > load {
      Self.keepLower(StackedPacker.stack(self, by: order), &best)
    }
    if best.height > load, count <= LineSearch.blockLimit {
      var search = LineSearch(self)
      Self.keepLower(search.search(blocks(by: .lifetime)), &best)
    }
    return best
  }

  private static func keepLower(_ other: consuming Packing, _ best: inout Packing) {
    if other.height < best.height { best = other }
  }

  /// The alignment of a block in bytes, at least a granule.
  func alignment(_ block: Int) -> ByteCount {
    ByteCount(aligned(1, for: block) << 4)
  }
}
