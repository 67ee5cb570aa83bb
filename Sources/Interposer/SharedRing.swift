// The ring of all threads that find none of their own: written under a lock.

import CaptureABI
import InterposerEntry

/// The lock holds the kernel's number of the thread that has it, so that it can be taken from one
/// that ended, or that left its hook by a jump out of a signal handler.
enum SharedRing {
  /// Takes the ring for one record and says whose record it is.
  ///
  /// False when its holder makes no progress for seconds although there is room: it will never give
  /// the ring back, unless it allocates again.
  @inline(never)
  static func enter(_ writer: Writer, _ thread: Thread) -> Bool {
    let control = writer.pointee.control.unsafelyUnwrapped
    guard lock(control, for: thread.pointee.identifier) else { return false }
    if lostHolder != 0 { lostHolder = 0 }
    control.pointee.image = session.imageNumber
    control.pointee.claimed = 1
    writer.pointee.head = control.pointee.head
    writer.pointee.limit = 0
    writer.pointee.scratch.unsafelyUnwrapped[StackScratch.count] = 0
    guard writer.reserve(3) else { return true }
    // Another thread wrote last: the distance to its stamp means nothing here.
    writer.putExtended(LACUNA_EXT_THREAD, 0)
    writer.put(
      UInt64(thread.pointee.serial) | UInt64(UInt32(bitPattern: thread.pointee.identifier)) << 32)
    return true
  }

  @inline(never)
  static func leave(_ writer: Writer) {
    lacuna_store32(&writer.pointee.control.unsafelyUnwrapped.pointee.lock, 0)
  }

  /// Gives the ring back if this thread holds it, which is not in it: the hook that took it was left
  /// by a jump, or an earlier thread of the same number died in it.
  @discardableResult
  static func forget(_ identifier: Int32) -> Bool {
    let control = session.controls.unsafelyUnwrapped + LACUNA_SHARED_RING
    return lacuna_swap32(&control.pointee.lock, UInt32(bitPattern: identifier), 0) != 0
  }

  /// A holder that others have waited for in vain.
  private nonisolated(unsafe) static var lostHolder: UInt32 = 0

  private static let yields = 1000
  private static let sleeps = 3000

  @inline(__always)
  private static func lock(
    _ control: UnsafeMutablePointer<lacuna_ring_control>, for identifier: Int32
  ) -> Bool {
    let own = UInt32(bitPattern: identifier)
    return lacuna_swap32(&control.pointee.lock, 0, own) != 0 || wait(control, own)
  }

  @inline(never)
  private static func wait(
    _ control: UnsafeMutablePointer<lacuna_ring_control>, _ own: UInt32
  ) -> Bool {
    var rounds = 0
    var head = lacuna_load64(&control.pointee.head)
    while lacuna_swap32(&control.pointee.lock, 0, own) == 0 {
      let holder = lacuna_load32(&control.pointee.lock)
      if holder != 0, holder == lostHolder { return false }
      rounds &+= 1
      guard rounds > yields else {
        _ = systemCall(SystemCall.scheduleYield)
        continue
      }
      if holder != 0, isGone(holder), lacuna_swap32(&control.pointee.lock, holder, own) != 0 {
        return true
      }
      sleep(nanoseconds: 1_000_000, whileEqual: &control.pointee.head)
      let now = lacuna_load64(&control.pointee.head)
      let unread = now &- lacuna_load64(&control.pointee.tail)
      if now != head || unread > UInt64(LACUNA_RING_WORDS) / 2 {
        head = now
        rounds = yields
      }
      if rounds > yields &+ sleeps {
        lostHolder = holder
        return false
      }
    }
    return true
  }

  private static func isGone(_ holder: UInt32) -> Bool {
    let noSuchThread = -3
    let result = systemCall(SystemCall.signalThread, Int(session.processID), Int(holder), 0)
    return result == noSuchThread
  }
}
