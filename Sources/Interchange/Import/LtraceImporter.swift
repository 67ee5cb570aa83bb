// The output of ltrace.

import MemoryUnits
import Trace

/// Reads calls such as `[pid 20024] 0.000211 [0x55e62a06] small->malloc(24) = 0x55e62a064eb0 <0.0001>`.
///
/// Before a call may stand: the thread (`-f`), a time (`-r`, `-t`, `-tt`, `-ttt`), the address that it
/// returns to (`-i`), and the object that calls. A call that other threads interrupt is in two parts,
/// `malloc(100 <unfinished ...>` and `<... malloc resumed> ) = 0x7f4304000b70`.
///
/// ltrace sees the calls of the objects that it was told to watch, by default of the executable only.
/// It does not show what posix_memalign returned, and says of threads and processes the same.
struct LtraceImporter: LineImporter {
  /// More calls than this are not under way at a time.
  private static let maximumUnfinished = 1 << 16

  private struct Unfinished {
    var function: EntryPoint
    var arguments: CallArguments
    var node: UInt32
    var line: UInt64
  }

  private let builder: ImportBuilder
  private var prefixes = LtracePrefixes()
  private var unfinished: [UInt64: Unfinished] = [:]
  private var nodes: [UInt64: UInt32] = [:]

  init(_ builder: ImportBuilder, _ options: ImportOptions) {
    self.builder = builder
    builder.summary.knowledge = SourceKnowledge(addresses: true)
    builder.note("ltrace sees calls of the executable only, unless it was told otherwise with -e")
  }

  mutating func read(_ line: LineCursor, number: UInt64) throws(ImportError) -> SkipReason? {
    var line = line
    let prefix = prefixes.read(&line)
    if line.take("<... ") { return resume(&line, prefix) }
    let name = line.functionName()
    guard line.take(0x28) else { return .otherOutput }
    guard let function = AllocationFunctions.find(name) else { return .otherOutput }
    guard let arguments = CallArguments(ltrace: &line) else { return .malformed }
    apply(prefix)
    let node = node(prefix)
    if line.take("<unfinished") {
      guard unfinished.count < Self.maximumUnfinished else { return .unfinished }
      // A block ends when its release begins: its address may be handed out before the call is over.
      if function.rawValue >= EntryPoint.free.rawValue {
        return end(function, arguments, nil, node, prefix)
      }
      let call = Unfinished(function: function, arguments: arguments, node: node, line: number)
      if let lost = unfinished.updateValue(call, forKey: prefix.thread ?? 0) {
        builder.skip(lost.line, .unfinished)
      }
      return nil
    }
    return end(function, arguments, line.ltraceResult(), node, prefix)
  }

  private mutating func resume(
    _ line: inout LineCursor, _ prefix: LtracePrefixes.Prefix
  ) -> SkipReason? {
    let name = line.functionName()
    guard line.take(" resumed>") else { return .otherOutput }
    guard let function = AllocationFunctions.find(name) else { return .otherOutput }
    // The release was taken note of when it began.
    guard function.rawValue < EntryPoint.free.rawValue else { return nil }
    guard let call = unfinished[prefix.thread ?? 0], call.function == function else {
      return .unfinished
    }
    unfinished[prefix.thread ?? 0] = nil
    apply(prefix)
    return end(function, call.arguments, line.ltraceResult(), call.node, prefix)
  }

  private func end(
    _ function: EntryPoint, _ arguments: CallArguments, _ result: UInt64?, _ node: UInt32,
    _ prefix: LtracePrefixes.Prefix
  ) -> SkipReason? {
    if function == .posixMemalign { return result == 0 ? .hiddenAddress : .withoutEffect }
    return builder.called(
      function, arguments, result: result, node: node,
      thread: prefix.thread.map { builder.thread($0) } ?? builder.onlyThread)
  }

  private func apply(_ prefix: LtracePrefixes.Prefix) {
    if let time = prefix.nanoseconds { builder.setTime(time) }
    if prefix.thread != nil { builder.summary.knowledge.threads = true }
  }

  private mutating func node(_ prefix: LtracePrefixes.Prefix) -> UInt32 {
    guard let address = prefix.returnAddress else { return 0 }
    builder.summary.knowledge.stacks = true
    if let known = nodes[address] { return known }
    let node = builder.writer.node(
      parent: 0, returnAddress: address, image: 0, generation: 0xffff)
    nodes[address] = node
    return node
  }

  mutating func finish() throws(ImportError) {
    for call in unfinished.values.sorted(by: { $0.line < $1.line }) {
      builder.skip(call.line, .unfinished)
    }
  }
}

extension CallArguments {
  /// Reads numbers up to the closing parenthesis, or up to `<unfinished ...>`, which is not passed.
  fileprivate init?(ltrace line: inout LineCursor) {
    self.init()
    while true {
      line.skipSpaces()
      if line.take(0x29) { return }
      if line.peek == 0x3c { return }
      if let value = line.number() {
        append(value)
      } else {
        guard line.peek != nil else { return nil }
        line.skip(1)
      }
    }
  }
}

extension LineCursor {
  /// `malloc`, without the object that calls (`app->`) and the one that answers (`@libc.so.6`).
  fileprivate mutating func functionName() -> LineCursor {
    var rest = self
    var call = rest.field(endedBy: 0x28)
    if call.takeThrough("->") { skip(count - call.count - rest.count) }
    let name = identifier()
    if take(0x40) { _ = field(endedBy: 0x28) }
    return name
  }

  /// The number behind `=`; nil where there is none, as of a function without result.
  fileprivate mutating func ltraceResult() -> UInt64? {
    guard takeThrough("= ") else { return nil }
    return number()
  }
}
