// Where every block of a packing problem goes.

/// A place for each block of a ``PackingProblem`` such that no two blocks ever share a granule.
public struct Packing: ~Copyable {
  /// Stands for no place.
  static var unplanned: UInt32 { .max }
  /// No block may end above this place: that is 64 GiB of address space.
  static var limit: Int { Int(UInt32.max) - 1 }

  /// How many blocks there are.
  public let count: Int
  /// The first granule above all blocks.
  public private(set) var height = 0
  private let places: UnsafeMutablePointer<UInt32>

  /// All blocks are without a place.
  init(count: Int) {
    self.count = count
    places = .allocate(capacity: max(count, 1))
    places.initialize(repeating: Self.unplanned, count: max(count, 1))
  }

  deinit { places.deallocate() }

  /// The first granule of a block; nil where it has no place.
  public subscript(block: Int) -> Int? {
    let place = places[block]
    return place == Self.unplanned ? nil : Int(place)
  }

  /// Gives a block its place, unless that is too high.
  mutating func place(_ block: Int, at place: Int, size: Int) {
    guard place + size <= Self.limit else { return }
    places[block] = UInt32(place)
    height = max(height, place + size)
  }

  /// Takes the place of a block back; the height stays.
  mutating func clear() {
    places.update(repeating: Self.unplanned, count: max(count, 1))
    height = 0
  }
}
