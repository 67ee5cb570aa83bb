// The log of Firefox's logalloc, before and after logalloc_munge.py.

import MemoryUnits
import Trace

/// Reads lines such as `18545 18545 malloc(32)=0x7f90495120e0` (mozilla-central,
/// memory/replace/logalloc/README): process, thread, call, result.
///
/// In munged logs blocks are slots, `#1`, and addresses are not known. The oldest logs have no thread.
struct LogallocImporter: LineImporter {
  private let builder: ImportBuilder
  private var process: UInt64?

  init(_ builder: ImportBuilder, _ options: ImportOptions) {
    self.builder = builder
    process = options.processID
    builder.summary.knowledge = SourceKnowledge()
  }

  mutating func read(_ line: LineCursor, number: UInt64) throws(ImportError) -> SkipReason? {
    var line = line
    guard let process = line.spacedNumber() else { return .otherOutput }
    line.skipSpaces()
    let thread = line.decimal()
    line.skipSpaces()
    let name = line.identifier()
    guard !name.isAtEnd, line.take(0x28) else { return .otherOutput }
    if self.process == nil {
      self.process = process
      builder.metadata.processID = Int(clamping: process)
    }
    guard process == self.process else { return .otherProcess }
    guard let function = AllocationFunctions.find(name) else { return .aside }
    guard let call = Call(&line) else { return .malformed }
    if thread != nil { builder.summary.knowledge.threads = true }
    let index = thread.map { builder.thread($0) } ?? builder.onlyThread
    if call.usesSlots { return slots(function, call, index) }
    if call.arguments.count > 0 { builder.summary.knowledge.addresses = true }
    return builder.called(function, call.arguments, result: call.result, thread: index)
  }

  /// What stands between and behind the parentheses.
  private struct Call {
    var arguments = CallArguments()
    var result: UInt64?
    var usesSlots = false

    init?(_ line: inout LineCursor) {
      while !line.take(0x29) {
        if line.take(0x23) { usesSlots = true }
        guard let value = line.number() else { return nil }
        arguments.append(value)
        guard line.take(0x2c) || line.peek == 0x29 else { return nil }
      }
      guard line.take(0x3d) else { return }
      if line.take(0x23) { usesSlots = true }
      guard let value = line.number() else { return nil }
      result = value
    }
  }

  private func slots(
    _ function: EntryPoint, _ call: Call, _ thread: ThreadIndex
  ) -> SkipReason? {
    let first = call.arguments[0]
    if function == .free {
      guard call.arguments.count > 0, first != 0 else { return .withoutEffect }
      return builder.free(block: first, thread: thread)
    }
    guard let slot = call.result, slot != 0 else {
      guard function == .realloc, call.arguments[1] == 0 else { return .withoutEffect }
      return builder.free(block: first, thread: thread)
    }
    let second = call.arguments[1]
    let stack = builder.stack(function)
    switch function {
    case .realloc where builder.knows(block: first):
      return builder.reallocate(
        block: first, to: slot, second, stack: stack, thread: thread)
    case .realloc:
      return builder.allocate(block: slot, second, stack: stack, thread: thread)
    case .calloc:
      let (size, overflow) = first.multipliedReportingOverflow(by: second)
      guard !overflow else { return .outOfRange }
      return builder.allocate(block: slot, size, stack: stack, thread: thread)
    case .memalign, .posixMemalign, .alignedAlloc:
      return builder.allocate(
        block: slot, second, alignment: first, stack: stack, thread: thread)
    default:
      return builder.allocate(block: slot, first, stack: stack, thread: thread)
    }
  }
}
