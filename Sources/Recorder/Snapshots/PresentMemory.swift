// Memory of the traced process, read from outside.

import CLinux
import Glibc

/// Reads memory of another process, and asks which of its pages are there.
///
/// Pages that were never touched are not read: that would bring them into being.
final class PresentMemory {
  private let process: Int32
  private let pagemap: Int32

  init(process: Int32) {
    self.process = process
    pagemap = open("/proc/\(process)/pagemap", O_RDONLY | O_CLOEXEC)
  }

  deinit { if pagemap >= 0 { close(pagemap) } }

  /// The open `/proc/PID/pagemap`, or a negative number.
  var pagemapDescriptor: Int32 { pagemap }

  /// Whether the page at an address is in memory.
  func isPresent(_ address: UInt64) -> Bool {
    var entry: UInt64 = 0
    let offset = off_t(truncatingIfNeeded: (address >> 12) << 3)
    return pread(pagemap, &entry, 8, offset) == 8 && entry >> 63 == 1
  }

  /// Reads words that lie in one piece; nil where some cannot be read.
  func words(at address: UInt64, count: Int) -> [UInt64]? {
    var words = [UInt64](repeating: 0, count: count)
    let bytes = count * 8
    let result = words.withUnsafeMutableBytes {
      linux_memory_read(process, address, $0.baseAddress, bytes)
    }
    return result == bytes ? words : nil
  }

  /// Reads `count` words at each of the addresses, one behind the other.
  func gather(_ addresses: [UInt64], count: Int) -> [UInt64]? {
    var words = [UInt64](repeating: 0, count: count * addresses.count)
    let bytes = words.count * 8
    let result = words.withUnsafeMutableBytes {
      linux_gather_memory(
        process, addresses, UInt(addresses.count), $0.baseAddress, UInt(count * 8))
    }
    return result == bytes ? words : nil
  }
}
