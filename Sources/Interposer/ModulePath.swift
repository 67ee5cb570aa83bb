// The path of a module: the loader keeps what the program named, which may begin here or there.

import InterposerEntry

enum ModulePath {
  /// Writes the path, with the directory that the process is in before a relative one.
  ///
  /// A name without any slash is none of a file.
  static func write(_ path: UnsafePointer<CChar>, to buffer: UnsafeMutableRawBufferPointer) {
    guard path[0] != slash, hasSlash(path) else {
      _ = copy(path, into: buffer)
      return
    }
    let name: StaticString = "/proc/self/cwd"
    let read = systemCall(
      SystemCall.readlink, Int(bitPattern: name.utf8Start),
      Int(bitPattern: buffer.baseAddress.unsafelyUnwrapped), buffer.count)
    guard read > 0, read &+ 2 < buffer.count else {
      _ = copy(path, into: buffer)
      return
    }
    buffer[read] = UInt8(bitPattern: slash)
    let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[(read &+ 1)...])
    _ = copy(withoutDot(path), into: rest)
  }

  /// Whether `path` was written there; from another directory, perhaps.
  static func isSame(_ written: UnsafeRawBufferPointer, _ path: UnsafePointer<CChar>) -> Bool {
    let name = path[0] == slash ? path : withoutDot(path)
    let length = count(name)
    var end = 0
    while end < written.count, written[end] != 0 { end &+= 1 }
    // What was too long for the table was cut.
    if end &+ 1 >= written.count { return true }
    guard length <= end else { return false }
    for i in 0..<length
    where written[end &- length &+ i] != UInt8(bitPattern: name[i]) { return false }
    return length == end || path[0] != slash
  }

  private static let slash: CChar = 0x2f
  private static let dot: CChar = 0x2e

  private static func count(_ path: UnsafePointer<CChar>) -> Int {
    var i = 0
    while path[i] != 0 { i &+= 1 }
    return i
  }

  private static func hasSlash(_ path: UnsafePointer<CChar>) -> Bool {
    var i = 0
    while path[i] != 0 {
      if path[i] == slash { return true }
      i &+= 1
    }
    return false
  }

  private static func withoutDot(_ path: UnsafePointer<CChar>) -> UnsafePointer<CChar> {
    path[0] == dot && path[1] == slash ? path + 2 : path
  }
}
