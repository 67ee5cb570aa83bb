// The orders in which a packing places blocks.

/// How an offline packing goes about it.
public enum PackingOrder: String, CaseIterable, Hashable, Sendable {
  /// All of the following, and the lowest of them.
  case best
  /// The longest lived block first.
  case lifetime
  /// The largest block first.
  case size
  /// The block with the largest product of lifetime and size first.
  case area
  /// As the blocks begin, best fit: what a heap does that knows nothing.
  case time
}

extension PackingProblem {
  /// The planned blocks in an order, ties as they begin.
  ///
  /// - Complexity: O(n log n).
  func blocks(by order: PackingOrder) -> [UInt32] {
    var blocks: [UInt32] = []
    blocks.reserveCapacity(count)
    for block in 0..<count where size(block) > 0 { blocks.append(UInt32(block)) }
    if order == .time { return blocks }
    blocks.sort { a, b in
      let (x, y) = (weight(Int(a), order), weight(Int(b), order))
      return x != y ? x > y : a < b
    }
    return blocks
  }

  /// What comes first is heavier; the first number decides, then the second.
  private func weight(_ block: Int, _ order: PackingOrder) -> (Int, Int) {
    let (lifetime, size) = (lifetime(block), size(block))
    return switch order {
    case .lifetime: (lifetime, size)
    case .size: (size, lifetime)
    default: (lifetime * size, lifetime)
    }
  }
}
