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
    writer.pointee.elsewhere_high = 0
    let count = walk(frame, thread, writer, into: scratch)
    return StackInterner.node(of: scratch, count)
  }

  /// Writes return addresses, innermost first, and returns how many.
  ///
  /// Negative when the stack was deeper than the limit.
  private static func walk(
    _ frame: UnsafeRawPointer, _ thread: Thread, _ writer: Writer,
    into addresses: UnsafeMutablePointer<UInt64>
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
          let interrupted = load(stackPointer &+ 168, thread, writer),
          let outerFramePointer = load(stackPointer &+ 120, thread, writer),
          let outerStackPointer = load(stackPointer &+ 160, thread, writer)
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
        guard let value = load(frameAddress &+ framePointer, thread, writer) else { return count }
        frameAddress = value
      default:
        guard let value = load(frameAddress &+ stackPointer, thread, writer) else { return count }
        frameAddress = value
      }
      // Callers lie further up: a rule that goes down is wrong, and could go round for ever.
      guard frameAddress > stackPointer, let next = load(frameAddress &- 8, thread, writer),
        next != 0
      else { return count }
      if rule.framePointer != 0 {
        let saved =
          rule.framePointer == UnwindRule.FramePointer.atFrameAddress.rawValue
          ? frameAddress &+ rule.framePointerOffset : framePointer &+ rule.framePointerOffset
        guard let value = load(saved, thread, writer) else { return count }
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
  /// The thread's own stack stays mapped as long as the thread lives, so its pages are asked for
  /// once. Any other memory, such as the stack of a coroutine, may be gone at the next walk, and is
  /// asked for in each.
  @inline(__always)
  private static func load(_ address: UInt64, _ thread: Thread, _ writer: Writer) -> UInt64? {
    let isOwn = address >= thread.pointee.stack_low && address < thread.pointee.stack_top
    if !isOwn || address & 7 != 0 {
      let isKnown =
        address >= writer.pointee.elsewhere_low && address < writer.pointee.elsewhere_high
      if !isKnown || address & 7 != 0 {
        guard learn(address, thread, writer) else { return nil }
      }
    }
    return UnsafePointer<UInt64>(bitPattern: UInt(address)).unsafelyUnwrapped.pointee
  }

  private static let pageMask: UInt64 = 4095
  /// No stack is taken to be larger than this.
  private static let largestStack: UInt64 = 1 << 28

  @inline(never)
  private static func learn(_ address: UInt64, _ thread: Thread, _ writer: Writer) -> Bool {
    guard address & 7 == 0, address > pageMask, isReadable(address) else { return false }
    let page = address & ~pageMask
    if isOwnStack(page, thread) {
      thread.pointee.stack_low = page
      return true
    }
    let end = page &+ 4096
    if page == writer.pointee.elsewhere_high {
      writer.pointee.elsewhere_high = end
    } else {
      writer.pointee.elsewhere_low = page
      writer.pointee.elsewhere_high = end
    }
    return true
  }

  /// Whether a readable page belongs to the thread's own stack: nothing but readable pages lies
  /// between the two.
  ///
  /// What does not is remembered, for coroutines come back.
  private static func isOwnStack(_ page: UInt64, _ thread: Thread) -> Bool {
    let known = thread.pointee.stack_low
    guard page < known, known &- page <= largestStack,
      page < thread.pointee.foreign_low || page >= thread.pointee.foreign_high
    else { return false }
    var next = page &+ 4096
    while next < known {
      guard isReadable(next) else {
        thread.pointee.foreign_high = 0
        thread.pointee.foreign_low = page
        thread.pointee.foreign_high = next
        return false
      }
      next = next &+ 4096
    }
    return true
  }
}
