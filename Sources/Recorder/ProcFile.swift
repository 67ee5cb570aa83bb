// Reading the small files under /proc.

import Glibc

enum ProcFile {
  /// The whole text of a file of at most 1 MiB.
  static func read(_ path: String) throws(RecorderError) -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system("cannot read \(path)", errno) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16384)
    while bytes.count < 1 << 20 {
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

  /// The name of a thread, as it calls itself; empty when it has ended.
  static func threadName(process: Int32, thread: Int32) -> String {
    guard let text = try? read("/proc/\(process)/task/\(thread)/comm") else { return "" }
    return String(text.prefix(while: { $0 != "\n" }))
  }
}
