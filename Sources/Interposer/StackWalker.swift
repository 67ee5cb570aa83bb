// Walks the stack of the calling thread by its call frame information.

import CaptureABI
import InterposerEntry

/// The walker's memory for one ring.
enum StackScratch {
  /// The frames of this walk, innermost first.
  static let fresh = 0
  /// Those of the last walk, outermost first.
  static let remembered = Frames.words
  /// The nodes of the remembered frames, 32 bits each, and how many frames those are.
  static let nodes = 2 * Frames.words
  static let count = nodes + LACUNA_STACK_LIMIT / 2
  /// The epoch of the session's modules in which they were remembered.
  static let epoch = count + 1
  static let words = count + 8
}

/// Frames of a stack, as the walker met them: one array for each of the three registers, and one
/// for the place from which the caller's rbp was read, 0 where rbp was still the caller's.
struct Frames {
  static let words = 4 * LACUNA_STACK_LIMIT

  let addresses: UnsafeMutablePointer<UInt64>
  var stackPointers: UnsafeMutablePointer<UInt64> { addresses + LACUNA_STACK_LIMIT }
  var framePointers: UnsafeMutablePointer<UInt64> { addresses + 2 * LACUNA_STACK_LIMIT }
  var savedPlaces: UnsafeMutablePointer<UInt64> { addresses + 3 * LACUNA_STACK_LIMIT }

  /// Copies a frame from other frames.
  @inline(__always)
  func copy(_ index: Int, from other: Frames, _ otherIndex: Int) {
    addresses[index] = other.addresses[otherIndex]
    stackPointers[index] = other.stackPointers[otherIndex]
    framePointers[index] = other.framePointers[otherIndex]
    savedPlaces[index] = other.savedPlaces[otherIndex]
  }
}

/// What a walk found.
struct Walk {
  /// Frames that are new since the last walk: the innermost ones.
  var fresh = 0
  /// Frames of the last walk that are still in place: the outermost ones.
  var shared = 0
  /// Whether the stack was deeper than the limit.
  var isTruncated = false
  /// Whether the next walk may rely on the fresh frames: all lie on the thread's own stack, follow
  /// from what was remembered of them, and end where the unwind information says so.
  var isRegular = true
}

enum StackWalker {
  /// The id of the calling thread's stack, from the caller of the exported function outwards.
  ///
  /// - Parameter frame: the frame address of the exported function.
  @inline(__always)
  static func node(from frame: UnsafeRawPointer, _ thread: Thread, _ writer: Writer) -> UInt32 {
    guard session.stackLimit > 0 else { return 0 }
    writer.pointee.elsewhere_high = 0
    let scratch = writer.pointee.scratch.unsafelyUnwrapped
    let walk =
      session.usesFramePointers
      ? FramePointerWalker.walk(frame, thread, writer) : walk(frame, thread, writer)
    return StackInterner.node(of: walk, scratch)
  }

  /// The three registers that are followed.
  struct Registers {
    var framePointer: UInt64
    var stackPointer: UInt64
    var returnAddress: UInt64
  }

  /// Forgets what was remembered when modules have come or gone since; returns the epoch.
  @inline(__always)
  static func beginWalk(
    _ returnAddress: UInt64, _ scratch: UnsafeMutablePointer<UInt64>
  ) -> UInt64 {
    if returnAddress &- session.loaderStart < session.loaderBytes {
      LoaderWatch.loaderAllocates()
    }
    let epoch = session.epoch
    if scratch[StackScratch.epoch] != epoch {
      scratch[StackScratch.epoch] = epoch
      scratch[StackScratch.count] = 0
    }
    return epoch
  }

  /// What a signal interrupted: the kernel put its registers onto the stack (`struct rt_sigframe`).
  @inline(never)
  static func interrupted(
    by stackPointer: UInt64, _ thread: Thread, _ writer: Writer
  ) -> Registers? {
    guard let interrupted = load(stackPointer &+ 168, thread, writer),
      let framePointer = load(stackPointer &+ 120, thread, writer),
      let outer = load(stackPointer &+ 160, thread, writer)
    else { return nil }
    return Registers(
      framePointer: framePointer, stackPointer: outer, returnAddress: interrupted)
  }

  /// User space ends at 2^47; a return address of 0 ends a stack.
  @inline(__always)
  static func mayBeCode(_ address: UInt64) -> Bool { address &- 1 < (1 << 47) &- 1 }

  /// Walks outwards until the stack ends, the limit is reached, or what follows is known to be the
  /// same as in the last walk.
  private static func walk(
    _ frame: UnsafeRawPointer, _ thread: Thread, _ writer: Writer
  ) -> Walk {
    let scratch = writer.pointee.scratch.unsafelyUnwrapped
    let fresh = Frames(addresses: scratch + StackScratch.fresh)
    let old = Frames(addresses: scratch + StackScratch.remembered)
    var framePointer = frame.load(as: UInt64.self)
    var returnAddress = frame.load(fromByteOffset: 8, as: UInt64.self)
    var stackPointer = UInt64(UInt(bitPattern: frame)) &+ 16
    let epoch = beginWalk(returnAddress, scratch)
    // A return address may be the first byte behind its function; the call is before it. The
    // address that a signal interrupted is exact.
    var callOffset: UInt64 = 1
    let limit = session.stackLimit
    // The innermost remembered frame that may still be met.
    var candidate = Int(truncatingIfNeeded: scratch[StackScratch.count]) &- 1
    var walk = Walk()
    let path = lacuna_walk_path(session.rulePaths, returnAddress, stackPointer).unsafelyUnwrapped
    defer { RulePaths.end(path, frames: walk.fresh) }
    while true {
      while candidate >= 0, old.stackPointers[candidate] < stackPointer {
        candidate = candidate &- 1
      }
      if candidate >= 0, old.stackPointers[candidate] == stackPointer,
        old.addresses[candidate] == returnAddress, old.framePointers[candidate] == framePointer,
        callOffset == 1
      {
        let broken = firstChange(in: old, from: candidate)
        if broken == 0, walk.fresh &+ candidate &+ 1 <= limit {
          walk.shared = candidate &+ 1
          return walk
        }
        candidate = broken &- 2
      }
      guard walk.fresh < limit else {
        walk.isTruncated = true
        return walk
      }
      let index = walk.fresh
      fresh.addresses[index] = returnAddress
      fresh.stackPointers[index] = stackPointer
      fresh.framePointers[index] = framePointer
      fresh.savedPlaces[index] = 0
      walk.fresh = index &+ 1
      let place = returnAddress &- callOffset
      let set = lacuna_rule_set(place)
      RulePaths.note(set, frame: index, in: path)
      let rule = UnwindRuleCache.rule(at: place, in: set, epoch: epoch)
      if rule.base >= UnwindRule.Base.signal.rawValue {
        guard rule.base == UnwindRule.Base.signal.rawValue else { return walk }
        walk.isRegular = false
        guard let outer = interrupted(by: stackPointer, thread, writer) else { return walk }
        framePointer = outer.framePointer
        stackPointer = outer.stackPointer
        returnAddress = outer.returnAddress
        callOffset = 0
        continue
      }
      var frameAddress = rule.offset
      switch rule.base {
      case UnwindRule.Base.stackPointer.rawValue: frameAddress = frameAddress &+ stackPointer
      case UnwindRule.Base.framePointer.rawValue: frameAddress = frameAddress &+ framePointer
      default:
        // The frame address itself was saved on the stack, which nobody remembers.
        walk.isRegular = false
        let base =
          rule.base == UnwindRule.Base.atFramePointer.rawValue ? framePointer : stackPointer
        guard let value = load(frameAddress &+ base, thread, writer) else { return walk }
        frameAddress = value
      }
      // Callers lie further up: a rule that goes down is wrong, and could go round for ever.
      guard frameAddress > stackPointer, let next = load(frameAddress &- 8, thread, writer),
        mayBeCode(next)
      else {
        walk.isRegular = false
        return walk
      }
      if rule.framePointer != 0 {
        let saved =
          rule.framePointer == UnwindRule.FramePointer.atFrameAddress.rawValue
          ? frameAddress &+ rule.framePointerOffset : framePointer &+ rule.framePointerOffset
        guard let value = load(saved, thread, writer) else {
          walk.isRegular = false
          return walk
        }
        fresh.savedPlaces[index] = saved
        framePointer = value
      }
      stackPointer = frameAddress
      returnAddress = next
      callOffset = 1
      if writer.pointee.elsewhere_high != 0 { walk.isRegular = false }
    }
  }

  /// Reads again all that the remembered frames outwards of one were read from.
  ///
  /// Returns 0 when nothing has changed, else the frame whose caller is not the remembered one.
  /// The registers at a frame and the unwind information say where its caller's registers are, so
  /// equal contents there mean an equal caller, and so on to the root. The loads do not depend on
  /// each other, unlike those of a walk.
  @inline(__always)
  private static func firstChange(in old: Frames, from frame: Int) -> Int {
    var index = frame
    while index > 0 {
      let caller = index &- 1
      let place = old.savedPlaces[index]
      if word(old.stackPointers[caller] &- 8) != old.addresses[caller]
        || (place != 0 && word(place) != old.framePointers[caller])
      {
        return index
      }
      index = caller
    }
    return 0
  }

  /// A word of the thread's own stack.
  @inline(__always)
  private static func word(_ address: UInt64) -> UInt64 {
    UnsafePointer<UInt64>(bitPattern: UInt(address)).unsafelyUnwrapped.pointee
  }

  /// The word at a stack address; nil where nothing is mapped.
  ///
  /// The thread's own stack stays mapped as long as the thread lives, so its pages are asked for
  /// once. Any other memory, such as the stack of a coroutine, may be gone at the next walk, and is
  /// asked for in each.
  @inline(__always)
  static func load(_ address: UInt64, _ thread: Thread, _ writer: Writer) -> UInt64? {
    let isOwn = address >= thread.pointee.stack_low && address < thread.pointee.stack_top
    if !isOwn || address & 7 != 0 {
      let isKnown =
        address >= writer.pointee.elsewhere_low && address < writer.pointee.elsewhere_high
      if !isKnown || address & 7 != 0 {
        guard learn(address, thread, writer) else { return nil }
      }
    }
    return word(address)
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
  static func isOwnStack(_ page: UInt64, _ thread: Thread) -> Bool {
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
