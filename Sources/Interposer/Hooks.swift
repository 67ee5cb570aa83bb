// What the exported functions call around the real ones: each turns a call into one record.

import CaptureABI
import InterposerEntry

/// Recording one event on the calling thread.
enum Recording {
  /// Finds the thread's writer and tells the recorder that a stamp is about to be taken.
  ///
  /// Nil when the event cannot be recorded; it is counted as lost then.
  ///
  /// A signal handler that allocates while its thread is in here finds depth 1 and writes into the
  /// thread's second ring, so that the interrupted record stays whole.
  @inline(__always)
  static func enter(_ thread: Thread) -> Writer? {
    if thread.pointee.generation != session.generation, !joinSession(thread) { return nil }
    let depth = thread.pointee.depth
    guard depth < 2 else {
      lose()
      return nil
    }
    thread.pointee.depth = depth &+ 1
    let writer = writer(thread, Int(truncatingIfNeeded: depth))
    if writer.pointee.control == nil { claimRing(writer, thread) }
    if isShared(writer) {
      // The interrupted hook may hold the shared ring.
      if depth > 0 {
        thread.pointee.depth = depth
        lose()
        return nil
      }
      enterSharedRing(writer, thread)
    }
    lacuna_store64(&writer.pointee.control.unsafelyUnwrapped.pointee.pending, 1)
    return writer
  }

  /// The writer that `enter` returned to the innermost hook that this thread is in.
  @inline(__always)
  static func current(_ thread: Thread) -> Writer {
    writer(thread, Int(truncatingIfNeeded: thread.pointee.depth &- 1))
  }

  @inline(__always)
  private static func writer(_ thread: Thread, _ index: Int) -> Writer {
    lacuna_writer_of(thread, Int32(truncatingIfNeeded: index)).unsafelyUnwrapped
  }

  /// Publishes what was put and leaves the hook.
  @inline(__always)
  static func leave(_ thread: Thread, _ writer: Writer) {
    writer.publish()
    if isShared(writer) { leaveSharedRing(writer) }
    thread.pointee.depth = thread.pointee.depth &- 1
  }

  @inline(__always)
  private static func isShared(_ writer: Writer) -> Bool {
    writer.pointee.control == session.controls
  }

  @inline(never)
  static func lose() {
    _ = lacuna_add64(&session.header.unsafelyUnwrapped.pointee.lost_events, 1)
  }

  /// The stamp of the event that this writer is about to put; the recorder waits for it.
  @inline(__always)
  static func stamp(_ writer: Writer) -> UInt64 {
    let ticks = lacuna_clock(session.clock)
    lacuna_store64(&writer.pointee.control.unsafelyUnwrapped.pointee.pending, ticks)
    return ticks
  }

  /// Puts the new end of the data segment, if it has moved since anyone looked.
  @inline(__always)
  static func noteBreak(_ writer: Writer, _ ticks: UInt64) {
    let now = UInt64(UInt(bitPattern: lacuna_current_break()))
    guard now != reportedBreak else { return }
    reportedBreak = now
    guard writer.reserve(3) else { return }
    writer.putExtended(LACUNA_EXT_BREAK, ticks)
    writer.put(now)
  }

  /// The first record of a program image.
  static func announceImage() {
    let thread = lacuna_current_thread().unsafelyUnwrapped
    guard let writer = enter(thread) else { return }
    let ticks = stamp(writer)
    if writer.reserve(4) {
      writer.putExtended(LACUNA_EXT_IMAGE, ticks)
      writer.put(UInt64(session.imageNumber))
      writer.put(session.breakStart)
    }
    // A forked child begins with the data segment that its parent left it.
    reportedBreak = session.breakStart
    noteBreak(writer, ticks)
    leave(thread, writer)
  }
}

/// See InterposerEntry.h.
@c(lacuna_did_allocate)
public func didAllocate(
  _ block: UnsafeMutableRawPointer?, _ size: Int, _ usable: Int, _ entry: UInt32, _ shift: UInt32,
  _ frame: UnsafeRawPointer?
) {
  let thread = lacuna_current_thread().unsafelyUnwrapped
  guard let writer = Recording.enter(thread) else { return }
  let ticks = Recording.stamp(writer)
  let node = StackWalker.node(from: frame.unsafelyUnwrapped, thread, writer)
  Recording.noteBreak(writer, ticks)
  let address = UInt64(UInt(bitPattern: block))
  let bytes = UInt64(UInt(bitPattern: size))
  if BlockHeader.remainingProbes > 0 {
    BlockHeader.probe(address, usable: UInt64(UInt(bitPattern: usable)))
  }
  let isUsual =
    shift == 0 && UInt64(UInt(bitPattern: usable)) == lacuna_usual_usable(bytes)
    && bytes >> UInt64(LACUNA_SIZE_BITS) == 0 && address & 7 == 0
  if isUsual {
    if writer.reserve(4) {
      writer.putFirst(kind: UInt64(LACUNA_KIND_ALLOCATE), payload: address >> 3, ticks: ticks)
      writer.put(bytes | UInt64(node) << 36 | UInt64(entry) << 60)
    }
  } else if writer.reserve(6) {
    writer.putExtended(LACUNA_EXT_ALLOCATE, ticks)
    writer.put(address)
    writer.put(bytes)
    writer.put(UInt64(UInt(bitPattern: usable)))
    writer.put(UInt64(node) | UInt64(entry) << 32 | UInt64(shift) << 40)
  }
  Recording.leave(thread, writer)
}

/// See InterposerEntry.h.
@c(lacuna_will_free)
public func willFree(_ block: UnsafeMutableRawPointer?) {
  let thread = lacuna_current_thread().unsafelyUnwrapped
  guard let writer = Recording.enter(thread) else { return }
  let ticks = Recording.stamp(writer)
  Recording.noteBreak(writer, ticks)
  if writer.reserve(3) {
    let address = UInt64(UInt(bitPattern: block))
    writer.putFirst(kind: UInt64(LACUNA_KIND_FREE), payload: address >> 3, ticks: ticks)
  }
  Recording.leave(thread, writer)
}

/// See InterposerEntry.h.
///
/// The thread stays in the hook until ``didReallocate``: the stamp is in flight while the real
/// function runs.
@c(lacuna_will_reallocate)
public func willReallocate() -> UInt64 {
  let thread = lacuna_current_thread().unsafelyUnwrapped
  guard let writer = Recording.enter(thread) else { return 0 }
  return Recording.stamp(writer)
}

/// See InterposerEntry.h.
@c(lacuna_did_reallocate)
public func didReallocate(
  _ old: UnsafeMutableRawPointer?, _ block: UnsafeMutableRawPointer?, _ size: Int, _ usable: Int,
  _ entry: UInt32, _ ticksBefore: UInt64, _ frame: UnsafeRawPointer?
) {
  guard ticksBefore != 0 else { return }
  let thread = lacuna_current_thread().unsafelyUnwrapped
  let writer = Recording.current(thread)
  // A failed call leaves the old block alone; realloc(p, 0) frees it and returns nothing.
  if block != nil || size == 0 {
    let ticksAfter = lacuna_clock(session.clock)
    let node =
      block == nil ? 0 : StackWalker.node(from: frame.unsafelyUnwrapped, thread, writer)
    Recording.noteBreak(writer, ticksBefore)
    if writer.reserve(8) {
      writer.putExtended(LACUNA_EXT_REALLOCATE, ticksBefore)
      writer.put(ticksAfter)
      writer.put(UInt64(UInt(bitPattern: old)))
      writer.put(UInt64(UInt(bitPattern: block)))
      writer.put(UInt64(UInt(bitPattern: size)))
      writer.put(UInt64(UInt(bitPattern: usable)))
      writer.put(UInt64(node) | UInt64(entry) << 32)
      writer.pointee.last_ticks = ticksAfter
    }
  }
  Recording.leave(thread, writer)
}
