// Walks the stack of the calling thread by its call frame information.

import CaptureABI
import InterposerEntry

/// The walker's memory for one ring: the frames of this walk and the last.
enum StackScratch {
  static let words = recent + 2 * recentEntries
  static let remembered = LACUNA_STACK_LIMIT
  static let nodes = 2 * LACUNA_STACK_LIMIT
  static let count = 2 * LACUNA_STACK_LIMIT + LACUNA_STACK_LIMIT / 2
  /// Calls whose nodes were looked up lately: address, then parent and node in one word.
  static let recent = 384
  static let recentEntries = 2048
}

enum StackWalker {
  /// The id of the calling thread's stack, from the caller of the exported function outwards.
  ///
  /// - Parameter frame: the frame address of the exported function.
  @inline(__always)
  static func node(from frame: UnsafeRawPointer, _ thread: Thread, _ writer: Writer) -> UInt32 {
    guard session.stackLimit > 0 else { return 0 }
    let scratch = writer.pointee.scratch.unsafelyUnwrapped
    let count = walk(frame, thread, into: scratch)
    return StackInterner.node(of: scratch, count)
  }

  /// Writes return addresses, innermost first, and returns how many.
  ///
  /// Negative when the stack was deeper than the limit.
  private static func walk(
    _ frame: UnsafeRawPointer, _ thread: Thread, into addresses: UnsafeMutablePointer<UInt64>
  ) -> Int {
    var framePointer = frame.load(as: UInt64.self)
    var returnAddress = frame.load(fromByteOffset: 8, as: UInt64.self)
    var stackPointer = UInt64(UInt(bitPattern: frame)) &+ 16
    // A return address may be the first byte behind its function; the call is before it. The
    // address that a signal interrupted is exact.
    var callOffset: UInt64 = 1
    let limit = session.stackLimit
    var count = 0
    while true {
      addresses[count] = returnAddress
      count &+= 1
      let rule = UnwindRuleCache.rule(at: returnAddress &- callOffset)
      if rule.base >= UnwindRule.Base.signal.rawValue {
        guard rule.base == UnwindRule.Base.signal.rawValue else { return count }
        guard count < limit else { return -count }
        guard
          let interrupted = load(stackPointer &+ 168, thread),
          let outerFramePointer = load(stackPointer &+ 120, thread),
          let outerStackPointer = load(stackPointer &+ 160, thread)
        else { return count }
        framePointer = outerFramePointer
        stackPointer = outerStackPointer
        returnAddress = interrupted
        callOffset = 0
        continue
      }
      var frameAddress = rule.offset
      switch rule.base {
      case UnwindRule.Base.stackPointer.rawValue: frameAddress = frameAddress &+ stackPointer
      case UnwindRule.Base.framePointer.rawValue: frameAddress = frameAddress &+ framePointer
      case UnwindRule.Base.atFramePointer.rawValue:
        guard let value = load(frameAddress &+ framePointer, thread) else { return count }
        frameAddress = value
      default:
        guard let value = load(frameAddress &+ stackPointer, thread) else { return count }
        frameAddress = value
      }
      // Callers lie further up: a rule that goes down is wrong, and could go round for ever.
      guard frameAddress > stackPointer, let next = load(frameAddress &- 8, thread), next != 0
      else { return count }
      if rule.framePointer != 0 {
        let saved =
          rule.framePointer == UnwindRule.FramePointer.atFrameAddress.rawValue
          ? frameAddress &+ rule.framePointerOffset : framePointer &+ rule.framePointerOffset
        guard let value = load(saved, thread) else { return count }
        framePointer = value
      }
      guard count < limit else { return -count }
      stackPointer = frameAddress
      returnAddress = next
      callOffset = 1
    }
  }

  /// The word at a stack address; nil where nothing is mapped.
  ///
  /// A thread remembers which pages it has found to be readable, so that the kernel is asked once
  /// for each page of a stack.
  @inline(__always)
  private static func load(_ address: UInt64, _ thread: Thread) -> UInt64? {
    // Both ends of the range are multiples of 8, so that an aligned word below the end fits; the
    // sum `address &+ 8` would wrap for the last word of the address space.
    if address < thread.pointee.readable_low || address >= thread.pointee.readable_high
      || address & 7 != 0
    {
      guard learn(address, thread) else { return nil }
    }
    return UnsafePointer<UInt64>(bitPattern: UInt(address)).unsafelyUnwrapped.pointee
  }

  @inline(never)
  private static func learn(_ address: UInt64, _ thread: Thread) -> Bool {
    let pageMask: UInt64 = 4095
    guard address & 7 == 0, address > pageMask, isReadable(address) else { return false }
    let low = address & ~pageMask
    let high = low &+ 4096
    let knownLow = thread.pointee.readable_low
    let knownHigh = thread.pointee.readable_high
    if high <= knownLow, knownLow &- high <= sameStack, areReadable(high, knownLow) {
      thread.pointee.readable_low = low
    } else if low >= knownHigh, low &- knownHigh <= sameStack, areReadable(knownHigh, low) {
      thread.pointee.readable_high = high
    } else {
      // Elsewhere: another stack, of a coroutine or a signal. Two stores that a signal may come
      // between; an empty range is the safe state.
      thread.pointee.readable_high = 0
      thread.pointee.readable_low = low
      thread.pointee.readable_high = high
    }
    return true
  }

  /// Pages no further apart than this are tried to be joined into one range, so that a stack is
  /// learned once, however deep it gets and whatever part of it a walk looks at.
  private static let sameStack: UInt64 = 1 << 20

  private static func areReadable(_ low: UInt64, _ high: UInt64) -> Bool {
    var page = low
    while page < high {
      guard isReadable(page) else { return false }
      page = page &+ 4096
    }
    return true
  }
}
