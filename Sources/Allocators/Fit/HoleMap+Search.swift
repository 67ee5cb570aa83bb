// Finding holes by address and length, and counting them.

extension HoleMap {
  // MARK: Keeping the trees

  @inline(__always)
  static func maxima(_ chunk: UnsafeMutableRawPointer) -> SixteenTree.Nodes {
    (chunk + maximaOffset).assumingMemoryBound(to: UInt32.self) + 16
  }

  @inline(__always)
  static func counts(_ chunk: UnsafeMutableRawPointer) -> SixteenTree.Nodes {
    (chunk + countsOffset).assumingMemoryBound(to: UInt32.self) + 16
  }

  @inline(__always)
  private static func key(_ length: Int) -> UInt32 {
    UInt32(truncatingIfNeeded: min(length, saturated))
  }

  /// Tells the trees that the leaf of `start` now has a hole of this length.
  @inline(__always)
  mutating func raise(_ chunk: UnsafeMutableRawPointer, _ start: Int, _ length: Int) {
    let leaf = (start & Self.chunkMask) >> 6
    let maxima = Self.maxima(chunk)
    let key = Self.key(length)
    guard key > maxima[Self.chunkFirstLeaf &+ leaf] else { return }
    setLeaf(maxima, leaf, key, ofChunk: start >> Self.chunkShift)
  }

  /// Tells the trees that the leaf of `start` no longer has a hole of this length.
  @inline(__always)
  mutating func lower(_ chunk: UnsafeMutableRawPointer, _ start: Int, _ length: Int) {
    let leaf = (start & Self.chunkMask) >> 6
    let maxima = Self.maxima(chunk)
    guard Self.key(length) == maxima[Self.chunkFirstLeaf &+ leaf] else { return }
    let tags = Self.tags(chunk) + leaf << 6
    var bits = Self.starts(chunk)[leaf]
    var longest: UInt32 = 0
    while bits != 0 {
      let tag = tags[bits.trailingZeroBitCount]
      if tag > longest { longest = tag }
      bits &= bits &- 1
    }
    setLeaf(maxima, leaf, longest, ofChunk: start >> Self.chunkShift)
  }

  @inline(__always)
  private mutating func setLeaf(
    _ maxima: SixteenTree.Nodes, _ leaf: Int, _ key: UInt32, ofChunk chunk: Int
  ) {
    if SixteenTree.setMaximum(maxima, at: Self.chunkFirstLeaf &+ leaf, to: key) {
      _ = SixteenTree.setMaximum(top.maxima, at: top.firstLeaf &+ chunk, to: maxima[-1])
    }
  }

  @inline(__always)
  mutating func addCount(_ chunk: UnsafeMutableRawPointer, _ start: Int, _ amount: UInt32) {
    let leaf = (start & Self.chunkMask) >> 6
    SixteenTree.add(Self.counts(chunk), at: Self.chunkFirstLeaf &+ leaf, amount)
    SixteenTree.add(top.counts, at: top.firstLeaf &+ start >> Self.chunkShift, amount)
  }

  @inline(__always)
  mutating func moveCount(_ chunk: UnsafeMutableRawPointer, from start: Int, to newStart: Int) {
    SixteenTree.move(
      Self.counts(chunk), from: Self.chunkFirstLeaf &+ (start & Self.chunkMask) >> 6,
      to: Self.chunkFirstLeaf &+ (newStart & Self.chunkMask) >> 6)
  }

  // MARK: Searching

  /// How many holes start below `granule`.
  ///
  /// Needs the counts.
  @usableFromInline
  func rank(_ granule: Int) -> Int {
    let number = granule >> Self.chunkShift
    guard number < chunks.count else { return count }
    var rank = SixteenTree.sum(
      top.counts, before: number, firstLeaf: top.firstLeaf, masks: top.masks)
    guard let chunk = chunks.chunk(number) else { return Int(rank) }
    let local = granule & Self.chunkMask
    let leaf = local >> 6
    rank &+= SixteenTree.sum(
      Self.counts(chunk), before: leaf, firstLeaf: Self.chunkFirstLeaf, masks: top.masks)
    let bit = (1 as UInt64) << UInt64(truncatingIfNeeded: local & 63)
    return Int(rank) &+ (Self.starts(chunk)[leaf] & (bit &- 1)).nonzeroBitCount
  }

  /// The first hole by address that starts at or after `granule` and has at least `length`
  /// granules, or -1.
  ///
  /// Needs the maxima.
  @usableFromInline
  func firstHole(from granule: Int, atLeast length: Int) -> Int {
    guard length >= Self.saturated else {
      return search(from: granule, key: UInt32(truncatingIfNeeded: length))
    }
    // There are few holes with a saturated tag, because each takes 2^32 granules.
    var start = search(from: granule, key: UInt32.max)
    while start >= 0, self.length(ofHoleAt: start) < length {
      start = search(from: start + 1, key: UInt32.max)
    }
    return start
  }

  /// The length of the longest hole, or a saturated value's; zero where there is no hole.
  @usableFromInline
  var longestKey: Int { Int(top.maxima[-1]) }

  private func search(from granule: Int, key: UInt32) -> Int {
    guard top.maxima[-1] >= key else { return -1 }
    guard granule > 0 else {
      let chunk = SixteenTree.firstLeaf(top.maxima, atLeast: key, firstLeaf: top.firstLeaf)
      return firstHole(inChunk: chunk, key)
    }
    let number = granule >> Self.chunkShift
    guard number < chunks.count else { return -1 }
    if let chunk = chunks.chunk(number), Self.maxima(chunk)[-1] >= key {
      let start = search(chunk, from: granule & Self.chunkMask, key)
      if start >= 0 { return number << Self.chunkShift | start }
    }
    let next = SixteenTree.nextLeaf(
      top.maxima, after: number, atLeast: key, firstLeaf: top.firstLeaf)
    return next < 0 ? -1 : firstHole(inChunk: next, key)
  }

  /// The first hole of a chunk that is known to have one of at least `key`.
  @inline(__always)
  private func firstHole(inChunk number: Int, _ key: UInt32) -> Int {
    guard let chunk = chunks.chunk(number) else { return -1 }
    let leaf = SixteenTree.firstLeaf(
      Self.maxima(chunk), atLeast: key, firstLeaf: Self.chunkFirstLeaf)
    return number << Self.chunkShift | Self.scan(chunk, leaf, ~0, key)
  }

  private func search(_ chunk: UnsafeMutableRawPointer, from local: Int, _ key: UInt32) -> Int {
    let maxima = Self.maxima(chunk)
    let leaf = local >> 6
    if maxima[Self.chunkFirstLeaf &+ leaf] >= key {
      let start = Self.scan(chunk, leaf, ~0 << UInt64(truncatingIfNeeded: local & 63), key)
      if start >= 0 { return start }
    }
    let next = SixteenTree.nextLeaf(
      maxima, after: leaf, atLeast: key, firstLeaf: Self.chunkFirstLeaf)
    return next < 0 ? -1 : Self.scan(chunk, next, ~0, key)
  }

  /// The first hole of a leaf, among the granules in `mask`, of at least `key`; or -1.
  @inline(__always)
  private static func scan(
    _ chunk: UnsafeMutableRawPointer, _ leaf: Int, _ mask: UInt64, _ key: UInt32
  ) -> Int {
    let tags = tags(chunk) + leaf << 6
    var bits = starts(chunk)[leaf] & mask
    while bits != 0 {
      let bit = bits.trailingZeroBitCount
      if tags[bit] >= key { return leaf << 6 | bit }
      bits &= bits &- 1
    }
    return -1
  }
}

extension HoleMap {
  /// Visits the holes below `end` in order of address.
  func forEachHole(below end: Int, _ visit: (_ start: Int, _ length: Int) -> Void) {
    var granule = 0
    while granule < end {
      if let chunk = chunks.chunk(granule >> Self.chunkShift) {
        var bits = Self.starts(chunk)[(granule & Self.chunkMask) >> 6]
        while bits != 0 {
          let start = granule | bits.trailingZeroBitCount
          visit(start, length(ofHoleAt: start))
          bits &= bits &- 1
        }
        granule += 64
      } else {
        granule = ((granule >> Self.chunkShift) + 1) << Self.chunkShift
      }
    }
  }
}
