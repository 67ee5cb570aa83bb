// Where the holes of a simulated heap are: boundary tags, and an index over them by address.

/// The holes of one heap, in granules (units of the heap's alignment) from the heap's base.
///
/// A hole's length stands at its first and at its last granule (Knuth's boundary tags, TAOCP 1
/// §2.5), every other tag is zero, and one bit says where a hole starts. 64 granules are a leaf;
/// a leaf knows its longest hole; trees with sixteen children a node lie above the leaves of a
/// chunk and above the chunks. So the neighbours of a block are found in O(1), and the next hole
/// by address that is long enough in O(log n). Chunks are mapped when a hole first touches
/// them, so a block of a terabyte costs two pages of tags.
public struct HoleMap: ~Copyable {
  static let chunkShift = 22
  static let chunkMask = (1 << chunkShift) - 1
  /// Levels below the root of a chunk's tree: 16^4 leaves of 64 granules.
  static let chunkDepth = 4
  static let chunkFirstLeaf = SixteenTree.firstLeaf(depth: chunkDepth)

  // A chunk: tags, start bits, maxima, counts.
  static let startsOffset = 4 << chunkShift
  static let maximaOffset = startsOffset + (1 << chunkShift) / 8
  static let treeByteCount = 4 * SixteenTree.valueCount(depth: chunkDepth)
  static let countsOffset = maximaOffset + treeByteCount
  static let chunkByteCount = countsOffset + treeByteCount

  /// Tags and maxima of this value stand for holes that are as long or longer.
  @inlinable static var saturated: Int { Int(UInt32.max) }

  /// Which indexes a policy needs; the others cost nothing.
  public struct Indexes: OptionSet, Sendable {
    /// The bits.
    public let rawValue: UInt8
    /// The set of these bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// Finds long holes by address.
    public static let maxima = Indexes(rawValue: 1)
    /// Counts the holes below an address.
    public static let counts = Indexes(rawValue: 2)
  }

  /// How many holes there are.
  public private(set) var count = 0
  let keepsMaxima: Bool
  let keepsCounts: Bool
  @usableFromInline var chunks = ChunkDirectory(chunkByteCount: HoleMap.chunkByteCount)
  @usableFromInline var top: ChunkTree

  /// Sections of the tags, of a huge page each, that were looked at for huge pages.
  private var sections = 1
  private static let sectionShift = 19

  init(indexes: Indexes) {
    keepsMaxima = indexes.contains(.maxima)
    keepsCounts = indexes.contains(.counts)
    top = ChunkTree()
    extend(to: 1, isDense: false)
  }

  /// Makes the granules below `end` addressable.
  ///
  /// Where blocks are dense the tags get huge pages; where they are not, a huge page might hold
  /// nothing but a tag or two.
  mutating func extend(to end: Int, isDense: Bool) {
    let chunkCount = (end >> Self.chunkShift) + 1
    if chunkCount > chunks.count {
      chunks.extend(to: chunkCount)
      top.extend(to: chunkCount)
    }
    let section = end >> Self.sectionShift
    guard section >= sections else { return }
    sections = section + 1
    guard isDense else { return }
    let chunk = chunks.writableChunk(end >> Self.chunkShift)
    let first = (section << Self.sectionShift) & Self.chunkMask
    LazyMemory.preferHugePage(UnsafeMutableRawPointer(Self.tags(chunk) + first))
  }

  // MARK: Questions

  /// Whether a hole starts at this granule.
  @inline(__always)
  func isHoleStart(_ granule: Int) -> Bool {
    guard let chunk = chunks.chunk(granule >> Self.chunkShift) else { return false }
    let bit = granule & Self.chunkMask
    return Self.starts(chunk)[bit >> 6] >> UInt64(truncatingIfNeeded: bit & 63) & 1 != 0
  }

  /// The length of the hole that starts here.
  @inline(__always)
  func length(ofHoleAt start: Int) -> Int {
    let tag = self.tag(start)
    return tag < UInt32.max ? Int(tag) : longLength(start + 1, start + 2)
  }

  /// The length of the hole whose last granule lies before `end`; zero if there is none.
  @inline(__always)
  func length(ofHoleEndingAt end: Int) -> Int {
    guard end > 0 else { return 0 }
    let tag = self.tag(end &- 1)
    return tag < UInt32.max ? Int(tag) : longLength(end - 2, end - 3)
  }

  @inline(__always)
  private func tag(_ granule: Int) -> UInt32 {
    guard let chunk = chunks.chunk(granule >> Self.chunkShift) else { return 0 }
    return Self.tags(chunk)[granule & Self.chunkMask]
  }

  /// A saturated tag has the length beside it, inside the hole: low half, then high half.
  @inline(never)
  private func longLength(_ low: Int, _ high: Int) -> Int {
    Int(tag(low)) | Int(tag(high)) << 32
  }

  // MARK: Changes

  /// Adds a hole.
  ///
  /// No hole may overlap it. One may touch it: every hole has tags at both of its ends.
  @usableFromInline
  mutating func insert(_ start: Int, _ length: Int) {
    let chunk = chunks.writableChunk(start >> Self.chunkShift)
    let local = start & Self.chunkMask
    setTags(start, length)
    Self.flipStart(chunk, local)
    count &+= 1
    if keepsMaxima { raise(chunk, start, length) }
    if keepsCounts { addCount(chunk, start, 1) }
  }

  /// Takes a hole away.
  @usableFromInline
  mutating func remove(_ start: Int, _ length: Int) {
    let chunk = chunks.writableChunk(start >> Self.chunkShift)
    let local = start & Self.chunkMask
    clearTags(start, length)
    Self.flipStart(chunk, local)
    count &-= 1
    if keepsMaxima { lower(chunk, start, length) }
    if keepsCounts { addCount(chunk, start, UInt32.max) }
  }

  /// Moves a hole's bounds.
  ///
  /// The same as removing it and adding the new one, but cheaper where both start close together.
  @usableFromInline
  mutating func replace(_ start: Int, _ length: Int, with newStart: Int, _ newLength: Int) {
    guard start >> Self.chunkShift == newStart >> Self.chunkShift else {
      remove(start, length)
      insert(newStart, newLength)
      return
    }
    let chunk = chunks.writableChunk(start >> Self.chunkShift)
    clearTags(start, length)
    setTags(newStart, newLength)
    if start != newStart {
      Self.flipStart(chunk, start & Self.chunkMask)
      Self.flipStart(chunk, newStart & Self.chunkMask)
    }
    let isSameLeaf = start >> 6 == newStart >> 6
    if keepsMaxima {
      if !isSameLeaf || newLength < length { lower(chunk, start, length) }
      if !isSameLeaf || newLength >= length { raise(chunk, newStart, newLength) }
    }
    if keepsCounts, !isSameLeaf { moveCount(chunk, from: start, to: newStart) }
  }

  // MARK: Tags and bits

  @inline(__always)
  static func tags(_ chunk: UnsafeMutableRawPointer) -> UnsafeMutablePointer<UInt32> {
    chunk.assumingMemoryBound(to: UInt32.self)
  }

  @inline(__always)
  static func starts(_ chunk: UnsafeMutableRawPointer) -> UnsafeMutablePointer<UInt64> {
    (chunk + startsOffset).assumingMemoryBound(to: UInt64.self)
  }

  @inline(__always)
  private static func flipStart(_ chunk: UnsafeMutableRawPointer, _ local: Int) {
    starts(chunk)[local >> 6] ^= 1 << UInt64(truncatingIfNeeded: local & 63)
  }

  @inline(__always)
  private mutating func setTag(_ granule: Int, _ tag: UInt32) {
    let chunk = chunks.writableChunk(granule >> Self.chunkShift)
    Self.tags(chunk)[granule & Self.chunkMask] = tag
  }

  @inline(__always)
  private mutating func setTags(_ start: Int, _ length: Int) {
    guard length < Self.saturated else { return setLongTags(start, length, of: length) }
    let tag = UInt32(truncatingIfNeeded: length)
    setTag(start, tag)
    setTag(start &+ length &- 1, tag)
  }

  @inline(__always)
  private mutating func clearTags(_ start: Int, _ length: Int) {
    guard length < Self.saturated else { return setLongTags(start, length, of: 0) }
    setTag(start, 0)
    setTag(start &+ length &- 1, 0)
  }

  @inline(never)
  private mutating func setLongTags(_ start: Int, _ length: Int, of value: Int) {
    let last = start + length - 1
    let low = UInt32(truncatingIfNeeded: value)
    let high = UInt32(truncatingIfNeeded: value >> 32)
    let edge = value == 0 ? 0 : UInt32.max
    for (granule, tag) in [
      (start, edge), (start + 1, low), (start + 2, high),
      (last, edge), (last - 1, low), (last - 2, high),
    ] {
      setTag(granule, tag)
    }
  }
}
