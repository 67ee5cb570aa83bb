// Lacuna's own table of events: what `lacuna export --to csv` and `--to ndjson` write.

import MemoryUnits
import Trace

/// One event of the table; what is not told is nil.
struct EventRecord {
  var time: UInt64?
  var thread: UInt64?
  var operation: Operation?
  var block: UInt64?
  var address: UInt64?
  var oldAddress: UInt64?
  var size: UInt64?
  var usable: UInt64?
  var alignment: UInt64?
  var hasStack = false
  var function: EntryPoint = .unknown

  /// What the table says happened.
  enum Operation {
    case allocate, free, reallocate
    /// The first half of a reallocation between whose halves other steps lie.
    case reallocateBegin
    /// A block ended without a request: its address is handed out again next, or the program image
    /// was replaced.
    case abandon
    /// A step that is no request.
    case aside
  }
}

/// Appends the events of a table to a trace.
struct EventTable {
  private let builder: ImportBuilder
  private var saidStacks = false
  /// The address of a block that was abandoned in the line before.
  private var abandoned: UInt64?
  /// Whether the line before said that the program image was replaced.
  private var isReplacing = false

  init(_ builder: ImportBuilder) {
    self.builder = builder
    builder.summary.knowledge = SourceKnowledge()
  }

  /// The columns in the order in which they are written.
  static let columns = [
    "time_ns", "thread", "operation", "block", "address", "old_address", "size", "usable",
    "alignment", "stack", "function",
  ]

  mutating func add(_ record: EventRecord) -> SkipReason? {
    guard let operation = record.operation else { return .malformed }
    if let time = record.time { builder.setTime(time) }
    noteAbandoned(before: record, operation)
    if operation == .aside { return .aside }
    if operation == .abandon { return abandon(record) }
    if record.hasStack, !saidStacks {
      saidStacks = true
      builder.note("the table numbers the call stacks and does not hold them: they are left out")
    }
    guard (record.size ?? 0) <= ImportBuilder.largestSize else { return .outOfRange }
    var thread = builder.onlyThread
    if let id = record.thread {
      thread = builder.thread(id)
      builder.summary.knowledge.threads = true
    }
    if record.address != nil { builder.summary.knowledge.addresses = true }
    return record.address == nil
      ? byNumber(record, operation, thread) : byAddress(record, operation, thread)
  }

  /// A program image is replaced with all its blocks; a block whose address is handed out again is
  /// alone, and the trace says so by itself.
  private mutating func noteAbandoned(
    before record: EventRecord, _ operation: EventRecord.Operation
  ) {
    defer { if operation != .abandon { isReplacing = false } }
    guard let address = abandoned else { return }
    abandoned = nil
    let isReused = [.allocate, .reallocate].contains(operation) && record.address == address
    if !isReused { replaceImage() }
  }

  private mutating func abandon(_ record: EventRecord) -> SkipReason? {
    guard let address = record.address else { return .aside }
    if !isReplacing { abandoned = address }
    return nil
  }

  private mutating func replaceImage() {
    guard !isReplacing else { return }
    isReplacing = true
    builder.writer.replaceImage(time: builder.now)
  }

  /// Does what the last line left open.
  mutating func finish() {
    if abandoned != nil { replaceImage() }
  }

  private func byAddress(
    _ record: EventRecord, _ operation: EventRecord.Operation, _ thread: ThreadIndex
  ) -> SkipReason? {
    guard let address = record.address.map({ Address($0) }) else { return .malformed }
    if operation == .free {
      builder.free(address, entry: record.function, thread: thread)
      return nil
    }
    if operation == .reallocateBegin {
      builder.reallocateBegin(address, thread: thread)
      return nil
    }
    guard let size = record.size else { return .malformed }
    let stack = builder.stack(record.function)
    if operation == .reallocate {
      builder.reallocate(
        record.oldAddress.map { Address($0) }, to: address, size, usable: record.usable,
        stack: stack, thread: thread)
    } else {
      builder.allocate(
        address, size, usable: record.usable, alignment: record.alignment ?? 0, stack: stack,
        thread: thread)
    }
    return nil
  }

  private func byNumber(
    _ record: EventRecord, _ operation: EventRecord.Operation, _ thread: ThreadIndex
  ) -> SkipReason? {
    guard let block = record.block else { return .malformed }
    if operation == .free || operation == .reallocateBegin {
      return builder.free(block: block, entry: record.function, thread: thread)
    }
    guard let size = record.size else { return .malformed }
    let stack = builder.stack(record.function)
    if operation == .reallocate, builder.knows(block: block) {
      return builder.reallocate(
        block: block, to: block, size, usable: record.usable, stack: stack, thread: thread)
    }
    return builder.allocate(
      block: block, size, usable: record.usable, alignment: record.alignment ?? 0, stack: stack,
      thread: thread)
  }
}

extension EventRecord.Operation {
  /// The operation that the table calls so.
  init(_ name: LineCursor) {
    if name.isExactly("allocate") {
      self = .allocate
    } else if name.isExactly("free") {
      self = .free
    } else if name.isExactly("reallocate") {
      self = .reallocate
    } else if name.isExactly("reallocateBegin") {
      self = .reallocateBegin
    } else if name.isExactly("abandon") {
      self = .abandon
    } else {
      self = .aside
    }
  }
}

/// The functions by their names, as tables write them.
struct FunctionNames {
  private var functions: [String: EntryPoint] = [:]
  private var last: (name: [UInt8], entry: EntryPoint)?

  init() { for entry in EntryPoint.allCases { functions[entry.name] = entry } }

  /// The function of that name; unknown where there is none.
  mutating func find(_ name: LineCursor) -> EntryPoint {
    let bytes = UnsafeBufferPointer(start: name.next, count: name.count)
    if let last, last.name.elementsEqual(bytes) { return last.entry }
    let entry = functions[name.text] ?? .unknown
    last = (Array(bytes), entry)
    return entry
  }
}
