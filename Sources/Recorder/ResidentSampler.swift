// Asks the kernel now and then how much memory the process has.

import Glibc
import MemoryUnits
import Trace

/// Reads `/proc/PID/statm`: five microseconds a time, nothing that the process would notice.
struct ResidentSampler {
  /// Nanoseconds between two samples.
  static let interval: UInt64 = 50_000_000

  private let descriptor: Int32
  private var due: UInt64 = 0

  init(process: Int32) {
    descriptor = open("/proc/\(process)/statm", O_RDONLY | O_CLOEXEC)
  }

  func close() {
    if descriptor >= 0 { Glibc.close(descriptor) }
  }

  /// A sample, if one is due and the process still has memory.
  mutating func sample(at now: UInt64, time: Timestamp) -> ResidentSample? {
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
      shared: ByteCount(shared * ByteCount.page.int))
  }
}
