// Which format a source is in, from how it begins.

extension ImportSource {
  /// Lines that are looked at.
  private static let lines = 200

  /// The format that the beginning of the source is in; nil where it is like none.
  ///
  /// Nothing is used up.
  public func guessFormat() throws(ImportError) -> ImportFormat? {
    _ = try window.has(1 << 16)
    let bytes = window.bytes
    if let binary = ImportFormat.guess(binary: bytes) { return binary }
    var votes: [ImportFormat: Int] = [:]
    var isFirst = true
    var rest = bytes.prefix(1 << 16)
    for _ in 0..<Self.lines where !rest.isEmpty {
      let end = rest.firstIndex(of: 0x0a) ?? rest.endIndex
      var line = UnsafeBufferPointer(rebasing: rest[rest.startIndex..<end])
      if line.last == 0x0d { line = UnsafeBufferPointer(rebasing: line.dropLast()) }
      rest = rest[min(end + 1, rest.endIndex)...]
      guard let cursor = LineCursor(line), !cursor.isBlank else { continue }
      if isFirst, let format = ImportFormat.guess(firstLine: cursor) { return format }
      isFirst = false
      if let format = ImportFormat.guess(line: cursor) { votes[format, default: 0] += 1 }
    }
    return votes.max { ($0.value, $1.key.rawValue) < ($1.value, $0.key.rawValue) }?.key
  }
}

extension ImportFormat {
  /// A format that is no text.
  fileprivate static func guess(binary bytes: UnsafeBufferPointer<UInt8>) -> ImportFormat? {
    // The head of a workload allocates pointers and, behind a number of at most ten bytes, syncs.
    guard bytes.first == 8, bytes.dropFirst().prefix(11).contains(9) else { return nil }
    return .djWorkload
  }

  /// A format that its first line gives away.
  fileprivate static func guess(firstLine line: LineCursor) -> ImportFormat? {
    var line = line
    if line.take("v "), line.hexadecimal() != nil, line.isAtEnd || line.peek == 0x20 {
      return .heaptrackRaw
    }
    _ = line.take("\u{feff}")
    if line.peek == UInt8(ascii: "{") { return .ndjson }
    let names = line.text.split(separator: ",").map { $0.filter { $0 != "\"" } }
    if names.contains("lower"), names.contains("upper") { return .minimalloc }
    if names.contains("operation"), names.contains("size") { return .csv }
    return nil
  }

  /// The format that a line looks like.
  fileprivate static func guess(line: LineCursor) -> ImportFormat? {
    var line = line
    line.skipSpaces()
    if line.lastIndex(of: "utrace:") != nil { return .jemallocUtrace }
    switch line.peek {
    case UInt8(ascii: "@"), UInt8(ascii: "="):
      if line.isExactly("= Start") || line.take("@ ") { return .mtrace }
      return line.take("==") ? .valgrind : nil
    case UInt8(ascii: "+"), UInt8(ascii: "<"), UInt8(ascii: ">"):
      line.skip(1)
      return line.take(" 0x") ? .mtrace : nil
    case UInt8(ascii: "-"): return guess(dashed: line)
    case UInt8(ascii: "a"), UInt8(ascii: "f"), UInt8(ascii: "r"):
      if guess(repository: line) { return .malloclab }
      return guess(call: line)
    default: return guess(numbered: line)
    }
  }

  private static func guess(dashed line: LineCursor) -> ImportFormat? {
    var line = line
    if line.take("- 0x") { return .mtrace }
    guard line.take("--"), line.decimal() != nil else { return guess(call: line) }
    return .valgrind
  }

  /// `a 0 512`, `f 0`.
  private static func guess(repository line: LineCursor) -> Bool {
    var line = line
    let letter = line.peek
    line.skip(1)
    guard line.take(0x20), line.take("-1") || line.decimal() != nil else { return false }
    return letter == UInt8(ascii: "f") ? line.isBlank : line.spacedNumber() != nil && line.isBlank
  }

  /// Lines that begin with the number of a process or a thread.
  private static func guess(numbered line: LineCursor) -> ImportFormat? {
    let whole = line
    var line = line
    guard line.decimal() != nil else { return guess(call: whole) }
    if line.take(": ") {
      let name = line.identifier()
      guard line.take(" 0x") else { return nil }
      return ["malloc", "free", "calloc", "realloc", "memalign", "thread_done"].contains(name.text)
        ? .android : nil
    }
    line.skipSpaces()
    if guess(repository: line) { return .malloclab }
    if line.decimal() != nil, line.take(0x20) {
      let name = line.identifier()
      if !name.isAtEnd, line.take("(") {
        return line.lastIndex(of: ")=") != nil || line.lastIndex(of: ") ") == nil
          ? .logalloc : .ltrace
      }
    }
    return guess(call: whole)
  }

  /// `malloc(10) = 0x558dd74622a0`, after anything.
  private static func guess(call line: LineCursor) -> ImportFormat? {
    for call: StaticString in ["malloc(", "free(", "calloc(", "realloc("] {
      var rest = line
      if rest.takeThrough(call) { return .ltrace }
    }
    return nil
  }
}
