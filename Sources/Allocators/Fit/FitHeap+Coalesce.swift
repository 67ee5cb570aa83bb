// Freed blocks that do not join their neighbours, or not yet.

extension FitHeap where Policy: ~Copyable {
  /// Makes a run a free piece by itself, and notes where it touches others that a sweep may join.
  @usableFromInline
  mutating func releaseAlone(_ start: Int, _ length: Int) {
    insertHole(start, length)
    guard parameters.coalesce == .deferred else { return }
    for place in [start, start + length] where map.isTouching(place, top: wildernessStart) {
      touching.add(place, in: map, top: wildernessStart)
    }
  }

  /// Joins all free pieces that touch, in order of address.
  ///
  /// Returns whether there were any. Costs O(log n) for each piece freed since the last time, not a
  /// step for each piece as the textbook's sweep, whose looks are counted all the same.
  mutating func joinTouching() -> Bool {
    guard !touching.isEmpty else { return false }
    let places = touching.takeAll(in: map, top: wildernessStart)
    guard !places.isEmpty else { return false }
    tally.holesInspected &+= UInt64(truncatingIfNeeded: map.count)
    var index = 0
    while index < places.count {
      var next = index + 1
      var end = places[index]
      while end != wildernessStart {
        end += map.length(ofHoleAt: end)
        guard next < places.count, places[next] == end else { break }
        next += 1
      }
      joinRun(places[index..<next], end: end)
      index = next
    }
    return true
  }

  /// Joins the pieces on both sides of each of these places to one run that ends at `end`.
  private mutating func joinRun(_ places: Slice<UnsafeBufferPointer<Int>>, end: Int) {
    guard let first = places.first else { return }
    let firstLength = map.length(ofHoleEndingAt: first)
    let start = first - firstLength
    let reachesTop = end == wildernessStart
    for place in places where place != wildernessStart {
      removeHole(place, map.length(ofHoleAt: place))
    }
    tally.merges &+= UInt64(places.count)
    if reachesTop {
      if wildernessStart == breakGranule { tally.merges &-= 1 }
      removeHole(start, firstLength)
      wildernessStart = start
    } else {
      joinHole(start, firstLength, to: start, end - start)
    }
  }
}
