// A queue of free places, lowest first, from which places vanish without being looked up.

/// A binary min-heap of places (granules or blocks) with lazy deletion.
///
/// The owner knows from its own tables whether a place in the queue is still free; a place that
/// is not is dropped when it comes to the top. A place may stand in the queue twice.
@usableFromInline
struct AddressQueue {
  private var places: UnsafeMutablePointer<Int>?
  private(set) var count = 0
  private var capacity = 0
  /// How many places of the queue are free; the others are stale.
  private(set) var liveCount = 0

  init() {}

  func deallocate() { places?.deallocate() }

  /// Adds a place that became free.
  ///
  /// `isFree` is asked only when stale places are swept out, which happens so seldom that it costs
  /// O(1) for each `push`.
  @inline(__always)
  mutating func push(_ place: Int, isFree: (Int) -> Bool) {
    liveCount &+= 1
    if count == capacity { makeRoom(isFree: isFree) }
    guard let places else { return }
    var child = count
    count &+= 1
    while child > 0 {
      let parent = (child &- 1) >> 1
      guard places[parent] > place else { break }
      places[child] = places[parent]
      child = parent
    }
    places[child] = place
  }

  /// Says that a place of the queue is no longer free.
  ///
  /// Returns whether none is left.
  @inline(__always)
  mutating func vanish() -> Bool {
    liveCount &-= 1
    guard liveCount == 0 else { return false }
    count = 0
    return true
  }

  /// The lowest free place.
  ///
  /// There must be one.
  @inline(__always)
  mutating func lowest(isFree: (Int) -> Bool) -> Int {
    guard let places else { return -1 }
    while !isFree(places[0]) { dropLowest(places) }
    return places[0]
  }

  /// The lowest free place that also meets a condition, or -1.
  ///
  /// Looks at all places.
  func lowestWhere(_ isWanted: (Int) -> Bool) -> Int {
    guard let places else { return -1 }
    var lowest = -1
    for index in 0..<count {
      let place = places[index]
      if lowest < 0 || place < lowest, isWanted(place) { lowest = place }
    }
    return lowest
  }

  @inline(__always)
  private mutating func dropLowest(_ places: UnsafeMutablePointer<Int>) {
    count &-= 1
    let moved = places[count]
    var hole = 0
    while true {
      var child = 2 &* hole &+ 1
      guard child < count else { break }
      if child &+ 1 < count, places[child &+ 1] < places[child] { child &+= 1 }
      guard places[child] < moved else { break }
      places[hole] = places[child]
      hole = child
    }
    places[hole] = moved
  }

  /// Sweeps out stale places and doubles the memory if that did not free half of it. (The place
  /// about to be pushed may already be free by the owner's tables, and in the queue from before;
  /// a second mention does no harm.)
  @inline(never)
  private mutating func makeRoom(isFree: (Int) -> Bool) {
    if let places, count > 2 * liveCount { sweep(places, isFree: isFree) }
    guard count > capacity / 2 || capacity == 0 else { return }
    let larger = max(4, capacity * 2)
    let grown = UnsafeMutablePointer<Int>.allocate(capacity: larger)
    if let places {
      grown.update(from: places, count: count)
      places.deallocate()
    }
    places = grown
    capacity = larger
  }

  private mutating func sweep(_ places: UnsafeMutablePointer<Int>, isFree: (Int) -> Bool) {
    // A sorted row is a heap.
    var buffer = UnsafeMutableBufferPointer(start: places, count: count)
    buffer.sort()
    var kept = 0
    for index in 0..<count where isFree(places[index]) {
      if kept > 0, places[kept - 1] == places[index] { continue }
      places[kept] = places[index]
      kept += 1
    }
    count = kept
    buffer = UnsafeMutableBufferPointer(start: nil, count: 0)
  }
}
