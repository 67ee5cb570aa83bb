// The traces of the malloc lab of CS:APP (Bryant and O'Hallaron), and of the courses that use it.

import Trace

/// Reads `.rep` files.
///
/// A head of three or four numbers, one a line (a heap size that nobody uses, blocks, requests, and
/// a weight), then requests: `a id size`, `r id size`, `f id`, where `f -1` frees nothing. Course
/// variants put the number of the thread before the request and know `s` (a block that is checked)
/// and comments after `#`.
struct MalloclabImporter: LineImporter {
  private let builder: ImportBuilder
  private var hasRequests = false

  init(_ builder: ImportBuilder, _ options: ImportOptions) {
    self.builder = builder
    builder.summary.knowledge = SourceKnowledge()
  }

  mutating func read(_ line: LineCursor, number: UInt64) throws(ImportError) -> SkipReason? {
    var line = line
    line.skipSpaces()
    if line.peek == UInt8(ascii: "#") { return .aside }
    var thread = builder.onlyThread
    if let first = line.decimal() {
      if line.isBlank { return hasRequests ? .malformed : .aside }
      guard let named = self.thread(first, &line) else { return hasRequests ? .malformed : .aside }
      thread = named
    }
    return request(&line, thread)
  }

  /// The thread before a request; nil where no request follows.
  private func thread(_ number: UInt64, _ line: inout LineCursor) -> ThreadIndex? {
    line.skipSpaces()
    guard let letter = line.peek, [0x61, 0x72, 0x66].contains(letter) else { return nil }
    builder.summary.knowledge.threads = true
    return builder.thread(number)
  }

  private mutating func request(
    _ line: inout LineCursor, _ thread: ThreadIndex
  ) -> SkipReason? {
    guard let letter = line.peek else { return .malformed }
    line.skip(1)
    line.skipSpaces()
    if letter == UInt8(ascii: "f"), line.take("-1") { return .withoutEffect }
    guard let block = line.decimal() else { return .malformed }
    if letter == UInt8(ascii: "f") {
      guard line.isBlank else { return .malformed }
      hasRequests = true
      return builder.free(block: block, thread: thread)
    }
    guard letter == UInt8(ascii: "a") || letter == UInt8(ascii: "r"),
      let size = line.spacedNumber(), line.isBlank
    else { return .malformed }
    guard size <= ImportBuilder.largestSize else { return .outOfRange }
    hasRequests = true
    guard letter == UInt8(ascii: "r") else {
      return builder.allocate(
        block: block, size, stack: builder.stack(.malloc), thread: thread)
    }
    // The drivers resize a block that is not there as realloc(NULL, size) does.
    guard builder.knows(block: block) else {
      return builder.allocate(
        block: block, size, stack: builder.stack(.realloc), thread: thread)
    }
    return builder.reallocate(
      block: block, to: block, size, stack: builder.stack(.realloc), thread: thread)
  }
}
