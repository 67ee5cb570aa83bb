// Asks the kernel now and then how much memory the process has.

import CLinux
import Glibc
import MemoryUnits
import Trace

/// Reads `/proc/PID/statm`, and which pages of the recorder's own tables are there: some ten
/// microseconds a time, nothing that the process would notice.
struct ResidentSampler {
  /// Nanoseconds between two samples.
  static let interval: UInt64 = 50_000_000

  private let descriptor: Int32
  private let pageDescriptor: Int32
  private var due: UInt64 = 0

  init(process: Int32) {
    descriptor = open("/proc/\(process)/statm", O_RDONLY | O_CLOEXEC)
    pageDescriptor = open("/proc/\(process)/pagemap", O_RDONLY | O_CLOEXEC)
  }

  func close() {
    for descriptor in [descriptor, pageDescriptor] where descriptor >= 0 { Glibc.close(descriptor) }
  }

  /// A sample, if one is due and the process still has memory.
  ///
  /// `own` are the ranges of private memory that the library keeps in the process.
  mutating func sample(
    at now: UInt64, time: Timestamp, own: () -> [Range<UInt64>]
  ) -> ResidentSample? {
    guard descriptor >= 0, now >= due else { return nil }
    due = now + Self.interval
    var buffer = [UInt8](repeating: 0, count: 256)
    let count = pread(descriptor, &buffer, buffer.count, 0)
    guard count > 0 else { return nil }
    let fields = String(decoding: buffer[..<count], as: UTF8.self).split(separator: " ")
    guard fields.count >= 3, let resident = Int(fields[1]), let shared = Int(fields[2]),
      resident > 0
    else { return nil }
    return ResidentSample(
      time: time, resident: ByteCount(resident * ByteCount.page.int),
      shared: ByteCount(shared * ByteCount.page.int) + present(in: own()))
  }

  /// What of some ranges is in memory; nothing where the kernel cannot tell in one request
  /// (before Linux 6.7).
  private func present(in ranges: [Range<UInt64>]) -> ByteCount {
    guard pageDescriptor >= 0 else { return .zero }
    var sum: UInt64 = 0
    for range in ranges {
      var start = range.lowerBound
      var found = [linux_page_range](repeating: linux_page_range(), count: 64)
      while start < range.upperBound {
        let before = start
        let count = linux_scan_pages(
          pageDescriptor, &start, range.upperBound, &found, UInt(found.count))
        guard count >= 0, start > before else { return ByteCount(Int64(clamping: sum)) }
        for part in found[..<min(count, found.count)]
        where part.categories & UInt64(LINUX_PAGE_PRESENT) != 0 && part.start < part.end {
          sum += part.end - part.start
        }
      }
    }
    return ByteCount(Int64(clamping: sum))
  }
}
