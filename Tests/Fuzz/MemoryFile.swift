// A file that is nowhere but in memory.

import Glibc

/// A file without a name, which has a path all the same.
struct MemoryFile: ~Copyable {
  private let descriptor: Int32

  init() {
    var name = Array("/dev/shm/lacuna-fuzz-XXXXXX".utf8CString)
    descriptor = mkstemp(&name)
    precondition(descriptor >= 0, "no file in memory: \(errno)")
    unlink(name)
  }

  deinit { close(descriptor) }

  var path: String { "/proc/self/fd/\(descriptor)" }

  /// Makes these its contents.
  func write(_ bytes: [UInt8]) {
    precondition(ftruncate(descriptor, off_t(bytes.count)) == 0)
    precondition(pwrite(descriptor, bytes, bytes.count, 0) == bytes.count)
  }
}
