// The trees above the chunks: the longest hole of each chunk and how many start in it.

/// A maximum tree and a counting tree over all chunks, one level deeper whenever there are
/// sixteen times as many.
@usableFromInline
struct ChunkTree: ~Copyable {
  private(set) var depth = 1
  private(set) var firstLeaf = 0
  private var maximaMemory: UnsafeMutableRawPointer
  private var countsMemory: UnsafeMutableRawPointer

  /// What `SixteenTree.sum` needs.
  let masks: UnsafePointer<UInt32>

  init() {
    let masks = UnsafeMutablePointer<UInt32>.allocate(capacity: 32)
    masks.initialize(repeating: .max, count: 16)
    (masks + 16).initialize(repeating: 0, count: 16)
    self.masks = UnsafePointer(masks)
    maximaMemory = Self.map(depth: 1)
    countsMemory = Self.map(depth: 1)
  }

  @inlinable deinit { unmap() }

  @usableFromInline
  func unmap() {
    masks.deallocate()
    LazyMemory.unmap(maximaMemory, byteCount: 4 * SixteenTree.valueCount(depth: depth))
    LazyMemory.unmap(countsMemory, byteCount: 4 * SixteenTree.valueCount(depth: depth))
  }

  var maxima: SixteenTree.Nodes {
    @inline(__always) get { maximaMemory.assumingMemoryBound(to: UInt32.self) + 16 }
  }

  var counts: SixteenTree.Nodes {
    @inline(__always) get { countsMemory.assumingMemoryBound(to: UInt32.self) + 16 }
  }

  private static func map(depth: Int) -> UnsafeMutableRawPointer {
    LazyMemory.map(byteCount: 4 * SixteenTree.valueCount(depth: depth))
  }

  mutating func extend(to chunkCount: Int) {
    while chunkCount > 1 << (4 * depth) { deepen() }
  }

  private mutating func deepen() {
    let oldMaxima = maximaMemory
    let oldCounts = countsMemory
    let oldFirstLeaf = firstLeaf
    let oldDepth = depth
    depth += 1
    firstLeaf = SixteenTree.firstLeaf(depth: depth)
    maximaMemory = Self.map(depth: depth)
    countsMemory = Self.map(depth: depth)
    let from = oldMaxima.assumingMemoryBound(to: UInt32.self) + 16 + oldFirstLeaf
    let fromCounts = oldCounts.assumingMemoryBound(to: UInt32.self) + 16 + oldFirstLeaf
    for leaf in 0..<(1 << (4 * oldDepth)) {
      if from[leaf] != 0 {
        _ = SixteenTree.setMaximum(maxima, at: firstLeaf + leaf, to: from[leaf])
      }
      if fromCounts[leaf] != 0 {
        SixteenTree.add(counts, at: firstLeaf + leaf, fromCounts[leaf])
      }
    }
    let byteCount = 4 * SixteenTree.valueCount(depth: oldDepth)
    LazyMemory.unmap(oldMaxima, byteCount: byteCount)
    LazyMemory.unmap(oldCounts, byteCount: byteCount)
  }
}
