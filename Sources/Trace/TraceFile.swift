// The reader of trace files.

import Synchronization

/// A trace file, open for reading.
///
/// Opening checks every chunk's checksums and reads the tables, so that ``damage`` is known from the
/// start; whatever is intact can be read. Any number of threads may read at the same time.
public final class TraceFile: Sendable {
  /// The path that the file was opened by.
  public let path: String
  /// Where the trace comes from.
  ///
  /// Defaults where the file does not say.
  public let metadata: TraceMetadata
  /// The totals: the writer's own, or those of what can be read where the file is damaged or
  /// unfinished.
  public let summary: TraceSummary
  /// The call stacks that the steps name.
  public let stacks: StackTable
  /// The files that were mapped as code, in the order in which they were found.
  public let modules: [Module]
  /// The threads that the steps name, by ``ThreadIndex``.
  public let threads: [ThreadDescription]
  /// What the kernel said about the process's memory, in order of time.
  public let samples: [ResidentSample]
  /// The memory of the process at some moments, in order of time.
  public let snapshots: [Snapshot]
  /// The moments that the program named, by ``MarkID``.
  public let marks: [MarkDescription]

  private let file: FileBytes
  private let eventChunks: [FoundChunk]
  private let hasEnd: Bool
  private let foundDamage: Mutex<[TraceDamage]>

  /// Opens a trace and reads everything but its steps.
  ///
  /// Throws where the file as a whole is no trace or cannot be read. Damage inside it is no error:
  /// it is described by ``damage``.
  /// - Complexity: O(length of the file), at the speed of a CRC.
  public init(path: String) throws(TraceError) {
    let file = try FileBytes(path: path)
    let scan = try FileScan(file)
    var damage = scan.damage
    let chunks = scan.chunks
    let tables = try Self.readTables(file, chunks, &damage)
    let events = chunks.filter { $0.kind == .events && $0.isUnderstood }
    self.path = path
    self.file = file
    eventChunks = events
    hasEnd = scan.hasEnd
    metadata = tables.metadata ?? TraceMetadata()
    stacks = tables.stacks
    modules = tables.modules
    threads = tables.threads
    samples = tables.samples
    snapshots = tables.snapshots.snapshots
    marks = tables.marks
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

  /// The length of the file.
  public var fileBytes: Int { file.count }

  /// Whether the trace was ended by its writer and nothing of it is damaged or missing.
  public var isComplete: Bool { hasEnd && damage.isEmpty }

  /// What could not be read, in the order in which it was found.
  ///
  /// Reading the steps may find more: contents that do not add up although their checksums match.
  public var damage: [TraceDamage] { foundDamage.withLock { $0 } }

  /// Decodes all steps in order and hands them out in batches of at most 4096.
  ///
  /// The buffer is used again for the next batch. Without `addresses` the columns of addresses and
  /// usable sizes are not unpacked. Steps in damaged chunks are left out; a free whose allocation
  /// was lost becomes `freeUnknown`, with address zero.
  /// Throws what `body` throws, and a ``TraceError`` where the system cannot read the file.
  public func read(
    addresses: Bool, _ body: (UnsafeBufferPointer<Request>) throws -> Void
  ) throws {
    let reader = EventReader(
      file: file, chunks: eventChunks, stacks: stacks, threads: threads.count,
      addresses: addresses)
    var damage: [TraceDamage] = []
    defer { add(damage) }
    try reader.read(&damage) { batch, _ in if !batch.isEmpty { try body(batch) } }
  }

  /// Adds damage that is not known yet.
  private func add(_ damage: [TraceDamage]) {
    guard !damage.isEmpty else { return }
    foundDamage.withLock { known in
      for new in damage where !known.contains(where: { $0.sequence == new.sequence }) {
        known.append(new)
      }
    }
  }

  private static func readTables(
    _ file: FileBytes, _ chunks: [FoundChunk], _ damage: inout [TraceDamage]
  ) throws(TraceError) -> TraceTables {
    var tables = TraceTables()
    let payload = ChunkPayload(file)
    for chunk in chunks where chunk.kind != .events || !chunk.isUnderstood {
      var problem: String?
      let gap = damage.isEmpty ? 0 : file.count * TraceFormat.maximumDeflateRatio
      if let kind = chunk.kind, chunk.isUnderstood {
        problem = try payload.load(chunk, addresses: false) ?? tables.add(kind, payload, gap: gap)
      } else if chunk.header.flags & ChunkHeader.maySkipFlag == 0 {
        problem = "this chunk belongs to a later version of the format"
      }
      if let problem {
        damage.append(TraceDamage(chunk, lostSteps: UInt64(chunk.header.steps), problem))
      }
    }
    if tables.metadata == nil, chunks.contains(where: { $0.kind == .events }), damage.isEmpty {
      damage.append(
        TraceDamage(
          bytes: 0..<0, sequence: nil, lostSteps: 0, explanation: "there are no metadata"))
    }
    // Threads that lost chunks described still get a place.
    let named = chunks.lazy.map(\.header.threads).max() ?? 0
    if named > 0, !damage.isEmpty { _ = tables.describe(through: Int(named) - 1, gap: .max) }
    return tables
  }
}

extension TraceDamage {
  /// Damage inside a chunk whose checksums match.
  init(_ chunk: FoundChunk, lostSteps: UInt64, _ problem: String) {
    self.init(
      bytes: chunk.offset..<chunk.payload.upperBound, sequence: chunk.header.sequence,
      lostSteps: lostSteps, explanation: "\(chunk.header.kindName): \(problem)")
  }
}
