// A file that is nowhere but in memory.

import Glibc

/// A file without a name, which has a path all the same.
struct MemoryFile: ~Copyable {
  private let descriptor: Int32

  init() {
    descriptor = memfd_create("fuzz", 0)
    precondition(descriptor >= 0, "no file in memory: \(errno)")
  }

  deinit { close(descriptor) }

  var path: String { "/proc/self/fd/\(descriptor)" }

  /// Makes these its contents.
  func write(_ bytes: [UInt8]) {
    precondition(ftruncate(descriptor, off_t(bytes.count)) == 0)
    precondition(pwrite(descriptor, bytes, bytes.count, 0) == bytes.count)
  }
}
