// What becomes of a hook that a signal handler interrupts, and of one that is never finished.

import CaptureABI
import InterposerEntry

/// Handlers may allocate while their thread is in a hook, and may leave it for good by a jump.
enum Interruption {
  /// Set in the place of a hook that waits for the real realloc.
  private static let waiting: UInt64 = 1

  /// Says that the hook has returned but is not over.
  @inline(__always)
  static func markAsWaiting(_ thread: Thread, _ index: Int) {
    let place = lacuna_place_of(thread, Int32(truncatingIfNeeded: index)).unsafelyUnwrapped
    place.pointee |= waiting
  }

  /// Says that the hook goes on, in another frame; false when it was over meanwhile.
  @inline(__always)
  static func markAsHere(_ thread: Thread, _ index: Int, _ here: UInt64) -> Bool {
    let place = lacuna_place_of(thread, Int32(truncatingIfNeeded: index)).unsafelyUnwrapped
    guard place.pointee != 0 else { return false }
    place.pointee = here
    return true
  }

  /// The place for a hook that finds the first one taken: 0, 1, or 2 when there is none.
  ///
  /// Places of hooks that were left by a jump are cleared first, or the thread would count as
  /// interrupted for ever.
  @inline(never)
  static func freePlace(_ thread: Thread, _ here: UInt64) -> Int {
    for index in 0..<2 as Range<Int32> {
      let place = lacuna_place_of(thread, index).unsafelyUnwrapped
      let there = place.pointee
      guard there != 0 else { return Int(index) }
      if wasLeft(there, here, thread) {
        abandon(Recording.writer(thread, Int(index)), thread)
        place.pointee = 0
        return Int(index)
      }
    }
    return 2
  }

  /// Whether the hook whose frame is at `there` is over, now that one at `here` begins.
  private static func wasLeft(_ place: UInt64, _ here: UInt64, _ thread: Thread) -> Bool {
    let there = place & ~waiting
    // Two hooks that are both under way do not have the same frame.
    if here == there { return true }
    // As long as a hook runs, the word behind its frame address is the return address into the
    // exported function.
    if place & waiting == 0 {
      guard isReadable(there &+ 8),
        let word = UnsafePointer<UInt64>(bitPattern: UInt(there &+ 8)),
        lacuna_is_own_code(word.pointee) != 0
      else { return true }
    }
    // A handler runs further down the stack than what it interrupts, unless it has a stack of its
    // own, which may lie anywhere. So may the stack of a coroutine.
    return here > there && isOnOwnStack(there, thread) && isOnOwnStack(here, thread)
      && !isOnAlternateStack()
  }

  private static func isOnOwnStack(_ address: UInt64, _ thread: Thread) -> Bool {
    if address >= thread.pointee.stack_low { return address < thread.pointee.stack_top }
    return StackWalker.isOwnStack(address & ~4095, thread)
  }

  private static func isOnAlternateStack() -> Bool {
    // stack_t: address, flags, size.
    var state = (0, 0, 0)
    let onStack = 1
    return withUnsafeMutablePointer(to: &state) {
      systemCall(SystemCall.alternateStack, 0, Int(bitPattern: UnsafeRawPointer($0))) < 0
        || $0.pointee.1 & onStack != 0
    }
  }

  /// Takes back what an unfinished hook put, and counts its event as lost if it was not published.
  private static func abandon(_ writer: Writer, _ thread: Thread) {
    guard let control = writer.pointee.control else { return }
    if Recording.isShared(writer) {
      if SharedRing.forget(thread.pointee.identifier) { Recording.lose() }
      return
    }
    if lacuna_load64(&control.pointee.pending) != 0 { Recording.lose() }
    writer.pointee.head = lacuna_load64(&control.pointee.head)
    // The next record says its time in full, and the next walk starts anew.
    writer.pointee.last_ticks = 0
    writer.pointee.scratch.unsafelyUnwrapped[StackScratch.count] = 0
    lacuna_store64(&control.pointee.pending, 0)
  }
}
