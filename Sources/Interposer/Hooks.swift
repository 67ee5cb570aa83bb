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
  ///
  /// `inOperator` is called when the event may be part of an operator new or delete.
  @inline(__always)
  static func enter(_ thread: Thread, inOperator: () -> Void = {}) -> Writer? {
    if thread.pointee.generation != session.generation, !joinSession(thread) { return nil }
    if thread.pointee.is_operator_open != 0 { inOperator() }
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

  /// The writer of a hook that goes on after the real call; nil where it is over: a signal handler
  /// left it by a jump.
  ///
  /// - Parameters:
  ///   - stamp: what ``willReallocate()`` returned.
  ///   - here: where the frame of the hook is now.
  @inline(__always)
  static func resume(_ thread: Thread, _ stamp: UInt64, _ here: UInt64) -> Writer? {
    let index = Int(truncatingIfNeeded: stamp >> 63)
    guard stamp != 0, Interruption.markAsHere(thread, index, here) else { return nil }
    return writer(thread, index)
  }

  /// The moment that a stamp of ``willReallocate()`` tells.
  @inline(__always)
  static func ticks(_ stamp: UInt64) -> UInt64 { stamp & ~(1 << 63) }

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
@inline(never)
public func didAllocate(
  _ block: UnsafeMutableRawPointer?, _ size: Int, _ usable: Int, _ entry: UInt32, _ shift: UInt32,
  _ frame: UnsafeRawPointer?
) {
  let thread = lacuna_current_thread().unsafelyUnwrapped
  var (size, entry, shift, frame) = (size, entry, shift, frame)
  let writer = Recording.enter(thread) {
    guard let served = Operator.served(thread, block, size, entry, frame) else { return }
    size = Int(truncatingIfNeeded: served.pointee.size)
    entry = served.pointee.entry
    shift = served.pointee.shift
    frame = served.pointee.frame
  }
  guard let writer else { return }
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
    let alignment = shift & UInt32(LACUNA_LONG_FORM &- 1)
    writer.put(UInt64(node) | UInt64(entry) << 32 | UInt64(alignment) << 40)
  }
  Recording.leave(thread, writer)
}

/// See InterposerEntry.h.
@c(lacuna_will_free)
@inline(never)
public func willFree(_ block: UnsafeMutableRawPointer?) {
  let thread = lacuna_current_thread().unsafelyUnwrapped
  // Another way for what may be part of an operator delete.
  guard thread.pointee.is_operator_open == 0 else { return Operator.willFree(thread, block) }
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
  let thread = lacuna_current_thread().unsafelyUnwrapped
  guard let writer = Recording.resume(thread, stamp, lacuna_frame_address()) else { return }
  let ticksBefore = Recording.ticks(stamp)
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
