// Finds the best of several overlapping ranges that cover an address.

/// Disjoint pieces of the address space, each with the best of the ranges that cover it.
///
/// Made from ranges in order of preference, the best first. Overlap is resolved once, so that a
/// lookup is one binary search however the ranges nest.
package struct CoverMap: Sendable {
  private var starts: [UInt64] = []
  private var ends: [UInt64] = []
  private var owners: [Int32] = []

  /// - Complexity: O(n log n) for n ranges; at most 2n pieces result. Empty ranges cover nothing.
  package init(bestFirst ranges: [Range<UInt64>]) {
    let byStart = ranges.indices.filter { !ranges[$0].isEmpty }.sorted {
      (ranges[$0].lowerBound, $0) < (ranges[$1].lowerBound, $1)
    }
    var open = MinimumHeap()
    var next = 0
    var position: UInt64 = 0
    while true {
      while let best = open.minimum, ranges[best].upperBound <= position { open.removeMinimum() }
      if open.minimum == nil {
        guard next < byStart.count else { break }
        position = ranges[byStart[next]].lowerBound
      }
      while next < byStart.count, ranges[byStart[next]].lowerBound <= position {
        open.insert(byStart[next])
        next += 1
      }
      guard let best = open.minimum else { break }
      var end = ranges[best].upperBound
      if next < byStart.count { end = min(end, ranges[byStart[next]].lowerBound) }
      append(position..<end, owner: Int32(best))
      position = end
    }
  }

  private mutating func append(_ piece: Range<UInt64>, owner: Int32) {
    if owners.last == owner, ends.last == piece.lowerBound {
      ends[ends.count - 1] = piece.upperBound
    } else {
      starts.append(piece.lowerBound)
      ends.append(piece.upperBound)
      owners.append(owner)
    }
  }

  /// The index of the best range that covers `address`, nil in a gap.
  ///
  /// - Complexity: O(log n)
  package func owner(of address: UInt64) -> Int? {
    var low = 0
    var high = starts.count
    while low < high {
      let middle = (low + high) / 2
      if starts[middle] <= address { low = middle + 1 } else { high = middle }
    }
    guard low > 0, address < ends[low - 1] else { return nil }
    return Int(owners[low - 1])
  }
}

/// A binary heap of numbers, the smallest on top.
private struct MinimumHeap {
  private var items: [Int] = []

  var minimum: Int? { items.first }

  mutating func insert(_ item: Int) {
    items.append(item)
    var child = items.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard items[child] < items[parent] else { return }
      items.swapAt(child, parent)
      child = parent
    }
  }

  mutating func removeMinimum() {
    guard let last = items.popLast(), !items.isEmpty else { return }
    items[0] = last
    var parent = 0
    while true {
      var child = 2 * parent + 1
      guard child < items.count else { return }
      if child + 1 < items.count, items[child + 1] < items[child] { child += 1 }
      guard items[child] < items[parent] else { return }
      items.swapAt(child, parent)
      parent = child
    }
  }
}
