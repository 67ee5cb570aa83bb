// A sparse table: fixed-size chunks of zeroed memory, found by number, mapped when first written.

/// Chunks by number, each at a huge page's boundary.
///
/// Costs eight bytes of lazily touched directory for each chunk number that was announced, and a
/// chunk's own pages only where somebody wrote.
@usableFromInline
struct ChunkDirectory: ~Copyable {
  let chunkByteCount: Int
  private var entries: UnsafeMutablePointer<UnsafeMutableRawPointer?>
  private var capacity: Int
  private var mapped: [UnsafeMutableRawPointer] = []
  /// The chunk numbers below this one may be asked for.
  private(set) var count = 0

  init(chunkByteCount: Int) {
    self.chunkByteCount = chunkByteCount
    capacity = 512
    entries = Self.mapEntries(capacity)
  }

  @inlinable deinit { unmap() }

  @usableFromInline
  func unmap() {
    for memory in mapped {
      LazyMemory.unmap(memory, byteCount: chunkByteCount + LazyMemory.hugePage)
    }
    LazyMemory.unmap(UnsafeMutableRawPointer(entries), byteCount: capacity * 8)
  }

  private static func mapEntries(
    _ capacity: Int
  ) -> UnsafeMutablePointer<UnsafeMutableRawPointer?> {
    LazyMemory.map(byteCount: capacity * 8)
      .bindMemory(to: UnsafeMutableRawPointer?.self, capacity: capacity)
  }

  /// Makes the chunk numbers below `newCount` askable.
  ///
  /// The heap's limit on its simulated space bounds `newCount`.
  mutating func extend(to newCount: Int) {
    guard newCount > count else { return }
    if newCount > capacity {
      var larger = capacity
      while larger < newCount { larger *= 2 }
      let moved = Self.mapEntries(larger)
      moved.update(from: entries, count: count)
      LazyMemory.unmap(UnsafeMutableRawPointer(entries), byteCount: capacity * 8)
      entries = moved
      capacity = larger
    }
    count = newCount
  }

  /// The chunk, or nil where nothing was written yet.
  ///
  /// `number` lies below `count`.
  @inline(__always)
  func chunk(_ number: Int) -> UnsafeMutableRawPointer? { entries[number] }

  /// The chunk, mapped now if it was not.
  ///
  /// `number` lies below `count`.
  @inline(__always)
  mutating func writableChunk(_ number: Int) -> UnsafeMutableRawPointer {
    if let chunk = entries[number] { return chunk }
    return mapChunk(number)
  }

  @inline(never)
  private mutating func mapChunk(_ number: Int) -> UnsafeMutableRawPointer {
    let memory = LazyMemory.map(byteCount: chunkByteCount + LazyMemory.hugePage)
    let chunk = memory.alignedUp(toMultipleOf: LazyMemory.hugePage)
    entries[number] = chunk
    mapped.append(memory)
    return chunk
  }
}
