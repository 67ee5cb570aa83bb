// TLSF and half-fit: the head of the first list in which every hole is large enough.

/// Two-level segregated fit (Masmano, Ripoll, Crespo & Real, "TLSF: a New Dynamic Memory Allocator for
/// Real-Time Systems", ECRTS 2004).
///
/// Each power of two has 2^sl lists of equal ranges of sizes in bytes. A hole of r bytes is on the list
///
///     f = floor(log2 r)    s = floor((r - 2^f) 2^sl / 2^f)           (mapping_insert)
///
/// and a request takes the head of the first list that is not empty from the one on which
/// r + 2^(f - sl) - 1 would be (mapping_search): there every hole fits, so that nothing is
/// searched. A request with an alignment of its own looks for a hole so large that some place in it is
/// aligned. All takes O(1). With one list for each power of two this is half-fit (Ogasawara, "An
/// Algorithm with Constant Execution Time for Dynamic Storage Allocation", RTCSA 1995).
///
/// `Work.holesInspected` counts one for each request that finds a hole.
public struct TwoLevelFit: FitPolicy, ~Copyable {
  private static let chunkShift = 18

  /// The neighbours of a hole on its list, as granules; -1 at its ends.
  private struct Links {
    var previous: Int
    var next: Int
  }

  private var sl = 5
  private var shift = 4
  /// The first hole of each list, 64 lists for each power of two, or -1.
  private let heads: UnsafeMutablePointer<Int>
  /// One bit for each list of a power of two that is not empty, and one for each such power.
  private let lists: UnsafeMutablePointer<UInt64>
  private var powers: UInt64 = 0
  private var links = ChunkDirectory(
    chunkByteCount: MemoryLayout<Links>.stride << TwoLevelFit.chunkShift)

  /// A policy of 32 lists for each power of two, in granules of 16 bytes.
  public init(order: HoleOrder) {
    heads = .allocate(capacity: 64 * 64)
    heads.initialize(repeating: -1, count: 64 * 64)
    lists = .allocate(capacity: 64)
    lists.initialize(repeating: 0, count: 64)
  }

  @inlinable deinit { deallocate() }

  @usableFromInline
  func deallocate() {
    heads.deallocate()
    lists.deallocate()
  }

  /// Sets what the first hole must find set.
  mutating func configure(sl: Int, granuleShift: Int) {
    precondition((0...6).contains(sl) && powers == 0)
    self.sl = sl
    shift = granuleShift
  }

  /// What it needs of the hole map: tags and start bits only.
  public static var indexes: HoleMap.Indexes { [] }

  /// Holes of new bounds are filed anew.
  @inlinable public static var filesBySize: Bool { true }

  // MARK: Mapping

  @inline(__always)
  private static func log2(_ bytes: Int) -> Int { Int.bitWidth &- 1 &- bytes.leadingZeroBitCount }

  /// The list on which a hole of so many bytes is.
  @inline(__always)
  private func list(for bytes: Int) -> (power: Int, part: Int) {
    let power = Self.log2(bytes)
    let part = power >= sl ? bytes &>> (power &- sl) : bytes &<< (sl &- power)
    return (power, part ^ 1 << sl)
  }

  /// The start of the hole to use, or -1.
  public mutating func choose(
    _ query: FitQuery, in map: borrowing HoleMap, inspected: inout UInt64
  ) -> Int {
    let bytes = query.sufficientLength << shift
    let rounding = Self.log2(bytes) &- sl
    var (power, part) = list(for: rounding > 0 ? bytes &+ (1 << rounding) &- 1 : bytes)
    var parts = lists[power] & (~0 << UInt64(truncatingIfNeeded: part))
    if parts == 0 {
      let above = powers & (~1 << UInt64(truncatingIfNeeded: power))
      guard above != 0 else { return -1 }
      power = above.trailingZeroBitCount
      parts = lists[power]
    }
    part = parts.trailingZeroBitCount
    inspected &+= 1
    return heads[power << 6 | part]
  }

  // MARK: Lists

  @inline(__always)
  private mutating func link(_ granule: Int) -> UnsafeMutablePointer<Links> {
    links.writableChunk(granule >> Self.chunkShift).assumingMemoryBound(to: Links.self)
      + granule & ((1 << Self.chunkShift) - 1)
  }

  /// Files a hole at the front of its list.
  public mutating func holeAppeared(_ start: Int, _ length: Int, in map: borrowing HoleMap) {
    let (power, part) = list(for: length << shift)
    links.extend(to: start >> Self.chunkShift + 1)
    let head = heads[power << 6 | part]
    link(start).pointee = Links(previous: -1, next: head)
    if head >= 0 { link(head).pointee.previous = start }
    heads[power << 6 | part] = start
    lists[power] |= 1 << UInt64(truncatingIfNeeded: part)
    powers |= 1 << UInt64(truncatingIfNeeded: power)
  }

  /// Takes a hole off its list.
  public mutating func holeVanished(_ start: Int, _ length: Int) {
    let neighbours = link(start).pointee
    if neighbours.next >= 0 { link(neighbours.next).pointee.previous = neighbours.previous }
    guard neighbours.previous < 0 else {
      link(neighbours.previous).pointee.next = neighbours.next
      return
    }
    let (power, part) = list(for: length << shift)
    heads[power << 6 | part] = neighbours.next
    guard neighbours.next < 0 else { return }
    lists[power] &= ~(1 << UInt64(truncatingIfNeeded: part))
    if lists[power] == 0 { powers &= ~(1 << UInt64(truncatingIfNeeded: power)) }
  }
}

extension FitHeap where Policy == TwoLevelFit {
  /// A heap with 2^sl lists for each power of two, that holds nothing yet.
  public init(_ parameters: FitParameters, sl: Int) {
    self.init(parameters)
    policy.configure(sl: sl, granuleShift: shift)
  }
}
