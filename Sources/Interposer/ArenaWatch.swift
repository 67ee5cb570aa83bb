// Reports how the heaps of thread arenas grow, shrink and vanish.

import CaptureABI
import InterposerEntry

/// The `heap_info` at the beginning of a heap (arena.c, glibc 2.35 and later).
private struct HeapInfo {
  var arena: UInt64 = 0
  var previous: UInt64 = 0
  var size: UInt64 = 0
  var writable: UInt64 = 0

  static let mask = (UInt64(1) << 26) &- 1
  private static let infoBytes: UInt64 = 48

  /// Reads it where it may already be gone: another thread can give a heap back at any time.
  ///
  /// - Parameter isSafe: whether it cannot be gone: a block lives in it, or it is the first one of
  ///   its arena. Then the kernel is not asked, which a sandbox may forbid.
  init?(at base: UInt64, isSafe: Bool) {
    if isSafe {
      guard let words = UnsafePointer<UInt64>(bitPattern: UInt(base)) else { return nil }
      (arena, previous, size, writable) = (words[0], words[1], words[2], words[3])
    } else {
      guard read(base) else { return nil }
    }
    guard arena & Self.mask == Self.infoBytes, previous & Self.mask == 0, size & 4095 == 0,
      size > Self.infoBytes, size <= writable, writable <= Self.mask &+ 1,
      (previous == 0) == (arena == base &+ Self.infoBytes)
    else { return nil }
  }

  private mutating func read(_ base: UInt64) -> Bool {
    let bytes = 32
    let process = Int(session.header.unsafelyUnwrapped.pointee.traced_pid)
    var info = (UInt64(0), UInt64(0), UInt64(0), UInt64(0))
    let read = withUnsafeMutablePointer(to: &info) { place in
      var local = (Int(bitPattern: UnsafeRawPointer(place)), bytes)
      var remote = (Int(truncatingIfNeeded: base), bytes)
      return withUnsafeMutablePointer(to: &local) { local in
        withUnsafeMutablePointer(to: &remote) { remote in
          systemCall(
            SystemCall.readMemory, process, Int(bitPattern: UnsafeRawPointer(local)), 1,
            Int(bitPattern: UnsafeRawPointer(remote)), 1, 0)
        }
      }
    }
    guard read == bytes else { return false }
    (arena, previous, size, writable) = info
    return true
  }
}

/// What two words of an arena say: whether anything has changed since.
private struct ArenaState {
  let system: UInt64
  let top: UInt64

  @inline(__always)
  init(of arena: UInt64) {
    system = Self.word(arena &+ UInt64(LACUNA_ARENA_SYSTEM))
    top = Self.word(arena &+ UInt64(LACUNA_ARENA_TOP))
  }

  var topHeap: UInt64 { top & ~HeapInfo.mask }

  func isSame(as other: ArenaState) -> Bool {
    system == other.system && topHeap == other.topHeap
  }

  @inline(__always)
  private static func word(_ address: UInt64) -> UInt64 {
    lacuna_load64(UnsafePointer<UInt64>(bitPattern: UInt(address)).unsafelyUnwrapped)
  }
}

/// Watches the arenas for the C half, which calls when it sees that something has changed.
enum ArenaWatch {
  /// No arena has more heaps: 64 GiB.
  private static let mostHeaps = 1024
  /// So many vain attempts in a row tell that this is not the glibc that we know.
  private static let patience: UInt32 = 256
  nonisolated(unsafe) private static var failures: UInt32 = 0

  /// Begins to watch; for allocators that are glibc's own only.
  static func start() {
    let bytes = LACUNA_HEAP_ENTRIES &* MemoryLayout<lacuna_heap_entry>.size
    guard let table = mapPrivate(bytes: bytes) else { return }
    let heaps = lacuna_heaps_state().unsafelyUnwrapped
    heaps.pointee.table = table.assumingMemoryBound(to: lacuna_heap_entry.self)
    heaps.pointee.are_watched = 1
  }

  @inline(__always)
  private static func entry(_ address: UInt64) -> UnsafeMutablePointer<lacuna_heap_entry>? {
    guard let table = lacuna_heaps_state().unsafelyUnwrapped.pointee.table else { return nil }
    return table + (Int(truncatingIfNeeded: address >> 26) & (LACUNA_HEAP_ENTRIES &- 1))
  }

  /// False after so many in vain that the rest can be saved.
  private static func fail() {
    failures = failures &+ 1
    if failures >= patience { lacuna_heaps_state().unsafelyUnwrapped.pointee.are_watched = 0 }
  }

  /// See `lacuna_learn_heap`.
  static func learn(_ address: UInt64) -> Bool {
    let base = address & ~HeapInfo.mask
    guard let entry = entry(base) else { return false }
    guard let heap = HeapInfo(at: base, isSafe: true), address &- base < heap.size else {
      fail()
      return false
    }
    // Of two heaps that share an entry the later counts; what was known of the other is reported
    // once more.
    entry.pointee.system = 0
    entry.pointee.base = base
    return true
  }

  /// Reports what has changed in an arena.
  static func note(_ arena: UInt64) {
    let thread = lacuna_current_thread().unsafelyUnwrapped
    // In a signal handler that interrupted a hook: whoever looks next will see it.
    guard lacuna_place_of(thread, 0).pointee == 0,
      let writer = Recording.enter(thread)
    else { return }
    let seen = report(arena, writer)
    Recording.leave(thread, writer)
    guard let seen, let entry = entry(arena) else { return }
    entry.pointee.base = arena & ~HeapInfo.mask
    entry.pointee.system = seen.state.system
    entry.pointee.top = seen.state.top
    entry.pointee.below = seen.below
  }

  /// Puts the heaps of the arena as they are at the moment of the stamp.
  ///
  /// An arena that changes meanwhile is looked at again; whoever changes it looks at it too.
  private static func report(
    _ arena: UInt64, _ writer: Writer
  ) -> (state: ArenaState, below: UInt64)? {
    let head = writer.pointee.head
    let lastTicks = writer.pointee.last_ticks
    var attempts = 0
    while attempts < 8 {
      attempts = attempts &+ 1
      let state = ArenaState(of: arena)
      let ticks = Recording.stamp(writer)
      if let below = put(state, arena, ticks, writer), state.isSame(as: ArenaState(of: arena)) {
        failures = 0
        return (state, below)
      }
      writer.pointee.head = head
      writer.pointee.last_ticks = lastTicks
    }
    fail()
    return nil
  }

  /// Puts the heap with the top chunk, and the others before it where they may have changed.
  ///
  /// Returns the bytes of the others; nil where the sizes do not add up.
  private static func put(
    _ state: ArenaState, _ arena: UInt64, _ ticks: UInt64, _ writer: Writer
  ) -> UInt64? {
    let base = state.topHeap
    guard let top = HeapInfo(at: base, isSafe: base == arena & ~HeapInfo.mask), top.arena == arena,
      top.size <= state.system,
      let entry = entry(arena)
    else { return nil }
    let below = state.system &- top.size
    let isKnown =
      entry.pointee.base == arena & ~HeapInfo.mask && entry.pointee.below == below
      && entry.pointee.top & ~HeapInfo.mask == base && entry.pointee.system != 0
    if !isKnown {
      var rest = below
      var next = top.previous
      var count = 0
      while next != 0 {
        guard let heap = HeapInfo(at: next, isSafe: false), heap.arena == arena, heap.size <= rest,
          count < mostHeaps, put(heap, next, hasTop: false, ticks, writer)
        else { return nil }
        rest = rest &- heap.size
        next = heap.previous
        count = count &+ 1
      }
      guard rest == 0 else { return nil }
    }
    return put(top, base, hasTop: true, ticks, writer) ? below : nil
  }

  private static func put(
    _ heap: HeapInfo, _ base: UInt64, hasTop: Bool, _ ticks: UInt64, _ writer: Writer
  ) -> Bool {
    guard writer.reserve(5) else { return false }
    writer.putExtended(LACUNA_EXT_HEAP, ticks)
    writer.put(base)
    writer.put(heap.size)
    writer.put(heap.previous | (hasTop ? 1 : 0))
    return true
  }

  /// See `lacuna_sweep_arenas`.
  static func sweep() {
    let heaps = lacuna_heaps_state().unsafelyUnwrapped
    guard heaps.pointee.are_watched != 0, let table = heaps.pointee.table else { return }
    for index in 0..<LACUNA_HEAP_ENTRIES {
      let entry = table[index]
      // First heaps, and with them their arenas, stay mapped for good.
      guard entry.system != 0 else { continue }
      let arena = entry.base &+ 48
      let state = ArenaState(of: arena)
      if state.system != entry.system || state.topHeap != entry.top & ~HeapInfo.mask {
        note(arena)
      }
    }
  }
}

/// See InterposerEntry.h.
@c(lacuna_learn_heap)
public func learnHeap(_ block: UnsafeRawPointer?) -> Int32 {
  ArenaWatch.learn(UInt64(UInt(bitPattern: block))) ? 1 : 0
}

/// See InterposerEntry.h.
@c(lacuna_note_arena)
public func noteArena(_ arena: UInt64) { ArenaWatch.note(arena) }

/// See InterposerEntry.h.
@c(lacuna_sweep_arenas)
public func sweepArenas() { ArenaWatch.sweep() }
