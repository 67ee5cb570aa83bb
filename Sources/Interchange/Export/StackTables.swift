// The tables of call stacks and of figures over time.

import MemoryUnits

/// Writes the frames of call stacks, one record a frame.
public struct FrameTable {
  private var table: TableWriter

  /// Begins the table.
  public init(as form: TableForm, to sink: @escaping ByteSink) {
    table = TableWriter(
      [
        TableColumn("stack"), TableColumn("depth"), TableColumn("address"),
        TableColumn("function"), TableColumn("module"), TableColumn("file"), TableColumn("line"),
      ], as: form, to: sink)
  }

  /// Writes a stack: its locations, innermost first.
  ///
  /// Inlined functions have records of their own, with the address of the function that they are in.
  public mutating func add(stack: UInt32, _ locations: [HeapProfile.Location]) throws {
    var depth = 0
    for location in locations {
      for line in location.lines {
        table.put(stack)
        table.put(depth)
        table.put(location.address)
        table.put(text: line.function)
        table.put(text: line.module.isEmpty ? nil : line.module)
        table.put(text: line.file.isEmpty ? nil : line.file)
        table.put(line.line > 0 ? line.line : nil)
        try table.endRecord()
        depth += 1
      }
    }
  }

  /// Writes what is left.
  public mutating func finish() throws { try table.finish() }
}

/// The heap at one of many moments.
public struct CourseRecord: Sendable, Equatable {
  /// The moment; nil where times are unknown.
  public var nanoseconds: UInt64?
  /// The steps made before it.
  public var steps: UInt64
  /// Bytes that live blocks asked for.
  public var liveBytes: Int64
  /// Blocks that live.
  public var liveBlocks: Int64
  /// Live bytes with headers and rounding; nil where addresses are unknown.
  public var grantedBytes: Int64?
  /// Bytes that the heap has from the system.
  public var heldBytes: Int64?
  /// Held pages that a block covered some of.
  public var touchedBytes: Int64?
  /// Holes.
  public var holes: Int64?
  /// Bytes in all holes.
  public var holeBytes: Int64?
  /// Free bytes at the tops of held ranges.
  public var wildernessBytes: Int64?
  /// Resident bytes of the process that belong to it alone, as the kernel saw them last.
  public var residentBytes: Int64?

  /// A moment of which the live blocks are known.
  public init(nanoseconds: UInt64?, steps: UInt64, liveBytes: Int64, liveBlocks: Int64) {
    self.nanoseconds = nanoseconds
    self.steps = steps
    self.liveBytes = liveBytes
    self.liveBlocks = liveBlocks
  }
}

/// Writes figures over time.
public struct CourseTable {
  private var table: TableWriter

  /// Begins the table.
  public init(as form: TableForm, to sink: @escaping ByteSink) {
    table = TableWriter(
      [
        TableColumn("time_ns", "timeNanoseconds"), TableColumn("steps"),
        TableColumn("live_bytes", "liveBytes"), TableColumn("live_blocks", "liveBlocks"),
        TableColumn("granted_bytes", "grantedBytes"), TableColumn("held_bytes", "heldBytes"),
        TableColumn("touched_bytes", "touchedBytes"), TableColumn("holes"),
        TableColumn("hole_bytes", "holeBytes"),
        TableColumn("wilderness_bytes", "wildernessBytes"),
        TableColumn("resident_bytes", "residentBytes"),
      ], as: form, to: sink)
  }

  /// Writes one moment.
  public mutating func add(_ moment: CourseRecord) throws {
    table.put(moment.nanoseconds)
    table.put(moment.steps)
    table.put(moment.liveBytes)
    table.put(moment.liveBlocks)
    table.put(moment.grantedBytes)
    table.put(moment.heldBytes)
    table.put(moment.touchedBytes)
    table.put(moment.holes)
    table.put(moment.holeBytes)
    table.put(moment.wildernessBytes)
    table.put(moment.residentBytes)
    try table.endRecord()
  }

  /// Writes what is left.
  public mutating func finish() throws { try table.finish() }
}
