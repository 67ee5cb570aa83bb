// Where free pieces touch that have not been joined yet.

/// Places at which one free piece ended and another began when somebody last looked.
///
/// Not all of them still hold; those that do not are swept out now and then, so that there are
/// never many more than there are holes. `top` is where the wilderness begins, which counts as free.
@usableFromInline
struct TouchingPlaces: ~Copyable {
  private var places: UnsafeMutablePointer<Int>?
  private var count = 0
  private var capacity = 0

  @usableFromInline
  init() {}

  @inlinable deinit { deallocate() }

  @usableFromInline
  func deallocate() { places?.deallocate() }

  var isEmpty: Bool { count == 0 }

  /// Adds a place.
  ///
  /// Costs O(log n) for each place added, on average.
  mutating func add(_ place: Int, in map: borrowing HoleMap, top: Int) {
    if count == capacity {
      sweep(map, top)
      if count > capacity / 2 || capacity == 0 { grow() }
    }
    places?[count] = place
    count += 1
  }

  /// The places that hold, lowest first, none twice; afterwards there are none.
  ///
  /// The buffer is good until the next `add`.
  mutating func takeAll(in map: borrowing HoleMap, top: Int) -> UnsafeBufferPointer<Int> {
    sweep(map, top)
    defer { count = 0 }
    return UnsafeBufferPointer(start: places, count: count)
  }

  private mutating func sweep(_ map: borrowing HoleMap, _ top: Int) {
    guard let places else { return }
    var buffer = UnsafeMutableBufferPointer(start: places, count: count)
    buffer.sort()
    var kept = 0
    for place in buffer where kept == 0 || places[kept - 1] != place {
      guard map.isTouching(place, top: top) else { continue }
      places[kept] = place
      kept += 1
    }
    buffer = UnsafeMutableBufferPointer(start: nil, count: 0)
    count = kept
  }

  private mutating func grow() {
    let larger = max(64, capacity * 2)
    let grown = UnsafeMutablePointer<Int>.allocate(capacity: larger)
    if let places {
      grown.update(from: places, count: count)
      places.deallocate()
    }
    places = grown
    capacity = larger
  }
}

extension HoleMap {
  /// Whether a hole ends where another, or the wilderness, begins.
  func isTouching(_ place: Int, top: Int) -> Bool {
    length(ofHoleEndingAt: place) > 0 && (place == top || isHoleStart(place))
  }
}
