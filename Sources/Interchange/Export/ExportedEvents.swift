// The table of all events of a trace, one record a step.

public import MemoryUnits

/// One step of a trace as a record; what is not known or makes no sense is nil.
public struct ExportedEvent: Sendable, Equatable {
  /// Since recording began.
  public var nanoseconds: UInt64?
  /// The number of the thread.
  public var thread: UInt32?
  /// What happened: `allocate`, `free`, `reallocate` or the name of another step.
  public var operation: String
  /// The number of the block: the first block of a trace has 0, and a block that is resized keeps
  /// its number.
  public var block: UInt64?
  /// Where the block is, after the event where it begins or is resized; else what the step is about.
  public var address: Address?
  /// Where a block was that is resized.
  public var oldAddress: Address?
  /// Bytes asked for.
  public var size: Int64?
  /// Bytes that the allocator made usable.
  public var usable: Int64?
  /// The alignment asked for.
  public var alignment: Int64?
  /// The number of the call stack.
  public var stack: UInt32?
  /// The function that was called.
  public var function: String?
  /// What a step says that is about no block: the name of a mark, the parameter of an option.
  public var note: String?

  /// A record without values.
  public init(operation: String) { self.operation = operation }
}

/// Writes events, one after the other.
public struct ExportedEventTable {
  /// The names of the columns; `note` is one in JSON only.
  static let columns = [
    TableColumn("time_ns", "timeNanoseconds"), TableColumn("thread"), TableColumn("operation"),
    TableColumn("block"), TableColumn("address"), TableColumn("old_address", "oldAddress"),
    TableColumn("size"), TableColumn("usable"), TableColumn("alignment"), TableColumn("stack"),
    TableColumn("function"),
  ]

  private var table: TableWriter
  private let hasNotes: Bool

  /// Begins the table.
  public init(as form: TableForm, to sink: @escaping ByteSink) {
    hasNotes = form == .ndjson
    let columns = Self.columns + (hasNotes ? [TableColumn("note")] : [])
    table = TableWriter(columns, as: form, to: sink)
  }

  /// Writes one event.
  public mutating func add(_ event: ExportedEvent) throws {
    table.put(event.nanoseconds)
    table.put(event.thread)
    table.put(word: event.operation)
    table.put(event.block)
    table.put(event.address)
    table.put(event.oldAddress)
    table.put(event.size)
    table.put(event.usable)
    table.put(event.alignment)
    table.put(event.stack)
    table.put(text: event.function)
    if hasNotes { table.put(text: event.note) }
    try table.endRecord()
  }

  /// Writes what is left.
  public mutating func finish() throws { try table.finish() }
}
