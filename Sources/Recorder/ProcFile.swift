// Reading the small files under /proc.

import Glibc

enum ProcFile {
  /// The text of a file, up to some kilobytes beyond the limit.
  static func read(_ path: String, limit: Int = 1 << 20) throws(RecorderError) -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system("cannot read \(path)", errno) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16384)
    while bytes.count < limit {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      guard count > 0 else { break }
      bytes.append(contentsOf: buffer[..<count])
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The program and its arguments, as the kernel got them; nil when the process is gone.
  static func command(process: Int32) -> [String]? {
    guard let text = try? read("/proc/\(process)/cmdline"), !text.isEmpty else { return nil }
    let words = text.utf8.split(separator: 0, omittingEmptySubsequences: false)
    return words.dropLast().map { String(decoding: $0, as: UTF8.self) }
  }

  /// What a thread calls itself, and how many nanoseconds it has lived at least; nil when it has
  /// ended.
  ///
  /// The kernel counts the start in hundredths of a second since boot (proc(5), "starttime"): the
  /// age given is that of a thread that began at the end of its hundredth.
  static func threadStatus(process: Int32, thread: Int32) -> (name: String, age: UInt64)? {
    guard let text = try? read("/proc/\(process)/task/\(thread)/stat"),
      let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")"), open < close
    else { return nil }
    // The third field is the first behind the name.
    let fields = text[text.index(after: close)...].split(separator: " ")
    guard fields.count > 19, let start = UInt64(fields[19]), start < UInt64.max / 20_000_000 else {
      return nil
    }
    var sinceBoot = timespec()
    clock_gettime(CLOCK_BOOTTIME, &sinceBoot)
    let now = UInt64(sinceBoot.tv_sec) * 1_000_000_000 + UInt64(sinceBoot.tv_nsec)
    let hundredth = UInt64(1_000_000_000 / max(1, sysconf(Int32(_SC_CLK_TCK))))
    let age = now &- min(now, (start + 1) * hundredth)
    return (String(text[text.index(after: open)..<close]), age)
  }

  /// The name of a thread, as it calls itself; empty when it has ended.
  static func threadName(process: Int32, thread: Int32) -> String {
    guard let text = try? read("/proc/\(process)/task/\(thread)/comm") else { return "" }
    return String(text.prefix(while: { $0 != "\n" }))
  }
}
