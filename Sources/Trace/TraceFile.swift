// The reader of trace files.

import Synchronization

/// How much of a file is checked when it is opened.
public enum TraceChecking: Sendable {
  /// Everything, where the file has at most 2 MiB or no index; what is read, otherwise.
  case whenSmall
  /// Everything.
  case always
  /// What is read, unless the file has no index.
  case whenRead
}

/// A trace file, open for reading.
///
/// A small file is checked whole when it is opened, and so is one whose index is damaged or missing;
/// of a large one only the index is read at first, and everything else is checked when it is read.
/// Whatever is intact can be read; the rest is described by ``damage``. Any number of threads may
/// read at the same time.
///
/// Memory follows the tables that were asked for and the blocks that live at a time, and takes 40
/// bytes for each chunk, which has 65,536 steps.
public final class TraceFile: Sendable {
  /// Larger files are checked as they are read: a CRC of so many bytes takes some 20 ms.
  static let smallBytes = 2 << 20

  /// The path that the file was opened by.
  public let path: String
  /// Where the trace comes from.
  ///
  /// Defaults where the file does not say.
  public let metadata: TraceMetadata
  /// The totals: the writer's own, or those of what can be read where the file is known to be damaged
  /// or unfinished when it is opened.
  public let summary: TraceSummary

  let file: FileBytes
  let eventChunks: [ChunkRecord]
  let keyframeChunks: [ChunkRecord]
  /// Threads that the heads of the chunks know of.
  private let namedThreads: Int
  private let counts: TableCounts?
  private let hasEnd: Bool
  private let tables: LazyTables
  private let foundDamage: Mutex<[TraceDamage]>

  /// Opens a trace.
  ///
  /// Throws where the file as a whole is no trace or cannot be read. Damage inside it is no error:
  /// it is described by ``damage``.
  /// - Complexity: O(chunks of the index), or O(length of the file) at the speed of a CRC where all of
  ///   it is checked. Where a file is unfinished or damaged, its steps are counted, too.
  public init(path: String, checking: TraceChecking = .whenSmall) throws(TraceError) {
    let file = try FileBytes(path: path)
    let isSmall = file.count <= Self.smallBytes
    var quick: QuickStart?
    if checking == .whenRead || checking == .whenSmall && !isSmall {
      quick = try QuickStart(file)
    }
    self.path = path
    self.file = file
    if let quick {
      hasEnd = true
      metadata = quick.metadata
      summary = quick.summary
      counts = quick.counts
      namedThreads = quick.directory.threads
      eventChunks = quick.directory.chunks.filter(\.isEvents)
      keyframeChunks = quick.directory.chunks.filter(\.isKeyframe)
      tables = LazyTables(file, quick.directory)
      foundDamage = Mutex([])
      return
    }
    let scan = try FileScan(file)
    var damage = scan.damage
    let directory = ChunkDirectory(scan)
    let events = directory.chunks.filter(\.isEvents)
    let tables = try TraceTables(file, directory, &damage)
    hasEnd = scan.hasEnd
    metadata = tables.metadata ?? TraceMetadata()
    counts = nil
    namedThreads = tables.threads.count
    eventChunks = events
    keyframeChunks = directory.chunks.filter(\.isKeyframe)
    self.tables = LazyTables(file, tables)
    if let summary = tables.summary, hasEnd, damage.isEmpty {
      self.summary = summary
    } else {
      let reader = EventReader(
        file: file, chunks: events, stacks: tables.stacks, threads: tables.threads.count,
        addresses: false)
      summary = try reader.summary(startsInMidst: metadata.startsInMidst, &damage)
    }
    foundDamage = Mutex(damage)
  }

  // MARK: Tables

  /// The call stacks that the steps name.
  public var stacks: StackTable { table(.stacks) { $0.stacks } }
  /// The files that were mapped as code, in the order in which they were found.
  public var modules: [Module] { table(.modules) { $0.modules } }
  /// The threads that the steps name, by ``ThreadIndex``.
  public var threads: [ThreadDescription] { table(.threads) { $0.threads } }
  /// What the kernel said about the process's memory, in order of time.
  public var samples: [ResidentSample] { table(.samples) { $0.samples } }
  /// The memory of the process at some moments, in order of time.
  public var snapshots: [Snapshot] { table(.snapshots) { $0.snapshots.snapshots } }
  /// The moments that the program named, by ``MarkID``.
  public var marks: [MarkDescription] { table(.marks) { $0.marks } }

  /// The names of functions that were put into the trace (``TraceRepacker``), mangled.
  public var functionNames: [CodeAddress: [UInt8]] { table(.names) { $0.names } }

  /// The number of ``threads``, known without reading them.
  public var threadCount: Int { namedThreads }
  /// The number of ``modules``.
  public var moduleCount: Int { counts.map { Int(clamping: $0.modules) } ?? modules.count }
  /// The number of ``stacks``, the unknown one not among them.
  public var stackCount: Int {
    counts.map { Int(clamping: $0.stacks) } ?? max(0, stacks.count - 1)
  }

  private func table<Table>(_ kind: ChunkKind, _ table: (TraceTables) -> Table) -> Table {
    var damage: [TraceDamage] = []
    let result = table(tables.get(kind, threads: namedThreads, &damage))
    add(damage)
    return result
  }

  // MARK: The file

  /// The length of the file.
  public var fileBytes: Int { file.count }

  /// Whether the trace was ended by its writer and nothing of it is known to be damaged or missing.
  public var isComplete: Bool { hasEnd && damage.isEmpty }

  /// What could not be read, in the order in which it was found.
  ///
  /// Reading may find more: in a large file parts that nobody read yet, in any file contents that do
  /// not add up although their checksums match.
  public var damage: [TraceDamage] { foundDamage.withLock { $0 } }

  /// Decodes all steps in order and hands them out in batches of at most 4096.
  ///
  /// Unpacking and decoding run ahead on threads of their own where there is more than one processor;
  /// `body` is called by the caller's thread. The buffer is used again for a later batch. Without `addresses`
  /// the columns of addresses and
  /// usable sizes are not unpacked. Steps in damaged chunks are left out; a free whose allocation
  /// was lost becomes `freeUnknown`, with address zero.
  /// Throws what `body` throws, and a ``TraceError`` where the system cannot read the file.
  public func read(
    addresses: Bool, _ body: (UnsafeBufferPointer<Request>) throws -> Void
  ) throws {
    var damage: [TraceDamage] = []
    defer { add(damage) }
    try reader(addresses: addresses).read(&damage) { batch, _ in
      if !batch.isEmpty { try body(batch) }
      return true
    }
  }

  /// A reader of all steps.
  func reader(addresses: Bool) -> EventReader {
    EventReader(
      file: file, chunks: eventChunks, stacks: stacks, threads: threads.count,
      addresses: addresses)
  }

  /// Adds damage that is not known yet.
  func add(_ damage: [TraceDamage]) {
    guard !damage.isEmpty else { return }
    foundDamage.withLock { known in
      for new in damage where !known.contains(where: { $0.sequence == new.sequence }) {
        known.append(new)
      }
    }
  }
}

extension TraceDamage {
  /// Damage inside a chunk whose checksums match.
  init(_ chunk: FoundChunk, lostSteps: UInt64, _ problem: String) {
    self.init(
      bytes: chunk.offset..<chunk.payload.upperBound, sequence: chunk.header.sequence,
      lostSteps: lostSteps, explanation: "\(chunk.header.kindName): \(problem)")
  }

  /// A chunk that is not where the index says, or not intact there.
  init(_ record: ChunkRecord, _ problem: String) {
    let kind = ChunkKind(rawValue: record.kind).map { "\($0)" } ?? "unknown (\(record.kind))"
    let offset = Int(clamping: record.offset)
    self.init(
      bytes: offset..<offset, sequence: record.sequence, lostSteps: UInt64(record.steps),
      explanation: "\(kind): \(problem)")
  }
}
