// Walks the stack of the calling thread by its frame pointers.

import CaptureABI
import InterposerEntry

/// For programs whose every function keeps rbp as the chain of frames, JIT code among them.
///
/// A function that uses rbp for something else ends the stack, or takes its caller out of it; it
/// cannot lead the walk out of the stack. Where a signal was handled the interrupted function is
/// found as the kernel noted it.
enum FramePointerWalker {
  /// No frame is taken to be larger.
  private static let largestFrame: UInt64 = 1 << 20

  static func walk(_ frame: UnsafeRawPointer, _ thread: Thread, _ writer: Writer) -> Walk {
    let scratch = writer.pointee.scratch.unsafelyUnwrapped
    let fresh = Frames(addresses: scratch + StackScratch.fresh)
    var registers = StackWalker.Registers(
      framePointer: frame.load(as: UInt64.self),
      stackPointer: UInt64(UInt(bitPattern: frame)) &+ 16,
      returnAddress: frame.load(fromByteOffset: 8, as: UInt64.self))
    let epoch = StackWalker.beginWalk(registers.returnAddress, scratch)
    var walk = Walk()
    walk.isRegular = false
    var callOffset: UInt64 = 1
    while true {
      guard walk.fresh < session.stackLimit else {
        walk.isTruncated = true
        return walk
      }
      fresh.addresses[walk.fresh] = registers.returnAddress
      walk.fresh = walk.fresh &+ 1
      // The unwind information serves to name the module, and to tell the ends of stacks.
      let rule = UnwindRuleCache.rule(
        at: registers.returnAddress &- callOffset, epoch: epoch)
      if rule.base == UnwindRule.Base.end.rawValue { return walk }
      let isSignal = rule.base == UnwindRule.Base.signal.rawValue
      callOffset = isSignal ? 0 : 1
      let next =
        isSignal
        ? StackWalker.interrupted(by: registers.stackPointer, thread, writer)
        : caller(of: registers, thread, writer)
      guard let next else { return walk }
      registers = next
    }
  }

  private static func caller(
    of callee: StackWalker.Registers, _ thread: Thread, _ writer: Writer
  ) -> StackWalker.Registers? {
    let frame = callee.framePointer
    let isOnOwnStack =
      callee.stackPointer >= thread.pointee.stack_low
      && callee.stackPointer < thread.pointee.stack_top
    guard frame >= callee.stackPointer, frame &- callee.stackPointer <= largestFrame,
      !isOnOwnStack || frame &+ 16 <= thread.pointee.stack_top,
      let framePointer = StackWalker.load(frame, thread, writer),
      let returnAddress = StackWalker.load(frame &+ 8, thread, writer),
      StackWalker.mayBeCode(returnAddress)
    else { return nil }
    return StackWalker.Registers(
      framePointer: framePointer, stackPointer: frame &+ 16, returnAddress: returnAddress)
  }
}
