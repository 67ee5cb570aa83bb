// The tables of a trace, read when they are asked for.

import Synchronization

/// Tables, some of which may not have been read yet.
final class LazyTables: Sendable {
  private struct State {
    var tables = TraceTables()
    /// The chunks of the tables that nobody asked for yet.
    var waiting: [UInt8: [ChunkRecord]] = [:]
  }

  private let file: FileBytes
  private let state: Mutex<State>

  /// Tables that were read.
  init(_ file: FileBytes, _ tables: TraceTables) {
    self.file = file
    state = Mutex(State(tables: tables))
  }

  /// Tables that stand in these chunks.
  init(_ file: FileBytes, _ directory: ChunkDirectory) {
    self.file = file
    var waiting: [UInt8: [ChunkRecord]] = [:]
    for chunk in directory.chunks where !chunk.isEvents && !chunk.isKeyframe {
      waiting[chunk.kind, default: []].append(chunk)
    }
    // Threads need descriptions even if no chunk has any.
    if waiting[ChunkKind.threads.rawValue] == nil { waiting[ChunkKind.threads.rawValue] = [] }
    state = Mutex(State(waiting: waiting))
  }

  /// The tables, that of one kind among them; so many threads at least are described.
  ///
  /// What cannot be read is added to `damage` the first time.
  func get(_ kind: ChunkKind, threads: Int, _ damage: inout [TraceDamage]) -> TraceTables {
    var found: [TraceDamage] = []
    let tables = state.withLock { state in
      guard let chunks = state.waiting.removeValue(forKey: kind.rawValue) else {
        return state.tables
      }
      let payload = ChunkPayload(file)
      for chunk in chunks {
        // Chunks before this one may be lost: their entries are made up.
        let gap = found.isEmpty ? 0 : file.count * TraceFormat.maximumDeflateRatio
        do {
          if let problem = try state.tables.add(chunk, payload, file, gap: gap) {
            found.append(problem)
          }
        } catch {
          found.append(TraceDamage(chunk, "\(error)"))
        }
      }
      if kind == .threads, threads > 0 {
        _ = state.tables.describe(through: threads - 1, gap: .max)
      }
      return state.tables
    }
    damage += found
    return tables
  }
}

extension ChunkRecord {
  /// Whether it holds a keyframe that this version reads.
  var isKeyframe: Bool { kind == ChunkKind.keyframe.rawValue && !isOfLaterVersion }
}

extension TraceTables {
  /// Reads all tables of a file whose chunks were looked through.
  init(
    _ file: FileBytes, _ directory: ChunkDirectory, _ damage: inout [TraceDamage]
  ) throws(TraceError) {
    self.init()
    let payload = ChunkPayload(file)
    for chunk in directory.chunks where !chunk.isEvents && !chunk.isKeyframe {
      let gap = damage.isEmpty ? 0 : file.count * TraceFormat.maximumDeflateRatio
      if let problem = try add(chunk, payload, file, gap: gap) { damage.append(problem) }
    }
    if metadata == nil, directory.chunks.contains(where: \.isEvents), damage.isEmpty {
      damage.append(
        TraceDamage(
          bytes: 0..<0, sequence: nil, lostSteps: 0, explanation: "there are no metadata"))
    }
    // Threads that lost chunks described still get a place.
    if directory.threads > 0, !damage.isEmpty {
      _ = describe(through: directory.threads - 1, gap: .max)
    }
  }

  /// Adds what a chunk holds; returns what is lost of it, or nil.
  fileprivate mutating func add(
    _ record: ChunkRecord, _ payload: ChunkPayload, _ file: FileBytes, gap: Int
  ) throws(TraceError) -> TraceDamage? {
    guard let chunk = try file.chunk(record) else {
      return TraceDamage(record, "the chunk is not where the index says")
    }
    var problem: String?
    if let kind = chunk.kind, chunk.header.isUnderstood {
      problem = try payload.load(chunk, addresses: false) ?? add(kind, payload, gap: gap)
    } else if chunk.header.flags & ChunkHeader.maySkipFlag == 0 {
      problem = "this chunk belongs to a later version of the format"
    }
    return problem.map { TraceDamage(chunk, lostSteps: UInt64(chunk.header.steps), $0) }
  }
}
