// The messages of jemalloc's utrace option, as jemalloc itself and FreeBSD's kdump write them.

import MemoryUnits
import Trace

/// Reads what jemalloc says of each request.
///
/// Lines are `<jemalloc>:utrace: 31532 0x800b01000 = malloc(34816)`, `… free(0x800b0a400)`,
/// `… 0x800b35230 = realloc(0x800b35230, 45)` and `… malloc_init()`; kdump writes the same behind
/// `USER`. Every function that allocates is called malloc there.
struct JemallocImporter: LineImporter {
  private let builder: ImportBuilder
  private var process: UInt64?

  init(_ builder: ImportBuilder, _ options: ImportOptions) {
    self.builder = builder
    process = options.processID
    builder.summary.knowledge = SourceKnowledge(addresses: true)
  }

  mutating func read(_ line: LineCursor, number: UInt64) throws(ImportError) -> SkipReason? {
    var line = line
    var owner: UInt64?
    if line.takeThrough("utrace:") {
      var rest = line
      if let id = rest.spacedNumber(), rest.take(0x20), rest.peek != UInt8(ascii: "=") {
        owner = id
        line = rest
      }
    } else {
      owner = line.spacedNumber()
      guard line.takeThrough("USER") else { return .otherOutput }
    }
    line.skipSpaces()
    if line.isExactly("malloc_init()") { return .aside }
    if let owner {
      if process == nil {
        process = owner
        builder.metadata.processID = Int(clamping: owner)
      }
      guard owner == process else { return .otherProcess }
    }
    return request(&line)
  }

  private func request(_ line: inout LineCursor) -> SkipReason? {
    let result = line.number()
    if result != nil {
      line.skipSpaces()
      guard line.take("= ") else { return .malformed }
    }
    let name = line.identifier()
    guard let function = AllocationFunctions.find(name), line.take(0x28),
      let arguments = CallArguments(&line)
    else { return .malformed }
    return builder.called(function, arguments, result: result, thread: builder.onlyThread)
  }
}
