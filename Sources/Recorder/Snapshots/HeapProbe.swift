// Recognising what glibc puts into memory without a name: heaps of arenas, and stacks.

import MemoryUnits
import Trace

/// Looks into a process for structures of glibc.
struct HeapProbe {
  let memory: PresentMemory

  /// glibc's heaps begin at multiples of this (`HEAP_MAX_SIZE` in `arena.c`).
  static let heapAlignment: UInt64 = 64 << 20
  /// Addresses of one mapping that are looked at; a larger one is no arena's.
  private static let maximumHeaps: UInt64 = 4096
  /// Of the structure at the beginning of a heap (`struct heap_info`).
  private static let heapInfoBytes: UInt64 = 48

  /// The heaps of arenas that begin in a mapping, each with the part that may be written.
  func arenaHeaps(in mapping: KernelMapping) -> [(
    range: Range<UInt64>, heap: SnapshotMapping.ArenaHeap
  )] {
    guard mapping.permissions.contains([.read, .write]) else { return [] }
    let mask = Self.heapAlignment - 1
    let first = (mapping.range.lowerBound &+ mask) & ~mask
    guard first >= mapping.range.lowerBound, first < mapping.range.upperBound,
      (mapping.range.upperBound - first) / Self.heapAlignment < Self.maximumHeaps
    else { return [] }
    var found: [(range: Range<UInt64>, heap: SnapshotMapping.ArenaHeap)] = []
    for base in stride(from: first, to: mapping.range.upperBound, by: Int(Self.heapAlignment)) {
      guard let (writable, heap) = arenaHeap(at: base) else { continue }
      found.append((base..<min(base + writable, mapping.range.upperBound), heap))
    }
    return found
  }

  /// Checks what glibc 2.35 and later write at the beginning of a heap: the arena, the heap before,
  /// the bytes used, the bytes that may be written, and the size of a page.
  private func arenaHeap(at base: UInt64) -> (UInt64, SnapshotMapping.ArenaHeap)? {
    guard memory.isPresent(base), let words = memory.words(at: base, count: 5) else { return nil }
    let (arena, previous, used, writable, page) = (words[0], words[1], words[2], words[3], words[4])
    let mask = Self.heapAlignment - 1
    guard page == 4096 || page == 2 << 20, used > Self.heapInfoBytes, used <= writable,
      used & 4095 == 0, writable & 4095 == 0, writable <= Self.heapAlignment, previous & mask == 0,
      // An arena lies at the beginning of its first heap.
      arena & mask == Self.heapInfoBytes,
      previous == 0 ? arena == base + Self.heapInfoBytes : arena & ~mask != base
    else { return nil }
    return (
      writable,
      SnapshotMapping.ArenaHeap(
        arena: Address(arena), previous: Address(previous), used: ByteCount(Int64(used)))
    )
  }

  /// Whether a mapping ends with the control block of a thread, as a stack made by glibc does.
  ///
  /// The block holds its own address twice (`tcb` and `self` in glibc's `tcbhead_t`).
  func endsWithThread(_ mapping: KernelMapping) -> Bool {
    let end = mapping.range.upperBound
    let start = max(mapping.range.lowerBound, end - 8192)
    for page in stride(from: start, to: end, by: 4096).reversed() {
      guard memory.isPresent(page), let words = memory.words(at: page, count: 512) else { continue }
      for index in stride(from: 0, to: 504, by: 8) {
        let address = page + UInt64(index) * 8
        if words[index] == address, words[index + 2] == address { return true }
      }
    }
    return false
  }
}
