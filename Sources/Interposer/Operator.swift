// Speaking for the operators new and delete: what the functions record that an operator calls.

import CaptureABI
import InterposerEntry

/// The operator that is under way in a thread.
///
/// It is *open* until its block has been recorded. Only then do the hooks look here.
enum Operator {
  @inline(__always)
  static func isOpen(_ thread: Thread) -> Bool {
    thread.pointee.is_operator_open != 0
  }

  @inline(__always)
  private static func close(_ thread: Thread) {
    thread.pointee.is_operator_open = 0
  }

  /// The open operator whose block an allocation is; nil where it is another.
  @inline(never)
  static func served(
    _ thread: Thread, _ block: UnsafeMutableRawPointer?, _ size: Int, _ entry: UInt32,
    _ frame: UnsafeRawPointer?
  ) -> UnsafeMutablePointer<lacuna_operator>? {
    guard isOpen(thread), let current = lacuna_current_operator(),
      current.pointee.is_release == 0
    else { return nil }
    current.pointee.block = UInt64(UInt(bitPattern: block))
    guard isOwn(current, size, frame) else { return nil }
    close(thread)
    return current
  }

  /// A free inside an open operator, or inside the hook of a signal handler.
  @inline(never)
  static func willFree(_ thread: Thread, _ block: UnsafeMutableRawPointer?) {
    let entry = release(thread, block)
    guard entry != EntryNumber.nothing, let writer = Recording.enter(thread) else { return }
    Recording.putRelease(thread, writer, block, entry)
  }

  /// The function in whose name a free is to be recorded; `nothing` where that was done already.
  @inline(__always)
  private static func release(_ thread: Thread, _ block: UnsafeMutableRawPointer?) -> UInt32 {
    guard isOpen(thread), let current = lacuna_current_operator(),
      current.pointee.block == UInt64(UInt(bitPattern: block))
    else { return EntryNumber.free }
    guard current.pointee.is_release != 0 else {
      current.pointee.block = 0
      return EntryNumber.free
    }
    close(thread)
    return current.pointee.entry
  }

  /// Whether a call to the allocator is the one that gets an operator new its block.
  ///
  /// Such a call asks for the same bytes: at least one, and whole multiples of an alignment. The
  /// handler that an operator calls after a failure may ask for the same, but from further down
  /// the stack than the operator, whose attempts all have the same place.
  @inline(__always)
  private static func isOwn(
    _ current: UnsafeMutablePointer<lacuna_operator>, _ size: Int, _ frame: UnsafeRawPointer?
  ) -> Bool {
    let frame = UInt(bitPattern: frame)
    let outer = UInt(bitPattern: current.pointee.frame)
    let failed = UInt(bitPattern: current.pointee.failed_frame)
    let reach: UInt = 1 << 16
    guard frame < outer, outer &- frame < reach, failed == 0 || failed == frame else {
      return false
    }
    let bytes = UInt64(UInt(bitPattern: size))
    let wanted = current.pointee.size
    if bytes == wanted { return true }
    var alignment: UInt64 = 1
    if current.pointee.shift != 0 {
      // Libraries ask for the alignment of a pointer at least.
      alignment = 1 &<< UInt64(current.pointee.shift & UInt32(LACUNA_LONG_FORM &- 1))
      if alignment < 8 { alignment = 8 }
    }
    let atLeastOne = wanted == 0 ? 1 : wanted
    return bytes == (atLeastOne &+ alignment &- 1) & ~(alignment &- 1)
  }

  /// Remembers where an operator's first attempt failed.
  static func didFail(_ size: Int, _ frame: UnsafeRawPointer?) {
    let thread = lacuna_current_thread().unsafelyUnwrapped
    guard isOpen(thread), let current = lacuna_current_operator(),
      current.pointee.is_release == 0, current.pointee.failed_frame == nil,
      isOwn(current, size, frame)
    else { return }
    current.pointee.failed_frame = frame
  }
}

/// See InterposerEntry.h.
@c(lacuna_did_fail)
public func didFail(_ size: Int, _ frame: UnsafeRawPointer?) {
  Operator.didFail(size, frame)
}

/// See InterposerEntry.h.
@c(lacuna_did_lose)
public func didLose() { Recording.lose() }

/// See InterposerEntry.h.
@c(lacuna_will_release)
public func willRelease(_ block: UnsafeMutableRawPointer?, _ entry: UInt32) {
  let thread = lacuna_current_thread().unsafelyUnwrapped
  guard let writer = Recording.enter(thread) else { return }
  Recording.putRelease(thread, writer, block, entry)
}

extension Recording {
  /// Puts the end of a block and leaves the hook.
  @inline(__always)
  static func putRelease(
    _ thread: Thread, _ writer: Writer, _ block: UnsafeMutableRawPointer?, _ entry: UInt32
  ) {
    let ticks = stamp(writer)
    noteBreak(writer, ticks)
    let address = UInt64(UInt(bitPattern: block))
    // The commonest functions have a kind each; those of operators are in the order of their
    // entry points.
    let commonest = entry &- EntryNumber.delete
    if commonest < 4 || entry == EntryNumber.free {
      if writer.reserve(3) {
        let kind =
          entry == EntryNumber.free
          ? UInt64(LACUNA_KIND_FREE) : UInt64(LACUNA_KIND_DELETE) &+ UInt64(commonest)
        writer.putFirst(kind: kind, payload: address >> 3, ticks: ticks)
      }
    } else if writer.reserve(4) {
      writer.putExtended(LACUNA_EXT_RELEASE, ticks)
      writer.put(address)
      writer.put(UInt64(entry))
    }
    leave(thread, writer)
  }
}

/// Functions, as the trace format numbers them.
enum EntryNumber {
  /// What was recorded already.
  static let nothing: UInt32 = 0
  static let free: UInt32 = 32
  static let delete: UInt32 = 36
  static let munmap: UInt32 = 65
  static let mremap: UInt32 = 66
}
