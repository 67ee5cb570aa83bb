// Opening a trace by its index.

/// What is read at once of a file that has an index: the index, the totals, the metadata.
struct QuickStart {
  let directory: ChunkDirectory
  var metadata = TraceMetadata()
  var summary = TraceSummary()
  var counts: TableCounts?

  /// Reads it; nil where any of it is missing or damaged, so that the file has to be looked through.
  ///
  /// - Complexity: O(chunks of the index).
  init?(_ file: FileBytes) throws(TraceError) {
    var bytes: (UInt64, UInt64) = (0, 0)
    guard file.count > TraceFormat.fileHeaderBytes else { return nil }
    try file.read(into: &bytes, at: 0)
    let version = withUnsafeBytes(of: bytes) { $0.baseAddress.flatMap { FileHeader.version($0) } }
    guard let version, version > 0, version <= TraceFormat.version,
      let directory = try ChunkDirectory(indexOf: file)
    else {
      return nil
    }
    self.directory = directory
    let payload = ChunkPayload(file)
    var tables = TraceTables()
    for kind in [ChunkKind.metadata, .summary] {
      // The last one holds.
      guard let record = directory.chunks.last(where: { $0.kind == kind.rawValue }),
        let chunk = try file.chunk(record), chunk.header.version == 1,
        try payload.load(chunk, addresses: false) == nil,
        tables.add(kind, payload, gap: 0) == nil
      else { return nil }
      var source = payload.source(.counts)
      if kind == .summary { counts = source.counts() }
    }
    guard let metadata = tables.metadata, let summary = tables.summary else { return nil }
    self.metadata = metadata
    self.summary = summary
  }
}
