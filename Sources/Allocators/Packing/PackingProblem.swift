// Blocks whose lifetimes are all known: what an offline packing has to place.

public import MemoryUnits

/// Blocks with their sizes and lifetimes, in the order in which they begin.
///
/// Time counts beginnings: block `i` lives from moment `i` up to the moment of the first block that
/// begins after it ended. So only blocks conflict that live at the same time.
///
/// Sizes count granules of 16 bytes, as those of the other heaps do by default; a size of zero
/// counts as one byte. Blocks of 64 GiB or more, and those aligned to more than 256 MiB, are not
/// planned. Takes 9 bytes a block.
public struct PackingProblem: ~Copyable {
  /// More blocks are not taken: planning them takes half a gigabyte.
  public static var blockLimit: Int { 1 << 24 }
  /// The bytes of a granule.
  public static var granule: ByteCount { 16 }

  /// How many blocks there are.
  public private(set) var count = 0
  /// The most granules that live at a time: no placement can do with less.
  public private(set) var load = 0
  /// The granules that live now.
  public private(set) var live = 0
  private var capacity = 1024
  private var sizes: UnsafeMutablePointer<UInt32>
  private var ends: UnsafeMutablePointer<UInt32>
  private var shifts: UnsafeMutablePointer<UInt8>

  /// No blocks yet.
  public init() {
    sizes = .allocate(capacity: capacity)
    ends = .allocate(capacity: capacity)
    shifts = .allocate(capacity: capacity)
  }

  deinit {
    sizes.deallocate()
    ends.deallocate()
    shifts.deallocate()
  }

  /// A block begins and lives until ``end(_:)``; nil when there are too many.
  public mutating func begin(size: ByteCount, alignment: ByteCount = 1) -> UInt32? {
    guard count < Self.blockLimit else { return nil }
    if count == capacity { grow() }
    let bytes = max(size, 1)
    let isPlanned = bytes.rawValue < 1 << 36 && alignment.rawValue <= 1 << 28
    sizes[count] = isPlanned ? UInt32((bytes.rawValue + 15) >> 4) : 0
    shifts[count] =
      isPlanned ? UInt8(max(alignment.roundedUpToPowerOfTwo.trailingZeroBitCount - 4, 0)) : 0
    ends[count] = .max
    live += Int(sizes[count])
    load = max(load, live)
    count += 1
    return UInt32(count - 1)
  }

  /// A block, which began and did not end yet, ends.
  public mutating func end(_ block: UInt32) {
    let index = Int(block)
    precondition(index < count && ends[index] == .max, "a block ends that does not live")
    ends[index] = UInt32(count)
    live -= Int(sizes[index])
  }

  /// The granules of a block; none where it is not planned.
  func size(_ block: Int) -> Int { Int(sizes[block]) }

  /// The moment at which a block no longer lives.
  ///
  /// A block that ends before another begins is there for no moment but its own.
  func end(_ block: Int) -> Int { max(Int(min(ends[block], UInt32(count))), block + 1) }

  /// Moments for which a block lives.
  func lifetime(_ block: Int) -> Int { end(block) - block }

  /// The lowest aligned place at or above a place.
  func aligned(_ place: Int, for block: Int) -> Int {
    let mask = 1 << Int(shifts[block]) - 1
    return (place + mask) & ~mask
  }

  private mutating func grow() {
    let larger = capacity * 2
    sizes = Self.moved(sizes, count, to: larger)
    ends = Self.moved(ends, count, to: larger)
    shifts = Self.moved(shifts, count, to: larger)
    capacity = larger
  }

  private static func moved<Element>(
    _ old: UnsafeMutablePointer<Element>, _ count: Int, to capacity: Int
  ) -> UnsafeMutablePointer<Element> {
    let new = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
    new.moveInitialize(from: old, count: count)
    old.deallocate()
    return new
  }
}

extension ByteCount {
  /// The bits of the smallest power of two of at least this count, and of at least one.
  fileprivate var roundedUpToPowerOfTwo: Int64 {
    rawValue <= 1 ? 1 : 1 << Int64(Int64.bitWidth - (rawValue - 1).leadingZeroBitCount)
  }
}
