// The rules that choose among holes: first, next and worst fit, which search by address.

/// A rule that chooses the hole for a block, exactly as the linear scan that defines it would.
///
/// A policy searches the heap's `HoleMap` and may keep an index of its own, of which the heap
/// tells it whenever a hole appears or vanishes.
public protocol FitPolicy: ~Copyable {
  /// A policy that has seen nothing, over a list in this order.
  init(order: HoleOrder)

  /// Whether the holes stand in a list whose order is not that of their addresses.
  ///
  /// Then a joined run is a new piece of the list, and the order must not be `address`.
  static var isListed: Bool { get }

  /// Whether there is a list for each range of sizes, so that a hole of new bounds is filed anew.
  static var filesBySize: Bool { get }

  /// What the policy needs of the heap's hole map.
  static var indexes: HoleMap.Indexes { get }

  /// The start of the hole to use, or -1 when the block fits none. Adds to `inspected` the
  /// number of holes that the linear scan looks at.
  mutating func choose(_ query: FitQuery, in map: borrowing HoleMap, inspected: inout UInt64) -> Int

  /// A block was placed that ends before `granule`.
  mutating func placed(endingAt granule: Int)

  /// A hole appeared, after the map changed.
  mutating func holeAppeared(_ start: Int, _ length: Int, in map: borrowing HoleMap)

  /// A hole vanished, after the map changed.
  mutating func holeVanished(_ start: Int, _ length: Int)

  /// A hole has new bounds and keeps its place in the list, after the map changed.
  mutating func holeMoved(
    _ start: Int, _ length: Int, to newStart: Int, _ newLength: Int, in map: borrowing HoleMap)
}

extension FitPolicy where Self: ~Copyable {
  /// Does nothing: most policies look at the holes alone.
  @inlinable @inline(__always)
  public mutating func placed(endingAt granule: Int) {}

  /// Does nothing: the hole map is index enough.
  @inlinable @inline(__always)
  public mutating func holeAppeared(_ start: Int, _ length: Int, in map: borrowing HoleMap) {}

  /// Does nothing: the hole map is index enough.
  @inlinable @inline(__always)
  public mutating func holeVanished(_ start: Int, _ length: Int) {}

  /// The same as vanishing and appearing anew: in order of address there is no place to keep.
  @inlinable @inline(__always)
  public mutating func holeMoved(
    _ start: Int, _ length: Int, to newStart: Int, _ newLength: Int, in map: borrowing HoleMap
  ) {
    holeVanished(start, length)
    holeAppeared(newStart, newLength, in: map)
  }

  /// Most policies have one list.
  @inlinable @inline(__always)
  public static var filesBySize: Bool { false }

  /// Most policies go by address.
  @inlinable @inline(__always)
  public static var isListed: Bool { false }
}

extension HoleMap {
  /// The first hole by address, starting at or after `granule`, into which the block fits.
  @inlinable
  func firstFitting(_ query: FitQuery, from granule: Int) -> Int {
    var start = firstHole(from: granule, atLeast: query.length)
    guard query.alignment > 1 else { return start }
    while start >= 0, !query.fits(start, length(at: start)) {
      start = firstHole(from: start + 1, atLeast: query.length)
    }
    return start
  }

  @usableFromInline
  func length(at start: Int) -> Int { length(ofHoleAt: start) }
}

/// First fit: the hole of lowest address into which the block fits.
public struct FirstFit: FitPolicy {
  /// A policy that has seen nothing.
  @inlinable public init(order: HoleOrder = .address) {}

  /// What it needs of the hole map.
  public static var indexes: HoleMap.Indexes { [.maxima, .counts] }

  /// The start of the hole that the scan would choose, or -1.
  @inlinable
  public mutating func choose(
    _ query: FitQuery, in map: borrowing HoleMap, inspected: inout UInt64
  ) -> Int {
    let start = map.firstFitting(query, from: 0)
    inspected &+= UInt64(truncatingIfNeeded: start < 0 ? map.count : map.rank(start) &+ 1)
    return start
  }
}

/// Next fit: as first fit, but the scan resumes at the first hole that starts at or after the end
/// of the block placed last, and wraps round once.
public struct NextFit: FitPolicy {
  @usableFromInline var rover = 0

  /// A policy that has seen nothing.
  @inlinable public init(order: HoleOrder = .address) {}

  /// What it needs of the hole map.
  public static var indexes: HoleMap.Indexes { [.maxima, .counts] }

  /// The start of the hole that the scan would choose, or -1.
  @inlinable
  public mutating func choose(
    _ query: FitQuery, in map: borrowing HoleMap, inspected: inout UInt64
  ) -> Int {
    var start = map.firstFitting(query, from: rover)
    var scanned = 0
    if start >= 0 {
      scanned = map.rank(start) &+ 1 &- map.rank(rover)
    } else {
      start = rover > 0 ? map.firstFitting(query, from: 0) : -1
      scanned = start < 0 ? map.count : map.count &- map.rank(rover) &+ map.rank(start) &+ 1
    }
    inspected &+= UInt64(truncatingIfNeeded: scanned)
    return start
  }

  /// Moves the place where the next scan begins.
  @inlinable @inline(__always)
  public mutating func placed(endingAt granule: Int) { rover = granule }
}

/// Worst fit: the longest hole, of several the one of lowest address.
///
/// The list of holes is in no order, so a scan looks at all of them.
public struct WorstFit: FitPolicy {
  /// A policy that has seen nothing.
  @inlinable public init(order: HoleOrder = .address) {}

  /// What it needs of the hole map.
  public static var indexes: HoleMap.Indexes { .maxima }

  /// The start of the hole that the scan would choose, or -1.
  @inlinable
  public mutating func choose(
    _ query: FitQuery, in map: borrowing HoleMap, inspected: inout UInt64
  ) -> Int {
    inspected &+= UInt64(truncatingIfNeeded: map.count)
    let longest = map.longestKey
    guard longest >= min(query.length, HoleMap.saturated), longest > 0 else { return -1 }
    if longest < HoleMap.saturated, longest >= query.sufficientLength {
      return map.firstHole(from: 0, atLeast: longest)
    }
    return longestFitting(query, in: map, atLeast: longest < HoleMap.saturated ? 0 : longest)
  }

  /// Looks at every hole that is long enough: for an alignment that the longest may not meet,
  /// and for lengths beyond the trees' 32 bits.
  @inlinable
  func longestFitting(_ query: FitQuery, in map: borrowing HoleMap, atLeast key: Int) -> Int {
    var best = -1
    var bestLength = 0
    var start = map.firstHole(from: 0, atLeast: max(query.length, key))
    while start >= 0 {
      let length = map.length(at: start)
      if length > bestLength, query.fits(start, length) {
        best = start
        bestLength = length
      }
      start = map.firstHole(from: start + 1, atLeast: max(query.length, bestLength + 1))
    }
    // Only an alignment can make every saturated hole unfit.
    return best < 0 && key > 0 ? longestFitting(query, in: map, atLeast: 0) : best
  }
}
