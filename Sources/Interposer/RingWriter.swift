// Writing records into a ring: claiming one, waiting for room, publishing.

import CaptureABI
import InterposerEntry

typealias Writer = UnsafeMutablePointer<lacuna_writer>
typealias Thread = UnsafeMutablePointer<lacuna_thread>

private let ringMask = UInt64(LACUNA_RING_WORDS &- 1)

extension UnsafeMutablePointer<lacuna_writer> {
  /// Puts one word behind what was written, unpublished.
  @inline(__always)
  func put(_ word: UInt64) {
    let words = pointee.words.unsafelyUnwrapped
    words[Int(truncatingIfNeeded: pointee.head & ringMask)] = word
    pointee.head = pointee.head &+ 1
  }

  /// Makes sure that `count` words fit.
  ///
  /// False when recording has stopped.
  @inline(__always)
  func reserve(_ count: UInt64) -> Bool {
    if pointee.head &+ count <= pointee.limit { return true }
    return waitForRoom(self, count)
  }

  /// Lets the recorder see all that was put, and says that no stamp is in flight.
  @inline(__always)
  func publish() {
    let control = pointee.control.unsafelyUnwrapped
    lacuna_store64(&control.pointee.head, pointee.head)
    lacuna_store64(&control.pointee.pending, 0)
  }

  /// The first word of a packed record at `ticks`; an absolute time goes before it where the
  /// distance to the last record does not fit.
  @inline(__always)
  func putFirst(kind: UInt64, payload: UInt64, ticks: UInt64) {
    var delta = ticks &- pointee.last_ticks
    if delta >> UInt64(LACUNA_TICK_BITS) != 0 {
      putExtended(LACUNA_EXT_TIME, ticks)
      delta = 0
    }
    pointee.last_ticks = ticks
    put(kind | delta << 3 | payload << 20)
  }

  /// The first two words of an extended record; its time is what the next record counts from.
  @inline(__always)
  func putExtended(_ sort: Int, _ ticks: UInt64) {
    put(UInt64(LACUNA_KIND_EXTENDED) | UInt64(truncatingIfNeeded: sort) << 20)
    put(ticks)
    pointee.last_ticks = ticks
  }
}

/// Waits until the recorder has read enough: a tenth of a millisecond at a time, by the one system
/// call that also a sandboxed program is allowed.
@inline(never)
private func waitForRoom(_ writer: Writer, _ count: UInt64) -> Bool {
  let control = writer.pointee.control.unsafelyUnwrapped
  while true {
    let limit = lacuna_load64(&control.pointee.tail) &+ UInt64(LACUNA_RING_WORDS)
    writer.pointee.limit = limit
    if writer.pointee.head &+ count <= limit { return true }
    if isRecorderGone() {
      stopRecording()
      return false
    }
    if session.recording.unsafelyUnwrapped.pointee == 0 { return false }
    sleep(nanoseconds: 100_000, whileEqual: &control.pointee.tail)
  }
}

/// Whether the recorder is there and wants what is written.
func recorderLives() -> Bool { !isRecorderGone() }

/// Whether nobody reads the rings any more.
private func isRecorderGone() -> Bool {
  let header = session.header.unsafelyUnwrapped
  return lacuna_load32(&header.pointee.closed) != 0
    || lacuna_owner_died(lacuna_recorder_life(header)) != 0
}

/// Whether a process is there and does its work.
func isAlive(_ process: Int32) -> Bool {
  let noSuchProcess = -3
  let recorder = Int(process)
  guard systemCall(SystemCall.kill, recorder, 0) != noSuchProcess else { return false }
  // A process that was killed can be signalled until its parent has asked for its end, which may
  // be never; but it has no memory any more. That it may not be read says that it lives.
  var word: UInt64 = 0
  return withUnsafeMutablePointer(to: &word) { place in
    var vector = (Int(bitPattern: UnsafeRawPointer(place)), 8)
    return withUnsafeMutablePointer(to: &vector) {
      let list = Int(bitPattern: UnsafeRawPointer($0))
      return systemCall(SystemCall.readMemory, recorder, list, 1, list, 1, 0) != noSuchProcess
    }
  }
}

/// Gives the writer a ring: a free one, or the shared one when all are taken.
@inline(never)
func claimRing(_ writer: Writer, _ thread: Thread) {
  let controls = session.controls.unsafelyUnwrapped
  let header = session.header.unsafelyUnwrapped
  if thread.pointee.serial == 0 {
    thread.pointee.serial = lacuna_add32(&header.pointee.thread_count, 1) &+ 1
  }
  // A child of vfork writes for the thread that waits for it, and has its number.
  let identifier = threadIdentifier()
  thread.pointee.identifier = identifier
  SharedRing.forget(identifier)
  if thread.pointee.stack_top == 0 {
    let isFirst =
      session.firstThreadPointer == 0
      ? identifier == session.processID
      : lacuna_stack_top(0) == session.firstThreadPointer
    let top = lacuna_stack_top(isFirst ? 1 : 0) & ~7
    thread.pointee.stack_low = top
    thread.pointee.stack_top = top
  }
  // The lowest free one, so that the recorder has few to look at.
  for ring in 1..<LACUNA_RING_COUNT {
    let control = controls + ring
    guard control.pointee.claimed == 0, lacuna_swap32(&control.pointee.claimed, 0, 2) != 0 else {
      continue
    }
    control.pointee.thread_id = identifier
    control.pointee.thread_serial = thread.pointee.serial
    control.pointee.thread_pointer = lacuna_thread_pointer()
    control.pointee.image = session.imageNumber
    lacuna_store64(&control.pointee.pending, 0)
    raiseLimit(to: UInt32(truncatingIfNeeded: ring &+ 1))
    lacuna_store32(&control.pointee.claimed, 1)
    adopt(writer, ring)
    return
  }
  raiseLimit(to: UInt32(LACUNA_SHARED_RING) &+ 1)
  adopt(writer, LACUNA_SHARED_RING)
}

/// The kernel's number of the calling thread.
///
/// A child that was forked past the C library finds its parent's number where its own should be, and
/// the recorder would take the thread for gone. It is the child's first thread then.
private func threadIdentifier() -> Int32 {
  let identifier = lacuna_thread_identifier()
  guard session.beganAfterFork else { return identifier }
  let noSuchProcess = -3
  let isThere =
    systemCall(SystemCall.signalThread, Int(session.processID), Int(identifier), 0)
    != noSuchProcess
  return isThere ? identifier : session.processID
}

private func raiseLimit(to limit: UInt32) {
  let header = session.header.unsafelyUnwrapped
  while true {
    let known = lacuna_load32(&header.pointee.ring_limit)
    if known >= limit || lacuna_swap32(&header.pointee.ring_limit, known, limit) != 0 { return }
  }
}

private func adopt(_ writer: Writer, _ ring: Int) {
  let control = session.controls.unsafelyUnwrapped + ring
  writer.pointee.control = control
  writer.pointee.words = session.rings.unsafelyUnwrapped + ring &* LACUNA_RING_WORDS
  writer.pointee.scratch = session.scratch.unsafelyUnwrapped + ring &* StackScratch.words
  // Frames of the thread that had the ring before mean nothing, and may be unmapped.
  writer.pointee.scratch.unsafelyUnwrapped[StackScratch.count] = 0
  writer.pointee.head = control.pointee.head
  writer.pointee.limit = 0
  writer.pointee.last_ticks = 0
}
