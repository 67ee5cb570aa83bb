// The blocks that glibc keeps at hand for each thread, read from outside.

import MemoryUnits
import Trace

/// Reads the *tcache* of threads (`struct tcache_perthread_struct` in glibc's `malloc.c`, 2.32 and
/// later).
///
/// The pointer to it is a variable of each thread, at the same distance below the control block of
/// all threads of a program. That distance is learned once, by looking for a pointer to what can be
/// nothing else, and what it leads to is checked at every use.
struct ThreadCacheReader {
  /// Bytes from the variable up to the control block; nil until it was found.
  private(set) var distance: UInt64?

  private static let binCount = 64
  /// The structure: a u16 count and a pointer for each bin.
  private static let structureWords = binCount / 4 + binCount
  private static let chunkBytes: UInt64 = 0x290
  /// Blocks of one thread; glibc keeps seven in a bin unless told otherwise.
  private static let maximumBlocks = 1 << 16
  /// Memory below a control block in which the variable is looked for.
  private static let searchedPages: UInt64 = 16

  init() {}

  /// The cache of each thread; nil as bins where it could not be read.
  mutating func read(
    _ threads: [RequestingThread], heaps: [Range<Address>], _ memory: PresentMemory
  ) -> [ThreadCache] {
    if distance == nil { learn(threads, heaps, memory) }
    return threads.map { read($0, heaps, memory) }
  }

  private func read(
    _ thread: RequestingThread, _ heaps: [Range<Address>], _ memory: PresentMemory
  ) -> ThreadCache {
    let unknown = ThreadCache(thread: thread.index, structure: .zero, bins: nil)
    guard let distance, thread.pointer > distance else { return unknown }
    // The thread may just be changing its lists.
    for _ in 0..<3 {
      guard let pointer = memory.words(at: thread.pointer - distance, count: 1)?[0] else {
        return unknown
      }
      if pointer == 0 {
        return ThreadCache(thread: thread.index, structure: .zero, bins: [])
      }
      if let bins = Self.bins(pointer, heaps, memory) {
        return ThreadCache(thread: thread.index, structure: Address(pointer), bins: bins)
      }
    }
    return unknown
  }

  // MARK: Finding the variable

  /// Looks for words that lead to a cache with blocks in it, the same distance below each thread.
  ///
  /// A cache without blocks looks like any cleared memory, and proves nothing.
  private mutating func learn(
    _ threads: [RequestingThread], _ heaps: [Range<Address>], _ memory: PresentMemory
  ) {
    var candidates: Set<UInt64> = []
    for thread in threads.prefix(16) where thread.pointer & 7 == 0 {
      let found = Self.distances(thread.pointer, heaps, memory)
      guard !found.isEmpty else { continue }
      candidates = candidates.isEmpty ? found : candidates.intersection(found)
    }
    if candidates.count == 1 { distance = candidates.first }
  }

  private static func distances(
    _ top: UInt64, _ heaps: [Range<Address>], _ memory: PresentMemory
  ) -> Set<UInt64> {
    var found: Set<UInt64> = []
    var end = top
    for _ in 0..<searchedPages {
      guard end > 8192 else { break }
      let start = (end - 1) & ~4095
      guard memory.isPresent(start),
        let words = memory.words(at: start, count: Int((end - start) / 8))
      else { break }
      for (index, word) in words.enumerated() where isInside(heaps, word) {
        guard let bins = bins(word, heaps, memory), !bins.isEmpty else { continue }
        found.insert(top - start - UInt64(index) * 8)
      }
      end = start
    }
    return found
  }

  private static func isInside(_ heaps: [Range<Address>], _ address: UInt64) -> Bool {
    address & 15 == 0 && heaps.contains { $0.contains(Address(address)) }
  }

  // MARK: Reading the lists

  /// The lists of a cache; nil where this is none, or one that is being changed.
  private static func bins(
    _ structure: UInt64, _ heaps: [Range<Address>], _ memory: PresentMemory
  ) -> [ThreadCache.Bin]? {
    guard isInside(heaps, structure), structure > 4096,
      let words = memory.words(at: structure - 8, count: 1 + structureWords),
      // The chunk's size, with the flags for an arena's chunk and for a chunk before it in use.
      words[0] & ~5 == chunkBytes
    else { return nil }
    var waiting: [(bin: Int, next: UInt64, left: Int)] = []
    var total = 0
    for bin in 0..<binCount {
      let count = Int(words[1 + bin / 4] >> UInt64(bin % 4 * 16) & 0xffff)
      let first = words[1 + binCount / 4 + bin]
      guard (count == 0) == (first == 0) else { return nil }
      total += count
      if count > 0 { waiting.append((bin, first, count)) }
    }
    guard total <= maximumBlocks else { return nil }
    var blocks = [[Address]](repeating: [], count: binCount)
    while !waiting.isEmpty {
      guard waiting.allSatisfy({ isInside(heaps, $0.next) }),
        // The chunk's size, and the pointer to the next block.
        let read = memory.gather(waiting.map { $0.next - 8 }, count: 2)
      else { return nil }
      var further: [(bin: Int, next: UInt64, left: Int)] = []
      for (index, entry) in waiting.enumerated() {
        guard read[2 * index] & ~7 == UInt64(32 + 16 * entry.bin) else { return nil }
        blocks[entry.bin].append(Address(entry.next))
        // "Safe linking": the pointer is mixed with the place where it stands.
        let next = read[2 * index + 1] ^ entry.next >> 12
        guard (entry.left == 1) == (next == 0) else { return nil }
        if next != 0 { further.append((entry.bin, next, entry.left - 1)) }
      }
      waiting = further
    }
    return blocks.indices.filter { !blocks[$0].isEmpty }.map { bin in
      // A chunk of the size less the word in front of the block.
      ThreadCache.Bin(usable: ByteCount(24 + 16 * bin), blocks: blocks[bin].sorted())
    }
  }
}
