// Which heaps the thread arenas of the recorded process have.

import CaptureABI

/// Turns what threads report of the heaps of their arenas into changes.
///
/// The heaps of an arena form a stack: only the last one, which has the arena's top chunk, grows,
/// shrinks or is given back (`sysmalloc` and `heap_trim`, glibc 2.36). A report names a heap, its
/// bytes, the heap before it in its arena, and whether it has the top. Several threads report the
/// same change; and that a heap is gone is never reported, but follows when another one has the
/// top.
struct ArenaHeaps {
  /// A heap has other bytes now; none where it was given back.
  struct Change: Equatable {
    var base: UInt64
    var bytes: UInt64
    var isFirst: Bool
  }

  private struct Heap {
    var bytes: UInt64
    var previous: UInt64
    /// The heap for which this is the previous one; 0 where there is none.
    var next: UInt64 = 0
  }

  private static let heapBytes: UInt64 = 64 << 20
  /// So many heaps fill 4 TiB; more are the work of a program that overwrites its rings.
  private static let mostHeaps = 1 << 16

  private var heaps: [UInt64: Heap] = [:]

  /// Takes a report; returns what has changed, oldest first.
  mutating func report(base: UInt64, bytes: UInt64, detail: UInt64) -> [Change] {
    let previous = detail & ~(Self.heapBytes - 1)
    let hasTop = detail & 1 == 1
    guard base & (Self.heapBytes - 1) == 0, base != 0, base != previous, bytes <= Self.heapBytes,
      bytes & 4095 == 0, heaps.count < Self.mostHeaps || heaps[base] != nil
    else { return [] }
    var changes: [Change] = []
    if let known = heaps[base], known.previous != previous {
      // It was given back and lies in another arena now.
      removeStack(from: base, &changes)
    }
    if let heap = heaps[previous], heap.next != base {
      removeStack(from: heap.next, &changes)
      heaps[previous]?.next = base
    }
    if hasTop, let heap = heaps[base] { removeStack(from: heap.next, &changes) }
    if heaps[base]?.bytes != bytes {
      changes.append(Change(base: base, bytes: bytes, isFirst: previous == 0))
    }
    heaps[base, default: Heap(bytes: bytes, previous: previous)].bytes = bytes
    return changes
  }

  /// All heaps vanish with the program image.
  mutating func removeAll() -> [Change] {
    defer { heaps.removeAll() }
    return heaps.keys.sorted().map { Change(base: $0, bytes: 0, isFirst: false) }
  }

  /// Removes a heap and all that came after it in its arena, the last one first.
  private mutating func removeStack(from base: UInt64, _ changes: inout [Change]) {
    var stack: [UInt64] = []
    var next = base
    while let heap = heaps.removeValue(forKey: next) {
      stack.append(next)
      if heaps[heap.previous]?.next == next { heaps[heap.previous]?.next = 0 }
      next = heap.next
    }
    for heap in stack.reversed() { changes.append(Change(base: heap, bytes: 0, isFirst: false)) }
  }
}
