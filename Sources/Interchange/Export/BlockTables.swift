// The tables of blocks, holes, figures over time and stacks.

public import MemoryUnits

/// The life of a block: from the event that placed it to the one that freed it or resized it.
public struct BlockRecord: Sendable, Equatable {
  /// The number of this life, from 0 on in the order in which they began.
  public var number: UInt64
  /// The number of the first life of the same block: another one where it was resized.
  public var block: UInt64
  /// The number of the event that began it, from 0 on.
  public var firstEvent: UInt64
  /// The number of the event that ended it; nil where it outlived the trace.
  public var lastEvent: UInt64?
  /// When it began; nil where times are unknown.
  public var began: UInt64?
  /// When it ended; nil where it outlived the trace or times are unknown.
  public var ended: UInt64?
  /// What ended it: `free`, `reallocate`, `abandon`; nil where it outlived the trace.
  public var ending: String?
  /// The thread that asked for it.
  public var thread: UInt32?
  /// The thread that ended it.
  public var endingThread: UInt32?
  /// Where it was.
  public var address: Address?
  /// Bytes asked for.
  public var size: Int64
  /// Bytes that the allocator made usable.
  public var usable: Int64?
  /// The alignment asked for.
  public var alignment: Int64?
  /// The call stack that asked for it.
  public var stack: UInt32?
  /// The function that was called.
  public var function: String?
  /// How many blocks of the program it stands for: 1, or in a sampled trace N or 0.
  public var weight: Int

  /// The life of a block that does not say more than this.
  public init(
    number: UInt64, block: UInt64, firstEvent: UInt64, size: Int64, weight: Int = 1
  ) {
    self.number = number
    self.block = block
    self.firstEvent = firstEvent
    self.size = size
    self.weight = weight
  }
}

/// Writes blocks, one after the other.
public struct BlockTable {
  private var table: TableWriter

  /// Begins the table.
  public init(as form: TableForm, to sink: @escaping ByteSink) {
    table = TableWriter(
      [
        TableColumn("number"), TableColumn("block"), TableColumn("first_event", "firstEvent"),
        TableColumn("last_event", "lastEvent"), TableColumn("began_ns", "beganNanoseconds"),
        TableColumn("ended_ns", "endedNanoseconds"), TableColumn("ending"),
        TableColumn("thread"), TableColumn("ending_thread", "endingThread"),
        TableColumn("address"), TableColumn("size"), TableColumn("usable"),
        TableColumn("alignment"), TableColumn("stack"), TableColumn("function"),
        TableColumn("weight"),
      ], as: form, to: sink)
  }

  /// Writes one block.
  public mutating func add(_ block: BlockRecord) throws {
    table.put(block.number)
    table.put(block.block)
    table.put(block.firstEvent)
    table.put(block.lastEvent)
    table.put(block.began)
    table.put(block.ended)
    table.put(word: block.ending)
    table.put(block.thread)
    table.put(block.endingThread)
    table.put(block.address)
    table.put(block.size)
    table.put(block.usable)
    table.put(block.alignment)
    table.put(block.stack)
    table.put(text: block.function)
    table.put(block.weight)
    try table.endRecord()
  }

  /// Writes what is left.
  public mutating func finish() throws { try table.finish() }
}

/// A free run of the recorded heap at a moment.
public struct HoleRecord: Sendable, Equatable {
  /// What names the moment: `peak`, `end`, `12.5s`.
  public var moment: String
  /// The moment; nil where times are unknown.
  public var nanoseconds: UInt64?
  /// Its first byte.
  public var address: Address
  /// Its length.
  public var size: Int64
  /// Whether it is the free top of a held range, and so no hole.
  public var isWilderness: Bool
  /// Whole pages in it, which could be given back.
  public var wholePages: Int64
  /// The life of the block that ends where the run begins; nil where there is none.
  public var below: UInt64?
  /// The life of the block that begins where the run ends; nil where there is none.
  public var above: UInt64?
  /// The call stack of the block below.
  public var stackBelow: UInt32?
  /// The call stack of the block above.
  public var stackAbove: UInt32?

  /// A run that has no blocks beside it.
  public init(
    moment: String, nanoseconds: UInt64?, address: Address, size: Int64, isWilderness: Bool,
    wholePages: Int64
  ) {
    self.moment = moment
    self.nanoseconds = nanoseconds
    self.address = address
    self.size = size
    self.isWilderness = isWilderness
    self.wholePages = wholePages
  }
}

/// Writes free runs, one after the other.
public struct HoleTable {
  private var table: TableWriter

  /// Begins the table.
  public init(as form: TableForm, to sink: @escaping ByteSink) {
    table = TableWriter(
      [
        TableColumn("moment"), TableColumn("time_ns", "timeNanoseconds"), TableColumn("address"),
        TableColumn("size"), TableColumn("wilderness"), TableColumn("whole_pages", "wholePages"),
        TableColumn("below"), TableColumn("above"), TableColumn("stack_below", "stackBelow"),
        TableColumn("stack_above", "stackAbove"),
      ], as: form, to: sink)
  }

  /// Writes one run.
  public mutating func add(_ hole: HoleRecord) throws {
    table.put(text: hole.moment)
    table.put(hole.nanoseconds)
    table.put(hole.address)
    table.put(hole.size)
    table.put(hole.isWilderness)
    table.put(hole.wholePages)
    table.put(hole.below)
    table.put(hole.above)
    table.put(hole.stackBelow)
    table.put(hole.stackAbove)
    try table.endRecord()
  }

  /// Writes what is left.
  public mutating func finish() throws { try table.finish() }
}
