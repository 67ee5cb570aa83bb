// The height of what is placed, over time.

/// For each moment how high blocks are stacked: a segment tree whose ranges are only ever raised.
///
/// Because nothing is lowered, marks need not be pushed down: a node has the highest of what raised
/// it as a whole, and the maximum below it.
/// - Complexity: O(log moments) for each call; 16 bytes a moment.
struct Skyline: ~Copyable {
  private let leafCount: Int
  private let raised: UnsafeMutablePointer<UInt32>
  private let highest: UnsafeMutablePointer<UInt32>

  init(moments: Int) {
    var leaves = 1
    while leaves < moments { leaves *= 2 }
    leafCount = leaves
    raised = Self.map(leaves)
    highest = Self.map(leaves)
  }

  deinit {
    LazyMemory.unmap(UnsafeMutableRawPointer(raised), byteCount: leafCount * 8)
    LazyMemory.unmap(UnsafeMutableRawPointer(highest), byteCount: leafCount * 8)
  }

  private static func map(_ leaves: Int) -> UnsafeMutablePointer<UInt32> {
    LazyMemory.map(byteCount: leaves * 8).bindMemory(to: UInt32.self, capacity: leaves * 2)
  }

  /// The height of the highest moment of a range, which is not empty.
  func height(over moments: Range<Int>) -> Int {
    var maximum: UInt32 = 0
    var low = moments.lowerBound + leafCount
    var high = moments.upperBound + leafCount
    var (first, last) = (low, high - 1)
    while low < high {
      if low & 1 != 0 {
        maximum = max(maximum, highest[low])
        low += 1
      }
      if high & 1 != 0 {
        high -= 1
        maximum = max(maximum, highest[high])
      }
      low >>= 1
      high >>= 1
    }
    while first > 1 {
      first >>= 1
      last >>= 1
      maximum = max(maximum, raised[first], raised[last])
    }
    return Int(maximum)
  }

  /// Raises all moments of a range, which is not empty, to a height that none exceeds.
  mutating func raise(_ moments: Range<Int>, to height: Int) {
    let height = UInt32(height)
    var low = moments.lowerBound + leafCount
    var high = moments.upperBound + leafCount
    var (first, last) = (low, high - 1)
    while low < high {
      if low & 1 != 0 {
        raised[low] = max(raised[low], height)
        highest[low] = max(highest[low], height)
        low += 1
      }
      if high & 1 != 0 {
        high -= 1
        raised[high] = max(raised[high], height)
        highest[high] = max(highest[high], height)
      }
      low >>= 1
      high >>= 1
    }
    while first > 1 {
      first >>= 1
      last >>= 1
      refresh(first)
      if last != first { refresh(last) }
    }
  }

  private func refresh(_ node: Int) {
    highest[node] = max(highest[2 * node], highest[2 * node + 1], raised[node])
  }
}
