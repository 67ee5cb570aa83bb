// The text of Android's memory_replay, whose traces AOSP publishes.

import MemoryUnits
import Trace

/// Reads the text of memory_replay (AOSP, system/extras/memory_replay).
///
/// `tid: malloc address size`, `tid: calloc address count size`, `tid: realloc new old size`,
/// `tid: memalign address alignment size`, `tid: free address`, `tid: thread_done 0x0`. Recent ones end
/// with the nanoseconds at which a call began and ended. Addresses are those of the recorded device.
struct AndroidImporter: LineImporter {
  private let builder: ImportBuilder

  init(_ builder: ImportBuilder, _ options: ImportOptions) {
    self.builder = builder
    builder.summary.knowledge = SourceKnowledge(addresses: true, threads: true)
  }

  mutating func read(_ line: LineCursor, number: UInt64) throws(ImportError) -> SkipReason? {
    var line = line
    guard let id = line.spacedNumber(), line.take(0x3a) else { return .malformed }
    line.skipSpaces()
    let name = line.identifier()
    guard let address = line.spacedNumber() else { return .malformed }
    if name.isExactly("thread_done") { return .aside }
    if name.isExactly("free") {
      guard setTime(&line, ofEnd: false) else { return .malformed }
      guard address != 0 else { return .withoutEffect }
      builder.free(Address(address), thread: builder.thread(id))
      return nil
    }
    guard let first = line.spacedNumber() else { return .malformed }
    if name.isExactly("malloc") {
      guard setTime(&line, ofEnd: true) else { return .malformed }
      return builder.granted(address, first, .malloc, thread: builder.thread(id))
    }
    guard let second = line.spacedNumber(), setTime(&line, ofEnd: true) else { return .malformed }
    let thread = builder.thread(id)
    if name.isExactly("calloc") {
      let (size, overflow) = first.multipliedReportingOverflow(by: second)
      return overflow ? .outOfRange : builder.granted(address, size, .calloc, thread: thread)
    }
    if name.isExactly("realloc") {
      return builder.resized(first, to: address, second, .realloc, thread: thread)
    }
    guard name.isExactly("memalign") else { return .malformed }
    return builder.granted(address, second, .memalign, alignment: first, thread: thread)
  }

  /// Reads the two times, where they are there: a block ends when the call begins, and begins when it
  /// ends.
  private func setTime(_ line: inout LineCursor, ofEnd: Bool) -> Bool {
    if line.isBlank { return true }
    guard let start = line.spacedNumber(), let end = line.spacedNumber(), line.isBlank else {
      return false
    }
    builder.setTime(ofEnd ? end : start)
    return true
  }
}
