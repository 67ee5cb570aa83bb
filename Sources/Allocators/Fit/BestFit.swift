// Best fit: the shortest hole that is long enough, found by length.

/// Best fit: the shortest hole into which the block fits, of several the one of lowest address.
///
/// The list of holes is in no order, so a scan looks at all of them.
///
/// Holes shorter than 4096 granules wait in one queue for each exact length, with a bitmap of
/// the lengths that there are; longer ones stand in a tree.
public struct BestFit: FitPolicy, ~Copyable {
  static let queueCount = 4096
  private static let queueByteCount = queueCount * MemoryLayout<AddressQueue>.stride

  private var queues: UnsafeMutablePointer<AddressQueue>
  /// One bit for each queue that is not empty, and one for each word of those that is not zero.
  private var lengths: UnsafeMutablePointer<UInt64>
  private var words: UInt64 = 0
  private var longestQueued = 0
  @usableFromInline var long = SizeTree()

  /// A policy that has seen nothing.
  public init(order: HoleOrder = .address) {
    // Zeroed memory is empty queues, and those of unused lengths are never touched.
    queues = LazyMemory.map(byteCount: Self.queueByteCount)
      .bindMemory(to: AddressQueue.self, capacity: Self.queueCount)
    lengths = .allocate(capacity: Self.queueCount / 64)
    lengths.initialize(repeating: 0, count: Self.queueCount / 64)
  }

  @inlinable deinit { deallocate() }

  @usableFromInline
  func deallocate() {
    for length in 0...longestQueued { queues[length].deallocate() }
    LazyMemory.unmap(UnsafeMutableRawPointer(queues), byteCount: Self.queueByteCount)
    lengths.deallocate()
  }

  /// What it needs of the hole map: tags and start bits only.
  public static var indexes: HoleMap.Indexes { [] }

  /// The start of the hole that the scan would choose, or -1.
  public mutating func choose(
    _ query: FitQuery, in map: borrowing HoleMap, inspected: inout UInt64
  ) -> Int {
    inspected &+= UInt64(truncatingIfNeeded: map.count)
    if query.alignment > 1 { return chooseAligned(query, in: map) }
    let length = queueLength(atLeast: query.length)
    if length < 0 { return long.first(atLeast: query.length).start }
    return queues[length].lowest { Self.isHole($0, length, in: map) }
  }

  /// Files a hole under its length.
  public mutating func holeAppeared(_ start: Int, _ length: Int, in map: borrowing HoleMap) {
    guard length < Self.queueCount else { return long.insert(start, length) }
    lengths[length >> 6] |= 1 << UInt64(truncatingIfNeeded: length & 63)
    words |= 1 << UInt64(truncatingIfNeeded: length >> 6)
    longestQueued = max(longestQueued, length)
    queues[length].push(start) { Self.isHole($0, length, in: map) }
  }

  /// Forgets a hole.
  public mutating func holeVanished(_ start: Int, _ length: Int) {
    guard length < Self.queueCount else { return long.remove(start, length) }
    guard queues[length].vanish() else { return }
    lengths[length >> 6] &= ~(1 << UInt64(truncatingIfNeeded: length & 63))
    if lengths[length >> 6] == 0 { words &= ~(1 << UInt64(truncatingIfNeeded: length >> 6)) }
  }

  @inline(__always)
  private static func isHole(_ start: Int, _ length: Int, in map: borrowing HoleMap) -> Bool {
    map.isHoleStart(start) && map.length(ofHoleAt: start) == length
  }

  /// The shortest length of at least this one that some queue has, or -1.
  @inline(__always)
  private func queueLength(atLeast length: Int) -> Int {
    guard length < Self.queueCount else { return -1 }
    let word = length >> 6
    let bits = lengths[word] & (~0 << UInt64(truncatingIfNeeded: length & 63))
    if bits != 0 { return word << 6 | bits.trailingZeroBitCount }
    let above = words & (~1 << UInt64(truncatingIfNeeded: word))
    guard above != 0 else { return -1 }
    let next = above.trailingZeroBitCount
    return next << 6 | lengths[next].trailingZeroBitCount
  }

  private mutating func chooseAligned(_ query: FitQuery, in map: borrowing HoleMap) -> Int {
    var length = queueLength(atLeast: query.length)
    while length >= 0 {
      let start = queues[length].lowestWhere { start in
        query.fits(start, length) && Self.isHole(start, length, in: map)
      }
      if start >= 0 { return start }
      length = queueLength(atLeast: length + 1)
    }
    var hole = long.first(atLeast: query.length)
    while hole.start >= 0, !query.fits(hole.start, hole.length) {
      hole = long.first(atLeast: hole.length, from: hole.start + 1)
    }
    return hole.start
  }
}
