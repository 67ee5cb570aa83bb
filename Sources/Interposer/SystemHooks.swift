// What is about no block: calls that change the address space or the allocator, marks, pools.

import CaptureABI
import InterposerEntry

extension UnsafeMutablePointer<lacuna_writer> {
  /// Puts one LACUNA_EXT_SYSTEM record, for which there is room.
  @inline(__always)
  fileprivate func putSystem(
    _ ticks: UInt64, node: UInt32, entry: UInt32, address: UInt64, size: UInt64, detail: UInt64
  ) {
    putExtended(LACUNA_EXT_SYSTEM, ticks)
    put(UInt64(node) | UInt64(entry) << 32)
    put(address)
    put(size)
    put(detail)
  }
}

/// The id of the caller's stack; 0 where none is kept.
@inline(never)
private func stack(from frame: UnsafeRawPointer?, _ thread: Thread, _ writer: Writer) -> UInt32 {
  guard let frame else { return 0 }
  return StackWalker.node(from: frame, thread, writer)
}

private let systemRecordWords: UInt64 = 6

/// See InterposerEntry.h.
@c(lacuna_did_system)
public func didSystem(
  _ entry: UInt32, _ address: UInt64, _ size: UInt64, _ detail: UInt64, _ frame: UnsafeRawPointer?
) {
  let thread = lacuna_current_thread().unsafelyUnwrapped
  guard let writer = Recording.enter(thread) else { return }
  let ticks = Recording.stamp(writer)
  let node = stack(from: frame, thread, writer)
  Recording.noteBreak(writer, ticks)
  if writer.reserve(systemRecordWords) {
    writer.putSystem(
      ticks, node: node, entry: entry, address: address, size: size, detail: detail)
  }
  Recording.leave(thread, writer)
}

/// See InterposerEntry.h.
@c(lacuna_did_unmap)
public func didUnmap(_ address: UInt64, _ bytes: UInt64, _ stamp: UInt64) {
  let thread = lacuna_current_thread().unsafelyUnwrapped
  guard let writer = Recording.resume(thread, stamp, lacuna_frame_address()) else { return }
  let ticksBefore = Recording.ticks(stamp)
  if bytes > 0, writer.reserve(systemRecordWords) {
    writer.putSystem(
      ticksBefore, node: 0, entry: EntryNumber.munmap, address: address, size: bytes, detail: 0)
  }
  Recording.leave(thread, writer)
}

/// See InterposerEntry.h.
@c(lacuna_did_remap)
public func didRemap(
  _ old: UInt64, _ oldBytes: UInt64, _ address: UInt64, _ bytes: UInt64, _ stamp: UInt64,
  _ frame: UnsafeRawPointer?
) {
  let thread = lacuna_current_thread().unsafelyUnwrapped
  guard let writer = Recording.resume(thread, stamp, lacuna_frame_address()) else { return }
  let ticksBefore = Recording.ticks(stamp)
  if address != 0, writer.reserve(2 &* systemRecordWords) {
    let ticksAfter = lacuna_clock(session.clock)
    let node = stack(from: frame, thread, writer)
    if oldBytes > 0 {
      let isUnmapped: UInt64 = 1
      writer.putSystem(
        ticksBefore, node: 0, entry: EntryNumber.mremap, address: old, size: oldBytes,
        detail: isUnmapped)
    }
    writer.putSystem(
      ticksAfter, node: node, entry: EntryNumber.mremap, address: address, size: bytes,
      detail: lacuna_map_flags(0, 0, 1))
  }
  Recording.leave(thread, writer)
}

/// See InterposerEntry.h.
@c(lacuna_did_mark)
public func didMark(_ name: UnsafePointer<CChar>?) -> UInt32 {
  guard let name else { return 0 }
  let thread = lacuna_current_thread().unsafelyUnwrapped
  guard let writer = Recording.enter(thread) else { return 0 }
  let header = session.header.unsafelyUnwrapped
  let number = lacuna_add32(&header.pointee.mark_count, 1) &+ 1
  let ticks = Recording.stamp(writer)
  let count = lengthOfName(name)
  let words = UInt64(truncatingIfNeeded: count &+ 7) >> 3
  if writer.reserve(3 &+ words) {
    writer.putExtended(LACUNA_EXT_MARK, ticks)
    writer.put(UInt64(truncatingIfNeeded: count))
    var index = 0
    while index < count {
      writer.put(word(of: name + index, count &- index))
      index = index &+ 8
    }
  }
  Recording.leave(thread, writer)
  return number
}

/// Bytes of a mark's name, cut to the limit in front of a character.
private func lengthOfName(_ name: UnsafePointer<CChar>) -> Int {
  let limit = LACUNA_MARK_BYTES
  var count = 0
  while count < limit, name[count] != 0 { count = count &+ 1 }
  guard count == limit else { return count }
  // What follows continues a character of UTF-8 if its upper two bits are 10.
  while count > limit &- 4, UInt8(bitPattern: name[count]) & 0xc0 == 0x80 { count = count &- 1 }
  return count
}

/// The next bytes of a name, at most eight, the first one lowest.
private func word(of bytes: UnsafePointer<CChar>, _ count: Int) -> UInt64 {
  var word: UInt64 = 0
  var index = 0
  while index < 8, index < count {
    word |= UInt64(UInt8(bitPattern: bytes[index])) &<< UInt64(truncatingIfNeeded: index &* 8)
    index = index &+ 1
  }
  return word
}

/// See InterposerEntry.h.
@c(lacuna_did_pool)
public func didPool(
  _ entry: UInt32, _ pool: UnsafeRawPointer?, _ block: UnsafeRawPointer?, _ size: Int,
  _ frame: UnsafeRawPointer?
) {
  let thread = lacuna_current_thread().unsafelyUnwrapped
  guard let writer = Recording.enter(thread) else { return }
  let ticks = Recording.stamp(writer)
  let node = stack(from: frame, thread, writer)
  if writer.reserve(6) {
    writer.putExtended(LACUNA_EXT_POOL, ticks)
    writer.put(UInt64(node) | UInt64(entry) << 32)
    writer.put(UInt64(UInt(bitPattern: pool)))
    writer.put(UInt64(UInt(bitPattern: block)))
    writer.put(UInt64(UInt(bitPattern: size)))
  }
  Recording.leave(thread, writer)
}
