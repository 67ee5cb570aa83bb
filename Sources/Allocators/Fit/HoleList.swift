// The list of holes in the order in which they came: numbered places, found from both sides.

/// A list of holes as a scan walks it, indexed so that no scan is needed.
///
/// Every hole has a number, its place; the list is in order of the numbers. A new piece gets the
/// next number below all others (LIFO) or above them (FIFO). When the numbers run out, the holes
/// are numbered anew, over sixteen times as many numbers where more than half are in use, so each
/// new piece costs O(1) for it on average. A table by address, mapped where it is written, says
/// which number the hole at a granule has. For scans a maximum tree over the numbers finds the next
/// hole that is long enough, and a counting tree how many holes stand before it, in O(log n).
@usableFromInline
struct HoleList: ~Copyable {
  /// A hole by its number.
  struct Entry {
    var start: Int
    /// Zero where no hole has the number.
    var length: Int
  }

  private(set) var count = 0
  let newestFirst: Bool
  let keepsTrees: Bool
  private var depth = 2
  private var firstLeaf = SixteenTree.firstLeaf(depth: 2)
  private var entries: UnsafeMutablePointer<Entry>
  private var maximaMemory: UnsafeMutableRawPointer
  private var countsMemory: UnsafeMutableRawPointer
  private let masks: UnsafeMutablePointer<UInt32>
  private var numbers = ChunkDirectory(chunkByteCount: 4 << HoleMap.chunkShift)
  /// The number that the next new piece gets, if it is one.
  private var next: Int
  /// Where a roving pointer stands, which numbering anew must move: no hole, or the first from it.
  var rover: Int

  init(newestFirst: Bool, keepsTrees: Bool) {
    self.newestFirst = newestFirst
    self.keepsTrees = keepsTrees
    masks = .allocate(capacity: 32)
    masks.initialize(repeating: .max, count: 16)
    (masks + 16).initialize(repeating: 0, count: 16)
    entries = Self.mapEntries(depth: 2)
    maximaMemory = LazyMemory.map(byteCount: Self.treeByteCount(depth: 2))
    countsMemory = LazyMemory.map(byteCount: Self.treeByteCount(depth: 2))
    next = newestFirst ? 255 : 0
    rover = newestFirst ? 256 : 0
  }

  @inlinable deinit { deallocate() }

  @usableFromInline
  func deallocate() {
    unmapTrees()
    Self.unmapEntries(entries, depth: depth)
    masks.deallocate()
  }

  var capacity: Int { 1 << (4 * depth) }

  subscript(number: Int) -> Entry {
    @inline(__always) get { entries[number] }
  }

  // MARK: Changes

  /// Whether the next `append` would first have to number all holes anew.
  var isFull: Bool { next < 0 || next >= capacity }

  /// Puts a new piece on the list, which must not be full; returns its number.
  mutating func append(_ start: Int, _ length: Int) -> Int {
    let number = next
    next += newestFirst ? -1 : 1
    count += 1
    setNumber(number, of: start)
    setEntry(number, Entry(start: start, length: length))
    if keepsTrees { SixteenTree.add(counts, at: firstLeaf &+ number, 1) }
    return number
  }

  /// Takes a piece off the list; returns its number.
  mutating func remove(_ start: Int) -> Int {
    let number = number(of: start)
    precondition(entries[number].length > 0, "a hole that was never added cannot vanish")
    count -= 1
    setEntry(number, Entry(start: start, length: 0))
    if keepsTrees { SixteenTree.add(counts, at: firstLeaf &+ number, .max) }
    return number
  }

  /// Gives a piece new bounds; returns its number.
  mutating func move(_ start: Int, to newStart: Int, _ newLength: Int) -> Int {
    let number = number(of: start)
    setNumber(number, of: newStart)
    setEntry(number, Entry(start: newStart, length: newLength))
    return number
  }

  private mutating func setEntry(_ number: Int, _ entry: Entry) {
    entries[number] = entry
    guard keepsTrees else { return }
    let key = UInt32(truncatingIfNeeded: min(entry.length, HoleMap.saturated))
    _ = SixteenTree.setMaximum(maxima, at: firstLeaf &+ number, to: key)
  }

  private func number(of start: Int) -> Int {
    guard let chunk = numbers.chunk(start >> HoleMap.chunkShift) else { return 0 }
    return Int(HoleMap.tags(chunk)[start & HoleMap.chunkMask])
  }

  private mutating func setNumber(_ number: Int, of start: Int) {
    let chunk = start >> HoleMap.chunkShift
    if chunk >= numbers.count { numbers.extend(to: chunk + 1) }
    let tags = HoleMap.tags(numbers.writableChunk(chunk))
    tags[start & HoleMap.chunkMask] = UInt32(truncatingIfNeeded: number)
  }

  // MARK: Questions

  /// The first number from `number` on whose hole has at least `length` granules, or -1.
  ///
  /// Needs the trees.
  func first(from number: Int, atLeast length: Int) -> Int {
    let key = UInt32(truncatingIfNeeded: min(length, HoleMap.saturated))
    guard number < capacity, maxima[-1] >= key else { return -1 }
    var found = number
    if entries[number].length < length || entries[number].length == 0 {
      found = nextLeaf(after: number, key)
      // Keys beyond 32 bits are all alike.
      while found >= 0, entries[found].length < length { found = nextLeaf(after: found, key) }
    }
    return found
  }

  private func nextLeaf(after number: Int, _ key: UInt32) -> Int {
    SixteenTree.nextLeaf(maxima, after: number, atLeast: key, firstLeaf: firstLeaf)
  }

  /// How many holes stand before a number.
  ///
  /// Needs the trees.
  func rank(_ number: Int) -> Int {
    guard number < capacity else { return count }
    return Int(SixteenTree.sum(counts, before: number, firstLeaf: firstLeaf, masks: masks))
  }

  private var maxima: SixteenTree.Nodes {
    maximaMemory.assumingMemoryBound(to: UInt32.self) + 16
  }

  private var counts: SixteenTree.Nodes {
    countsMemory.assumingMemoryBound(to: UInt32.self) + 16
  }

  // MARK: Numbering anew

  /// Gives all holes numbers without gaps, at the end away from which the new ones go.
  ///
  /// Returns these numbers.
  mutating func renumber() -> Range<Int> {
    let (oldEntries, oldDepth, oldCapacity) = (entries, depth, capacity)
    unmapTrees()
    if count > capacity / 2 { depth += 1 }
    firstLeaf = SixteenTree.firstLeaf(depth: depth)
    entries = Self.mapEntries(depth: depth)
    maximaMemory = LazyMemory.map(byteCount: Self.treeByteCount(depth: depth))
    countsMemory = LazyMemory.map(byteCount: Self.treeByteCount(depth: depth))
    next = newestFirst ? capacity - 1 : 0
    let oldRover = rover
    rover = newestFirst ? capacity : count
    let holeCount = count
    count = 0
    var old = newestFirst ? oldCapacity - 1 : 0
    while count < holeCount {
      let entry = oldEntries[old]
      if entry.length > 0 {
        let number = append(entry.start, entry.length)
        // The lowest new number of all whose old number is not below the pointer.
        if old >= oldRover { rover = min(rover, number) }
      }
      old += newestFirst ? -1 : 1
    }
    Self.unmapEntries(oldEntries, depth: oldDepth)
    return newestFirst ? capacity - count..<capacity : 0..<count
  }

  private static func treeByteCount(depth: Int) -> Int { 4 * SixteenTree.valueCount(depth: depth) }

  private static func mapEntries(depth: Int) -> UnsafeMutablePointer<Entry> {
    let capacity = 1 << (4 * depth)
    return LazyMemory.map(byteCount: capacity * MemoryLayout<Entry>.stride)
      .bindMemory(to: Entry.self, capacity: capacity)
  }

  private static func unmapEntries(_ entries: UnsafeMutablePointer<Entry>, depth: Int) {
    let byteCount = MemoryLayout<Entry>.stride << (4 * depth)
    LazyMemory.unmap(UnsafeMutableRawPointer(entries), byteCount: byteCount)
  }

  private func unmapTrees() {
    LazyMemory.unmap(maximaMemory, byteCount: Self.treeByteCount(depth: depth))
    LazyMemory.unmap(countsMemory, byteCount: Self.treeByteCount(depth: depth))
  }
}
