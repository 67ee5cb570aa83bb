// What glibc's mtrace() writes.

import MemoryUnits
import Trace

/// Reads the text of glibc's `mtrace` (malloc/mtrace.c).
///
/// `@ object:(function+offset)[0xpc] ` says where the call came from, and then: `+ 0xaddress 0xsize`
/// an allocation; `- 0xaddress` a free; `< 0xold` and `> 0xnew 0xsize` the two halves of a
/// reallocation; `! 0xaddress 0xsize` one that was refused. Lines with `=` mark start and end.
///
/// The pc is relative to the object since glibc 2.35, and absolute before.
struct MtraceImporter: LineImporter {
  private let builder: ImportBuilder
  private var places: MtracePlaces
  /// The first half of a reallocation.
  private var old: (address: UInt64, line: UInt64)?

  init(_ builder: ImportBuilder, _ options: ImportOptions) {
    self.builder = builder
    places = MtracePlaces(builder.writer)
    builder.summary.knowledge = SourceKnowledge(addresses: true, stacks: true)
    builder.assumeGlibc("")
    builder.note("mtrace knows of each call stack the caller of malloc only")
  }

  mutating func read(_ line: LineCursor, number: UInt64) throws(ImportError) -> SkipReason? {
    var line = line
    if line.take("=") { return .aside }
    var node: UInt32 = 0
    if line.take("@ ") {
      guard let place = places.node(&line) else { return .malformed }
      node = place
    }
    guard let operation = line.peek else { return .malformed }
    line.skip(1)
    guard line.take(0x20), let address = line.number() else { return .malformed }
    if operation != UInt8(ascii: ">"), let old {
      // The second half is missing.
      self.old = nil
      builder.free(Address(old.address), thread: builder.onlyThread)
      builder.skip(old.line, .unfinished)
    }
    switch operation {
    case UInt8(ascii: "-"):
      guard address != 0 else { return .withoutEffect }
      builder.free(Address(address), thread: builder.onlyThread)
    case UInt8(ascii: "<"): old = (address, number)
    case UInt8(ascii: "+"), UInt8(ascii: ">"), UInt8(ascii: "!"):
      guard let size = line.spacedNumber() else { return .malformed }
      return block(operation, address, size, node)
    default: return .malformed
    }
    return nil
  }

  private mutating func block(
    _ operation: UInt8, _ address: UInt64, _ size: UInt64, _ node: UInt32
  ) -> SkipReason? {
    guard operation != UInt8(ascii: "!"), address != 0 else { return .withoutEffect }
    guard size <= ImportBuilder.largestSize else { return .outOfRange }
    let stack = builder.writer.stack(
      node: node, entry: operation == UInt8(ascii: "+") ? .unknown : .realloc)
    if operation == UInt8(ascii: ">"), let old {
      self.old = nil
      builder.reallocate(
        Address(old.address), to: Address(address), size, stack: stack,
        thread: builder.onlyThread)
    } else {
      builder.allocate(Address(address), size, stack: stack, thread: builder.onlyThread)
    }
    return nil
  }

  mutating func finish() throws(ImportError) {
    guard let old else { return }
    builder.free(Address(old.address), thread: builder.onlyThread)
    builder.skip(old.line, .unfinished)
  }
}
