// Segregated fits: a list of holes for each range of sizes, first fit inside the list.

internal import MemoryUnits

/// Segregated fits (Wilson, Johnstone, Neely & Boles, IWMM 1995, §3.6).
///
/// The list of a class has the holes that are at least as large as the class and smaller than the
/// next; holes below the first class are on the first list. A request looks through the list on which
/// a hole of its size would be, newest first, then through those of larger holes. First fit in one
/// list is found in O(log n).
public struct SegregatedFit: FitPolicy, ~Copyable {
  private var classes = ClassTable(.powersOfTwo)
  private var shift = 4
  private var lists: UnsafeMutablePointer<ListIndex>
  private var counts: UnsafeMutablePointer<Int>
  /// One bit for each list that is not empty.
  private var present: UnsafeMutablePointer<UInt64>

  /// A policy for the powers of two, in granules of 16 bytes.
  public init(order: HoleOrder) {
    lists = Self.makeLists(classes.count)
    counts = Self.makeZeros(classes.count)
    present = Self.makeZeros(classes.count / 64 + 1)
  }

  init(_ scheme: ClassScheme, granuleShift: Int) {
    self.init(order: .lifo)
    deallocate()
    classes = ClassTable(scheme)
    shift = granuleShift
    lists = Self.makeLists(classes.count)
    counts = Self.makeZeros(classes.count)
    present = Self.makeZeros(classes.count / 64 + 1)
  }

  private static func makeLists(_ count: Int) -> UnsafeMutablePointer<ListIndex> {
    let lists = UnsafeMutablePointer<ListIndex>.allocate(capacity: count)
    for number in 0..<count { (lists + number).initialize(to: ListIndex(.firstFit, .lifo)) }
    return lists
  }

  private static func makeZeros<Number: FixedWidthInteger>(
    _ count: Int
  ) -> UnsafeMutablePointer<Number> {
    let zeros = UnsafeMutablePointer<Number>.allocate(capacity: count)
    zeros.initialize(repeating: 0, count: count)
    return zeros
  }

  @inlinable deinit { deallocate() }

  @usableFromInline
  func deallocate() {
    lists.deinitialize(count: classes.count)
    lists.deallocate()
    counts.deallocate()
    present.deallocate()
  }

  /// What it needs of the hole map: tags and start bits only.
  public static var indexes: HoleMap.Indexes { [] }

  /// Holes of new bounds are filed anew.
  @inlinable public static var filesBySize: Bool { true }

  /// The list for holes of this length.
  @inline(__always)
  private func list(for length: Int) -> Int {
    let bytes = length < classes.largest ? length << shift : Int.max
    let number = classes.number(for: bytes)
    if number < 0 { return classes.count &- 1 }
    return classes[number] > bytes ? max(number &- 1, 0) : number
  }

  /// The first list from this one on that is not empty, or -1.
  @inline(__always)
  private func nextList(from number: Int) -> Int {
    guard number < classes.count else { return -1 }
    var word = number >> 6
    var bits = present[word] & (~0 << UInt64(truncatingIfNeeded: number & 63))
    while bits == 0 {
      word &+= 1
      guard word << 6 < classes.count else { return -1 }
      bits = present[word]
    }
    return word << 6 | bits.trailingZeroBitCount
  }

  /// The start of the hole that the scan would choose, or -1.
  public mutating func choose(
    _ query: FitQuery, in map: borrowing HoleMap, inspected: inout UInt64
  ) -> Int {
    var number = nextList(from: list(for: query.length))
    while number >= 0 {
      let start = lists[number].choose(query, &inspected)
      if start >= 0 { return start }
      number = nextList(from: number + 1)
    }
    return -1
  }

  /// Files a hole at the front of its list.
  public mutating func holeAppeared(_ start: Int, _ length: Int, in map: borrowing HoleMap) {
    let number = list(for: length)
    lists[number].append(start, length)
    counts[number] += 1
    present[number >> 6] |= 1 << UInt64(truncatingIfNeeded: number & 63)
  }

  /// Takes a hole off its list.
  public mutating func holeVanished(_ start: Int, _ length: Int) {
    let number = list(for: length)
    lists[number].remove(start, length)
    counts[number] -= 1
    if counts[number] == 0 {
      present[number >> 6] &= ~(1 << UInt64(truncatingIfNeeded: number & 63))
    }
  }
}

extension FitHeap where Policy == SegregatedFit {
  /// A heap of segregated fits that holds nothing yet.
  public init(_ parameters: FitParameters, classes: ClassScheme) {
    self.init(parameters)
    policy = SegregatedFit(classes, granuleShift: shift)
  }
}
