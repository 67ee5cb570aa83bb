// What the traces of a family are called.

import Glibc

/// Gives each process of a family a trace file of its own.
struct FamilyFiles {
  /// The trace of the first process.
  let first: String
  private var used: Set<String>
  /// Whether the first trace is no file but a device, which all traces go to then.
  private let isDevice: Bool

  init(first: String) {
    self.first = first
    used = [first]
    var status = stat()
    isDevice = stat(first, &status) == 0 && status.st_mode & S_IFMT != S_IFREG
  }

  /// The trace of another process: the first one's name with the process id before the extension,
  /// and a count behind that where the kernel has used the id before.
  mutating func path(process: Int32) -> String {
    guard !isDevice else { return first }
    let name = Self.name(first)
    let directory = first.dropLast(name.count)
    var stem = name[...]
    var suffix: Substring = ""
    // A name that begins with its only dot has no extension.
    if let dot = name.lastIndex(of: "."), dot > name.startIndex {
      stem = name[..<dot]
      suffix = name[dot...]
    }
    var count = 1
    while true {
      let mark = count == 1 ? "\(process)" : "\(process)-\(count)"
      let path = "\(directory)\(stem).\(mark)\(suffix)"
      if used.insert(path).inserted { return path }
      count += 1
    }
  }

  /// The file name without its directories.
  static func name(_ path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }
}
