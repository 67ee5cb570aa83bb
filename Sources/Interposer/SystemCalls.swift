// The system calls that the library makes, without libc and without touching errno.

import CaptureABI
import InterposerEntry

enum SystemCall {
  static let read = 0
  static let open = 2
  static let close = 3
  static let mmap = 9
  static let munmap = 11
  static let signalMask = 14
  static let pread = 17
  static let pwrite = 18
  static let scheduleYield = 24
  static let madvise = 28
  static let nanosleep = 35
  static let getpid = 39
  static let kill = 62
  static let readlink = 89
  static let getppid = 110
  static let alternateStack = 131
  static let futex = 202
  static let signalThread = 234
  static let readMemory = 310
  static let compare = 312
}

@inline(__always)
func systemCall(
  _ number: Int, _ a: Int = 0, _ b: Int = 0, _ c: Int = 0, _ d: Int = 0, _ e: Int = 0,
  _ f: Int = 0
) -> Int {
  lacuna_syscall(number, a, b, c, d, e, f)
}

func sleep(nanoseconds: Int) {
  var pause = (0, nanoseconds)
  withUnsafeMutablePointer(to: &pause) {
    _ = systemCall(SystemCall.nanosleep, Int(bitPattern: UnsafeRawPointer($0)), 0)
  }
}

/// Fresh zeroed memory from the kernel, private to the process; nil when there is none.
func mapPrivate(bytes: Int) -> UnsafeMutableRawPointer? {
  let readWrite = 3
  let privateAnonymousNoReserve = 0x02 | 0x20 | 0x4000
  let result = systemCall(SystemCall.mmap, 0, bytes, readWrite, privateAnonymousNoReserve, -1, 0)
  guard result > 0 else { return nil }
  return UnsafeMutableRawPointer(bitPattern: result)
}

/// Whether eight bytes at `address` can be read, without the risk of a fault: the kernel reads the
/// new signal mask before it looks at the nonsensical instruction what to do with it.
@inline(__always)
func isReadable(_ address: UInt64) -> Bool {
  let fault = -14
  return systemCall(SystemCall.signalMask, -1, Int(truncatingIfNeeded: address), 0, 8) != fault
}

/// Sleeps for less than a second, or until the low half of the word is found changed.
func sleep(nanoseconds: Int, whileEqual word: UnsafeMutablePointer<UInt64>) {
  let wait = 0
  var time = (0, nanoseconds)
  let value = Int(UInt32(truncatingIfNeeded: lacuna_load64(word)))
  withUnsafeMutablePointer(to: &time) {
    _ = systemCall(
      SystemCall.futex, Int(bitPattern: UnsafeRawPointer(word)), wait, value,
      Int(bitPattern: UnsafeRawPointer($0)))
  }
}
