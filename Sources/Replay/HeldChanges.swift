// The changes of the held ranges that one step makes, joined where they touch.

internal import Allocators
internal import MemoryUnits

extension [HeldChange] {
  /// Notes that the range was got from the system (`isGrowth`) or given back; joined with the
  /// change before it where both go the same way and the range continues it.
  mutating func append(_ range: Range<UInt64>, isGrowth: Bool) {
    guard !range.isEmpty else { return }
    let range = Address(range.lowerBound)..<Address(range.upperBound)
    if let last, last.isGrowth == isGrowth, last.range.upperBound == range.lowerBound {
      self[count - 1].range = last.range.lowerBound..<range.upperBound
    } else {
      append(HeldChange(range: range, isGrowth: isGrowth))
    }
  }

  /// Notes what leads from one set of held bytes to another, both sorted and without overlaps.
  mutating func appendDifference(from old: [Range<UInt64>], to new: [Range<UInt64>]) {
    for range in old { appendParts(of: range, outside: new, isGrowth: false) }
    for range in new { appendParts(of: range, outside: old, isGrowth: true) }
  }

  private mutating func appendParts(
    of range: Range<UInt64>, outside others: [Range<UInt64>], isGrowth: Bool
  ) {
    var start = range.lowerBound
    for other in others where other.overlaps(range) {
      if other.lowerBound > start { append(start..<other.lowerBound, isGrowth: isGrowth) }
      start = Swift.max(start, other.upperBound)
    }
    if start < range.upperBound { append(start..<range.upperBound, isGrowth: isGrowth) }
  }

  /// Puts what is given back in front of what is got.
  mutating func shrinkFirst() {
    self = filter { !$0.isGrowth } + filter(\.isGrowth)
  }
}
