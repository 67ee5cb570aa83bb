// Finds the chunks of a file, intact or not, and says what is damaged.

/// A chunk whose head and payload are intact.
struct FoundChunk {
  var offset: Int
  var header: ChunkHeader

  var kind: ChunkKind? { ChunkKind(rawValue: header.kind) }
  /// Whether this version of Lacuna knows the layout.
  var isUnderstood: Bool { header.isUnderstood }
  var payload: Range<Int> {
    let start = offset + TraceFormat.chunkHeaderBytes
    return start..<start + Int(header.payloadBytes)
  }
}

/// Walks through a file from chunk to chunk.
///
/// Behind a damaged head it looks for the next intact one.
struct FileScan {
  private(set) var chunks: [FoundChunk] = []
  private(set) var damage: [TraceDamage] = []
  /// Whether an intact index and an intact footer end the file.
  private(set) var hasEnd = false
  private let file: FileBytes
  private var position = TraceFormat.fileHeaderBytes

  init(_ file: FileBytes) throws(TraceError) {
    self.file = file
    try checkFileHeader()
    while position < file.count, try step() {}
    noteMissingChunks()
  }

  private mutating func checkFileHeader() throws(TraceError) {
    guard file.count > 0 else { throw .empty(path: file.path) }
    guard file.count >= TraceFormat.fileHeaderBytes else { throw .notATrace(path: file.path) }
    var bytes: (UInt64, UInt64) = (0, 0)
    try file.read(into: &bytes, at: 0)
    let version = withUnsafeBytes(of: bytes) { $0.baseAddress.flatMap { FileHeader.version($0) } }
    if let version {
      guard version <= TraceFormat.version, version > 0 else {
        throw .newerVersion(path: file.path, found: version, supported: TraceFormat.version)
      }
      return
    }
    // A damaged head in front of an intact chunk is still the head of a trace.
    guard try file.chunkHeader(at: position) != nil else { throw .notATrace(path: file.path) }
    note(0..<TraceFormat.fileHeaderBytes, "the head of the file is damaged; nothing is lost")
  }

  /// Handles what stands at the current position; false at the end.
  private mutating func step() throws(TraceError) -> Bool {
    if let header = try file.chunkHeader(at: position) {
      return try take(header)
    }
    if file.count - position == TraceFormat.footerBytes, try file.footer(at: position) != nil {
      // The offset in the footer is for readers that start there; here the index has been met.
      hasEnd = chunks.last?.kind == .index
      if !hasEnd {
        note(position..<file.count, "the end mark is there, the index before it is not")
      }
      return false
    }
    let start = position
    position = try nextHeader(after: start) ?? file.count
    if position < file.count {
      note(start..<position, "no intact chunk begins here; what was in these bytes is lost")
    } else if chunks.last?.kind == .index {
      note(start..<position, "the end mark is damaged; nothing is lost")
    } else {
      note(start..<position, "the file is cut off or damaged to its end; the rest is lost")
    }
    return true
  }

  /// Checks the payload behind an intact head, and moves past it.
  private mutating func take(_ header: ChunkHeader) throws(TraceError) -> Bool {
    let chunk = FoundChunk(offset: position, header: header)
    let end = chunk.payload.upperBound
    guard end <= file.count else {
      noteLost(chunk, position..<file.count, "the file ends inside this chunk")
      position = file.count
      return true
    }
    position = end
    if try file.hasCRC(
      header.payloadCRC, Int(header.payloadBytes), at: chunk.payload.lowerBound)
    {
      chunks.append(chunk)
    } else {
      noteLost(chunk, chunk.offset..<end, "the checksum does not match")
    }
    return true
  }

  /// The place of the next intact head behind a damaged one.
  private func nextHeader(after start: Int) throws(TraceError) -> Int? {
    let piece = 1 << 16
    let overlap = TraceFormat.chunkHeaderBytes
    let buffer = UnsafeMutableRawPointer.allocate(byteCount: piece + overlap, alignment: 16)
    defer { buffer.deallocate() }
    let mark = UInt8(truncatingIfNeeded: TraceFormat.chunkMagic)
    var base = start + 1
    while file.count - base >= TraceFormat.chunkHeaderBytes {
      let count = min(piece + overlap, file.count - base)
      try file.read(count, at: base, into: buffer)
      for offset in 0...(count - overlap)
      where buffer.load(fromByteOffset: offset, as: UInt8.self) == mark {
        if ChunkHeader(UnsafeRawPointer(buffer + offset)) != nil { return base + offset }
      }
      base += count - overlap + 1
    }
    return nil
  }

  private mutating func note(_ bytes: Range<Int>, _ explanation: String) {
    damage.append(
      TraceDamage(bytes: bytes, sequence: nil, lostSteps: 0, explanation: explanation))
  }

  private mutating func noteLost(_ chunk: FoundChunk, _ bytes: Range<Int>, _ explanation: String) {
    damage.append(
      TraceDamage(
        bytes: bytes, sequence: chunk.header.sequence, lostSteps: UInt64(chunk.header.steps),
        explanation: "\(explanation); the \(chunk.header.kindName) in this chunk are lost"))
  }
}

extension FileScan {
  /// Compares the sequence numbers and step counts that intact chunks should follow with those that
  /// they do follow, and puts the difference down to the damage between them.
  private mutating func noteMissingChunks() {
    var step: UInt64 = 0
    var sequence: UInt32 = 0
    var end = TraceFormat.fileHeaderBytes
    for chunk in chunks {
      let steps = chunk.header.firstStep > step ? chunk.header.firstStep - step : 0
      if steps > 0 || chunk.header.sequence > sequence {
        account(steps, in: end..<chunk.offset)
      }
      step = chunk.header.firstStep &+ UInt64(chunk.header.steps)
      sequence = chunk.header.sequence &+ 1
      end = chunk.payload.upperBound
    }
  }

  /// Puts lost steps down to the damage found in `gap`, or to chunks that are not there at all.
  private mutating func account(_ steps: UInt64, in gap: Range<Int>) {
    var known: UInt64 = 0
    var isExplained = false
    var unnumbered: Int?
    for (index, found) in damage.enumerated()
    where found.bytes.lowerBound >= gap.lowerBound && found.bytes.upperBound <= gap.upperBound {
      known &+= found.lostSteps
      isExplained = true
      if found.sequence == nil { unnumbered = index }
    }
    let missing = steps > known ? steps - known : 0
    if let unnumbered {
      damage[unnumbered].lostSteps = missing
    } else if missing > 0 || !isExplained {
      damage.append(
        TraceDamage(
          bytes: gap.upperBound..<gap.upperBound, sequence: nil, lostSteps: missing,
          explanation: "chunks that should stand before this place are missing"))
    }
  }
}
