// A trace as a SQLite database.

public import MemoryUnits

/// Writes what a trace knows into the tables of a new database.
///
/// Everything happens in transactions of 200,000 rows, with statements that are prepared once; what
/// was written is in the file and not in memory.
/// - Complexity: O(log n) a row.
public final class TraceDatabase {
  private static let rowsInTransaction = 200_000

  private let file: SQLiteFile
  private var rows = 0
  private let events: SQLiteInserter
  private let blocks: SQLiteInserter
  private let holes: SQLiteInserter
  private let series: SQLiteInserter
  private let samples: SQLiteInserter
  private let marks: SQLiteInserter
  private let threads: SQLiteInserter
  private let meta: SQLiteInserter
  private let moments: SQLiteInserter

  /// Makes the file with empty tables.
  public init(path: String) throws {
    file = try SQLiteFile(path: path)
    try file.run(TraceDatabaseSchema.tables)
    events = try file.inserter(into: "events", columns: 11)
    blocks = try file.inserter(into: "blocks", columns: 16)
    holes = try file.inserter(into: "holes", columns: 8)
    series = try file.inserter(into: "series", columns: 11)
    samples = try file.inserter(into: "samples", columns: 4)
    marks = try file.inserter(into: "marks", columns: 4)
    threads = try file.inserter(into: "threads", columns: 5)
    meta = try file.inserter(into: "meta", columns: 2)
    moments = try file.inserter(into: "moments", columns: 4)
    try file.run("BEGIN")
  }

  /// Adds a fact about the whole trace.
  public func add(key: String, _ text: String) throws { try meta.add(.text(key), .text(text)) }

  /// Adds a number about the whole trace.
  public func add(key: String, _ number: Int64) throws {
    try meta.add(.text(key), .integer(number))
  }

  /// Adds a thread.
  public func add(thread id: UInt32, kernelID: Int32, name: String, lived: (UInt64?, UInt64?))
    throws
  {
    try threads.add(
      .integer(id), .integer(Int64(kernelID)), .name(name), .integer(lived.0), .integer(lived.1))
  }

  /// Adds a step, in order.
  public func add(_ event: ExportedEvent, block: UInt64?, ended: UInt64?, id: UInt64) throws {
    try events.add(
      .integer(id), .integer(event.nanoseconds), .integer(event.thread), .text(event.operation),
      .integer(block), .integer(ended), .address(event.address), .integer(event.size),
      .integer(event.stack), .text(event.function), .text(event.note))
    try settle()
  }

  /// Adds the life of a block.
  public func add(_ block: BlockRecord) throws {
    try blocks.add(
      .integer(block.number), .integer(block.block), .integer(block.firstEvent),
      .integer(block.lastEvent), .integer(block.began), .integer(block.ended),
      .text(block.ending), .integer(block.thread), .integer(block.endingThread),
      .address(block.address), .integer(block.size), .integer(block.usable),
      .integer(block.alignment), .integer(block.stack), .text(block.function),
      .integer(block.weight))
    try settle()
  }

  /// Adds a moment that was asked for.
  public func add(moment id: Int, name: String, nanoseconds: UInt64?, steps: UInt64) throws {
    try moments.add(.integer(id), .text(name), .integer(nanoseconds), .integer(steps))
  }

  /// Adds a free run at a moment.
  public func add(_ hole: HoleRecord, moment: Int) throws {
    try holes.add(
      .null, .integer(moment), .address(hole.address), .integer(hole.size),
      .integer(hole.isWilderness ? 1 : 0), .integer(hole.wholePages), .integer(hole.below),
      .integer(hole.above))
    try settle()
  }

  /// Adds the figures of a moment.
  public func add(_ moment: CourseRecord) throws {
    try series.add(
      .null, .integer(moment.nanoseconds), .integer(moment.steps), .integer(moment.liveBytes),
      .integer(moment.liveBlocks), .integer(moment.grantedBytes), .integer(moment.heldBytes),
      .integer(moment.touchedBytes), .integer(moment.holes), .integer(moment.holeBytes),
      .integer(moment.wildernessBytes))
  }

  /// Adds what the kernel said at a moment.
  public func add(sampleAt nanoseconds: UInt64, resident: ByteCount, shared: ByteCount) throws {
    try samples.add(
      .null, .integer(nanoseconds), .integer(resident.rawValue), .integer(shared.rawValue))
  }

  /// Adds a moment that the program named.
  public func add(mark id: Int, nanoseconds: UInt64?, thread: UInt32?, name: String) throws {
    try marks.add(.integer(id), .integer(nanoseconds), .integer(thread), .text(name))
  }

  /// Adds indexes and views; the file is complete then.
  public func finish() throws {
    try file.run("COMMIT; BEGIN")
    try file.run(TraceDatabaseSchema.viewsAndIndexes)
    try file.run("PRAGMA user_version=\(TraceDatabaseSchema.version); COMMIT")
  }

  private func settle() throws {
    rows += 1
    guard rows % Self.rowsInTransaction == 0 else { return }
    try file.run("COMMIT; BEGIN")
  }
}

/// The stacks of a trace with their names.
extension TraceDatabase {
  /// A call stack.
  public struct Stack: Sendable {
    /// Its number in the trace.
    public var id: UInt32
    /// The function that the program called at its end.
    public var function: String?
    /// Indices of the locations, innermost first.
    public var locations: [Int]
    /// The index of the location whose function is named when one asks who allocated.
    public var site: Int

    /// A stack with these facts.
    public init(id: UInt32, function: String?, locations: [Int], site: Int) {
      self.id = id
      self.function = function
      self.locations = locations
      self.site = site
    }
  }

  /// Adds modules, functions, frames and stacks.
  ///
  /// Each line of a location is a frame, inlined ones first.
  public func add(
    modules: [HeapProfile.Module], locations: [HeapProfile.Location], stacks: some Sequence<Stack>
  ) throws {
    let table = try file.inserter(into: "modules", columns: 5)
    for (index, module) in modules.enumerated() {
      try table.add(
        .integer(index), .name(module.path), .name(module.buildID),
        .address(module.range.lowerBound), .address(module.range.upperBound))
    }
    let (frames, functions) = try add(locations)
    let heads = try file.inserter(into: "stacks", columns: 4)
    let parts = try file.inserter(into: "stack_frames", columns: 3)
    for stack in stacks {
      let path = stack.locations.flatMap { frames[$0] }
      try heads.add(
        .integer(stack.id), .text(stack.function), .integer(path.count),
        .integer(functions[stack.site]))
      for (depth, frame) in path.enumerated() {
        try parts.add(.integer(stack.id), .integer(depth), .integer(frame))
        try settle()
      }
    }
  }

  /// The ids of each location's frames, and of its innermost function.
  private func add(_ locations: [HeapProfile.Location]) throws -> ([Range<Int>], [Int]) {
    struct Function: Hashable {
      var name: String
      var module: String
      var file: String
    }
    let functions = try file.inserter(into: "functions", columns: 4)
    let frames = try file.inserter(into: "frames", columns: 5)
    var numbers: [Function: Int] = [:]
    var frameCount = 0
    var framesOf: [Range<Int>] = []
    var functionOf: [Int] = []
    for location in locations {
      let first = frameCount
      for (index, line) in location.lines.enumerated() {
        let key = Function(name: line.function, module: line.module, file: line.file)
        let function = numbers[key] ?? numbers.count
        if numbers.updateValue(function, forKey: key) == nil {
          try functions.add(
            .integer(function), .text(line.function), .name(line.module), .name(line.file))
        }
        try frames.add(
          .integer(frameCount), .address(location.address), .integer(function),
          line.line > 0 ? .integer(line.line) : .null, .integer(location.module))
        if index == 0 { functionOf.append(function) }
        frameCount += 1
        try settle()
      }
      framesOf.append(first..<frameCount)
    }
    return (framesOf, functionOf)
  }
}
