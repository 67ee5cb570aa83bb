// The index on its way into the file: in parts, so that a recording of days needs no more memory.

/// The numbers of entries of the tables, which the index's readers need not count.
struct TableCounts: Equatable {
  /// Stacks without the unknown one, nodes without the root, modules.
  var stacks: UInt64 = 0
  var nodes: UInt64 = 0
  var modules: UInt64 = 0
}

/// What has to be known to go on with the index in another chunk.
struct IndexProgress {
  /// Entries in a part at most; tests of small traces have fewer.
  var entriesPerPart = 1 << 16
  /// The offset of the part before.
  var earlierOffset: UInt64?
  /// Chunks and steps that it and those before it list.
  var earlierChunks: UInt64 = 0
  var earlierSteps: UInt64 = 0
}

extension ChunkFile {
  /// Writes a part of the index when enough chunks wait for it.
  func writeIndexPartIfFull(after header: ChunkHeader) {
    guard entries.count >= index.entriesPerPart, header.kind != ChunkKind.index.rawValue else {
      return
    }
    var part = ChunkHeader(kind: .index)
    part.firstStep = header.firstStep &+ UInt64(header.steps)
    part.threads = header.threads
    writeIndex(part)
  }

  /// Writes an index of all chunks that none lists yet.
  func writeIndex(_ header: ChunkHeader) {
    let listed = entries
    var sink = ByteSink()
    sink.index(listed)
    sink.bytes.withUnsafeBufferPointer { section(.body, $0) }
    if let offset = index.earlierOffset {
      sink = ByteSink()
      for number in [offset, index.earlierChunks, index.earlierSteps] { sink.varint(number) }
      sink.bytes.withUnsafeBufferPointer { section(.earlierIndex, $0) }
    }
    finishChunk(header)
    guard failure == nil, let own = entries.last else { return }
    index.earlierOffset = own.offset
    index.earlierChunks += UInt64(listed.count)
    index.earlierSteps += listed.reduce(0) { $0 + UInt64($1.steps) }
    entries = [own]
  }
}

extension ByteSink {
  mutating func counts(_ counts: TableCounts) {
    for number in [counts.stacks, counts.nodes, counts.modules] { varint(number) }
  }
}

extension ByteSource {
  mutating func counts() -> TableCounts? {
    guard let stacks = varint(), let nodes = varint(), let modules = varint() else { return nil }
    return TableCounts(stacks: stacks, nodes: nodes, modules: modules)
  }
}
