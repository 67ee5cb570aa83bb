// Where the chunks of a file are: from its index, or from a walk through the whole file.

/// A chunk of the file, as far as the index says.
///
/// Forty bytes each: all that a reader keeps of every chunk.
struct ChunkRecord: BitwiseCopyable {
  var offset: UInt64
  /// Steps of all chunks before.
  var firstStep: UInt64
  /// Events: the time of the first step.
  var firstNanoseconds: UInt64
  var steps: UInt32
  /// What the head of the chunk must say.
  var sequence: UInt32
  var kind: UInt8
  var isOfLaterVersion = false
  /// Whether a reader that does not know it may leave it out; known only after a walk.
  var maySkip = false

  init(
    offset: UInt64, kind: UInt8, steps: UInt32, sequence: UInt32, firstStep: UInt64,
    firstNanoseconds: UInt64
  ) {
    self.offset = offset
    self.kind = kind
    self.steps = steps
    self.sequence = sequence
    self.firstStep = firstStep
    self.firstNanoseconds = firstNanoseconds
  }

  init(_ chunk: FoundChunk) {
    self.init(
      offset: UInt64(chunk.offset), kind: chunk.header.kind, steps: chunk.header.steps,
      sequence: chunk.header.sequence, firstStep: chunk.header.firstStep,
      firstNanoseconds: chunk.header.firstNanoseconds)
    isOfLaterVersion = !chunk.header.isUnderstood
    maySkip = chunk.header.flags & ChunkHeader.maySkipFlag != 0
  }

  /// Whether it holds steps that this version reads.
  var isEvents: Bool { kind == ChunkKind.events.rawValue && !isOfLaterVersion }
}

/// All chunks of a file in order.
struct ChunkDirectory {
  var chunks: [ChunkRecord]
  /// Threads that the whole trace names.
  var threads: Int

  /// The chunks that a walk through the file found intact.
  init(_ scan: FileScan) {
    chunks = scan.chunks.map(ChunkRecord.init)
    threads = Int(scan.chunks.lazy.map(\.header.threads).max() ?? 0)
  }

  /// The chunks that an intact index at the end of the file lists; nil where there is no such index.
  ///
  /// - Complexity: O(chunks of the index), whatever the length of the file.
  init?(indexOf file: FileBytes) throws(TraceError) {
    let tail = TraceFormat.footerBytes
    guard file.count >= TraceFormat.fileHeaderBytes + TraceFormat.chunkHeaderBytes + tail,
      let footer = try file.footer(at: file.count - tail),
      footer.indexOffset < UInt64(file.count), footer.chunks > 0
    else { return nil }
    let payload = ChunkPayload(file)
    var parts: [[IndexEntry]] = []
    var offset = footer.indexOffset
    var sequence = footer.chunks - 1
    var end = UInt64(file.count - tail)
    threads = 0
    while true {
      guard let part = try IndexPart(file, payload, at: offset, sequence: sequence, before: end)
      else { return nil }
      // The last part ends the file.
      if parts.isEmpty {
        guard part.end == end else { return nil }
        threads = Int(part.header.threads)
      }
      parts.append(part.entries)
      guard let earlier = part.earlier else {
        guard part.entries.count == sequence else { return nil }
        break
      }
      guard earlier.chunks < sequence, earlier.offset < offset, earlier.chunks > 0,
        earlier.chunks + UInt64(part.entries.count) == UInt64(sequence)
      else { return nil }
      end = offset
      offset = earlier.offset
      // The part before is the first chunk that this one lists.
      sequence = UInt32(earlier.chunks)
    }
    chunks = []
    guard append(parts, through: footer) else { return nil }
  }

  /// Joins the parts, the last one first; false where they do not fit together.
  private mutating func append(_ parts: [[IndexEntry]], through footer: Footer) -> Bool {
    chunks.reserveCapacity(parts.reduce(0) { $0 + $1.count })
    var step: UInt64 = 0
    var end = UInt64(TraceFormat.fileHeaderBytes)
    for part in parts.reversed() {
      for entry in part {
        let isEvents = entry.kind == ChunkKind.events.rawValue
        guard entry.offset >= end, entry.offset < footer.indexOffset,
          entry.steps <= UInt32(TraceFormat.stepsPerChunk), isEvents || entry.steps == 0
        else { return false }
        end = entry.offset + UInt64(TraceFormat.chunkHeaderBytes)
        chunks.append(
          ChunkRecord(
            offset: entry.offset, kind: entry.kind, steps: entry.steps,
            sequence: UInt32(truncatingIfNeeded: chunks.count), firstStep: step,
            firstNanoseconds: entry.firstNanoseconds))
        step += UInt64(entry.steps)
      }
    }
    return chunks.count == footer.chunks - 1
  }
}

/// One chunk of the index.
private struct IndexPart {
  var header: ChunkHeader
  var end: UInt64
  var entries: [IndexEntry] = []
  var earlier: (offset: UInt64, chunks: UInt64)?

  /// Reads it; nil unless it is intact.
  init?(
    _ file: FileBytes, _ payload: ChunkPayload, at offset: UInt64, sequence: UInt32,
    before limit: UInt64
  ) throws(TraceError) {
    guard offset <= limit, limit - offset > UInt64(TraceFormat.chunkHeaderBytes),
      let header = try file.chunkHeader(at: Int(offset)), header.kind == ChunkKind.index.rawValue,
      header.version == 1, header.sequence == sequence
    else { return nil }
    let chunk = FoundChunk(offset: Int(offset), header: header)
    guard chunk.payload.upperBound <= limit,
      try payload.load(chunk, addresses: false) == nil
    else { return nil }
    self.header = header
    end = UInt64(chunk.payload.upperBound)
    var source = payload.source(.body)
    guard let entries = source.index(atMost: UInt64(sequence)) else { return nil }
    self.entries = entries
    var before = payload.source(.earlierIndex)
    if !before.isAtEnd {
      guard let offset = before.varint(), let chunks = before.varint() else { return nil }
      earlier = (offset, chunks)
    }
  }
}

extension ByteSource {
  /// Reads the entries of a part of the index.
  fileprivate mutating func index(atMost limit: UInt64) -> [IndexEntry]? {
    guard let count = varint(), count <= limit else { return nil }
    var entries: [IndexEntry] = []
    var last: UInt64 = 0
    for _ in 0..<count {
      guard let distance = varint(), let kind = varint(), kind <= 255, let steps = varint(),
        steps <= UInt64(TraceFormat.stepsPerChunk), let time = varint(), distance < 1 << 62,
        last < 1 << 62
      else { return nil }
      last += distance
      entries.append(
        IndexEntry(
          offset: last, kind: UInt8(kind), steps: UInt32(steps), firstNanoseconds: time))
    }
    return isAtEnd ? entries : nil
  }
}

extension FileBytes {
  /// The head of a chunk; nil where none that is intact begins there.
  func chunkHeader(at offset: Int) throws(TraceError) -> ChunkHeader? {
    let count = TraceFormat.chunkHeaderBytes
    guard offset >= 0, offset <= self.count - count else { return nil }
    var bytes = InlineArray<8, UInt64>(repeating: 0)
    try read(into: &bytes, at: offset)
    return withUnsafeBytes(of: &bytes) { $0.baseAddress.flatMap { ChunkHeader($0) } }
  }

  /// The footer; nil where none that is intact begins there.
  func footer(at offset: Int) throws(TraceError) -> Footer? {
    var bytes: (UInt64, UInt64, UInt64) = (0, 0, 0)
    try read(into: &bytes, at: offset)
    return withUnsafeBytes(of: bytes) { $0.baseAddress.flatMap { Footer($0) } }
  }

  /// Fills a plain value with the bytes at an offset.
  func read<T: BitwiseCopyable>(into value: inout T, at offset: Int) throws(TraceError) {
    let count = MemoryLayout<T>.size
    let buffer = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: 16)
    defer { buffer.deallocate() }
    try read(count, at: offset, into: buffer)
    value = buffer.load(as: T.self)
  }

  /// The chunk that a record tells of; nil where its head is not there or says something else.
  func chunk(_ record: ChunkRecord) throws(TraceError) -> FoundChunk? {
    guard let offset = Int(exactly: record.offset), let header = try chunkHeader(at: offset),
      header.kind == record.kind, header.sequence == record.sequence,
      header.steps == record.steps, header.firstStep == record.firstStep
    else { return nil }
    let chunk = FoundChunk(offset: offset, header: header)
    return chunk.payload.upperBound <= count ? chunk : nil
  }
}
