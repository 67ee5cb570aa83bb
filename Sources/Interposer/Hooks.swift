// What the exported functions call around the real ones: each turns a call into one record.

import CaptureABI
import InterposerEntry

/// Recording one event on the calling thread.
enum Recording {
  /// Finds the thread's writer and tells the recorder that a stamp is about to be taken.
  ///
  /// Nil when the event cannot be recorded; it is counted as lost then.
  ///
  /// A signal handler that allocates while its thread is in here finds the thread's first place
  /// taken and writes into the second ring, so that the interrupted record stays whole.
  @inline(__always)
  static func enter(_ thread: Thread) -> Writer? {
    if thread.pointee.generation != session.generation { joinSession(thread) }
    let here = lacuna_frame_address()
    var index = 0
    if lacuna_place_of(thread, 0).pointee != 0 {
      index = Interruption.freePlace(thread, here)
      guard index < 2 else {
        lose()
        return nil
      }
    }
    let place = lacuna_place_of(thread, Int32(truncatingIfNeeded: index)).unsafelyUnwrapped
    place.pointee = here
    let writer = writer(thread, index)
    if writer.pointee.control == nil { claimRing(writer, thread) }
    if isShared(writer) {
      // The interrupted hook may hold the shared ring.
      guard index == 0, SharedRing.enter(writer, thread) else {
        place.pointee = 0
        lose()
        return nil
      }
    }
    lacuna_store64(&writer.pointee.control.unsafelyUnwrapped.pointee.pending, 1)
    return writer
  }

  @inline(__always)
  static func writer(_ thread: Thread, _ index: Int) -> Writer {
    lacuna_writer_of(thread, Int32(truncatingIfNeeded: index)).unsafelyUnwrapped
  }

  /// Which of the thread's writers this is.
  @inline(__always)
  static func index(_ thread: Thread, _ writer: Writer) -> Int {
    writer == self.writer(thread, 0) ? 0 : 1
  }

  /// Publishes what was put and leaves the hook.
  @inline(__always)
  static func leave(_ thread: Thread, _ writer: Writer) {
    writer.publish()
    if isShared(writer) { SharedRing.leave(writer) }
    let index = Int32(truncatingIfNeeded: index(thread, writer))
    lacuna_place_of(thread, index).pointee = 0
  }

  @inline(__always)
  static func isShared(_ writer: Writer) -> Bool {
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
      writer.put(reportedBreak)
    }
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
/// function runs. The highest bit, which no clock reaches, says which writer it belongs to.
@c(lacuna_will_reallocate)
public func willReallocate() -> UInt64 {
  let thread = lacuna_current_thread().unsafelyUnwrapped
  guard let writer = Recording.enter(thread) else { return 0 }
  let index = Recording.index(thread, writer)
  Interruption.markAsWaiting(thread, index)
  return Recording.stamp(writer) | UInt64(truncatingIfNeeded: index) << 63
}

/// See InterposerEntry.h.
@c(lacuna_did_reallocate)
public func didReallocate(
  _ old: UnsafeMutableRawPointer?, _ block: UnsafeMutableRawPointer?, _ size: Int, _ usable: Int,
  _ entry: UInt32, _ stamp: UInt64, _ frame: UnsafeRawPointer?
) {
  guard stamp != 0 else { return }
  let ticksBefore = stamp & ~(1 << 63)
  let thread = lacuna_current_thread().unsafelyUnwrapped
  let index = Int(truncatingIfNeeded: stamp >> 63)
  let writer = Recording.writer(thread, index)
  guard Interruption.markAsHere(thread, index, lacuna_frame_address()) else { return }
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
