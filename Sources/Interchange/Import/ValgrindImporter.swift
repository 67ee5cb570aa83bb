// The output of `valgrind --trace-malloc=yes`, for all tools that replace malloc.

import MemoryUnits
import Trace

/// Reads `--19733-- realloc(0x4A41090,29) = 0x4A4B770` and its like
/// (coregrind/m_replacemalloc/vg_replace_malloc.c).
///
/// `free(0x4A41040)` has no result; `memalign(al 64, size 200)` names its arguments;
/// `realloc(0x0,33)malloc(33) = 0x…` and `realloc(0x…,0)free(0x…)` say what is done instead. With
/// `--time-stamp=yes` the number of the process stands behind a time. The addresses are those of
/// valgrind's own heap, with red zones between the blocks.
struct ValgrindImporter: LineImporter {
  private let builder: ImportBuilder
  private var process: UInt64?

  init(_ builder: ImportBuilder, _ options: ImportOptions) {
    self.builder = builder
    process = options.processID
    builder.summary.knowledge = SourceKnowledge(addresses: true)
    builder.note("the addresses are those of valgrind's own heap, with red zones between blocks")
  }

  mutating func read(_ line: LineCursor, number: UInt64) throws(ImportError) -> SkipReason? {
    var line = line
    guard line.take("--") else {
      noteCommand(line)
      return .otherOutput
    }
    let time = timestamp(&line)
    guard let owner = line.decimal(), line.take("-- ") else { return .otherOutput }
    let name = line.identifier()
    // What ends a realloc of no bytes is a line of its own, without a call.
    if line.isExactly(" = 0") { return .aside }
    guard let function = AllocationFunctions.find(name), line.take(0x28) else {
      return .otherOutput
    }
    if process == nil {
      process = owner
      builder.metadata.processID = Int(clamping: owner)
    }
    guard owner == process else { return .otherProcess }
    if let time { builder.setTime(time) }
    return call(function, &line)
  }

  private func call(_ function: EntryPoint, _ line: inout LineCursor) -> SkipReason? {
    guard let arguments = CallArguments(&line) else { return .malformed }
    if let other = line.peek, other != 0x20 {
      let name = line.identifier()
      guard let instead = AllocationFunctions.find(name), line.take(0x28) else { return .malformed }
      return call(instead, &line)
    }
    var result: UInt64?
    if line.take(" = ") {
      guard let value = line.number() else { return .malformed }
      result = value
    }
    return builder.called(function, arguments, result: result, thread: builder.onlyThread)
  }

  /// `00:00:00:01.234 `: days, hours, minutes and seconds since the start, in nanoseconds.
  private func timestamp(_ line: inout LineCursor) -> UInt64? {
    var rest = line
    var seconds: UInt64 = 0
    for unit: UInt64 in [86400, 3600, 60] {
      guard let value = rest.decimal(), value < 100_000, rest.take(0x3a) else { return nil }
      seconds += value * unit
    }
    guard let value = rest.decimal(), value < 100, rest.take(0x2e),
      let milliseconds = rest.decimal(), milliseconds < 1000, rest.take(0x20)
    else { return nil }
    line = rest
    return ((seconds + value) * 1000 + milliseconds) * 1_000_000
  }

  /// `==19733== Command: ./small`.
  private func noteCommand(_ line: LineCursor) {
    var line = line
    guard builder.metadata.command.isEmpty, line.take("=="), line.takeThrough("== Command: ") else {
      return
    }
    builder.metadata.command = line.text.split(separator: " ").map(String.init)
  }
}
