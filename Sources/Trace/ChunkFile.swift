// The last stage of writing: sections are packed, put behind a head, and written to the file.

import Glibc

/// One line of the index.
struct IndexEntry: Equatable {
  var offset: UInt64
  var kind: UInt8
  var steps: UInt32
  var firstNanoseconds: UInt64
}

/// Packs chunks and writes them to a file.
///
/// After the first failure it writes nothing more.
final class ChunkFile {
  private let path: String
  private let descriptor: Int32
  private let packer: SectionPacker
  private var offset = 0
  private var sequence: UInt32 = 0
  /// Chunks that no part of the index lists yet.
  var entries: [IndexEntry] = []
  var index = IndexProgress()
  private(set) var failure: TraceError?
  /// The length of the file after each of the last chunks that were handed over.
  private var progress = [Int](repeating: 0, count: 64)
  private var handedOver = 0

  /// The section table and the sections of the chunk under construction.
  private var table = SectionTable()
  private var body: UnsafeMutablePointer<UInt8>
  /// Room before the sections, for what stands before them in the file: so a chunk is one piece.
  private static let room = 1 << 10
  private var bodyCapacity: Int
  private var bodyCount = 0

  /// Creates the file, or empties it; packs with this level of zlib where that is worth it.
  init(path: String, deepLevel: Int32 = 6) throws(TraceError) {
    packer = SectionPacker(deepLevel: deepLevel)
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw .cannotWrite(path: path, reason: String(cString: strerror(errno)))
    }
    bodyCapacity = 1 << 20
    body = .allocate(capacity: Self.room + bodyCapacity) + Self.room
    var header: (UInt64, UInt64) = (0, 0)
    withUnsafeMutableBytes(of: &header) { bytes in
      guard let base = bytes.baseAddress else { return }
      FileHeader.write(to: base)
      append(UnsafeRawBufferPointer(bytes))
    }
    if let failure { throw failure }
  }

  deinit {
    close(descriptor)
    (body - Self.room).deallocate()
  }

  /// Adds a section to the chunk under construction.
  func section(
    _ id: UInt8, _ raw: UnsafeBufferPointer<UInt8>, flags: UInt8 = 0,
    _ effort: SectionPacker.Effort = .usual(compares: false)
  ) {
    reserve(raw.count)
    let output = body + bodyCount
    var codec = SectionCodec.stored
    var count = raw.count
    if raw.count > 16, let packed = packer.pack(id, raw, into: output, effort) {
      codec = .deflate
      count = packed
    } else if let base = raw.baseAddress {
      output.update(from: base, count: raw.count)
    }
    table.entries.append(
      SectionTable.Entry(id: id, codec: codec.rawValue, flags: flags, raw: raw.count, packed: count)
    )
    bodyCount += count
  }

  /// Adds a section whose id this version knows.
  func section(_ id: SectionID, _ raw: UnsafeBufferPointer<UInt8>) {
    section(id.rawValue, raw, flags: id.maySkip ? 1 : 0)
  }

  /// Adds a section as small as it can be packed, or as it was packed before if that is smaller.
  func section(_ entry: SectionTable.Entry, raw: [UInt8], packed: [UInt8]) {
    reserve(raw.count + packed.count)
    let start = bodyCount
    raw.withUnsafeBufferPointer { section(entry.id, $0, flags: entry.flags, .best) }
    guard bodyCount - start > packed.count else { return }
    packed.withUnsafeBufferPointer { packed in
      if let base = packed.baseAddress { (body + start).update(from: base, count: packed.count) }
    }
    bodyCount = start + packed.count
    table.entries[table.entries.count - 1] = entry
  }

  /// Writes a chunk whose payload nobody takes apart.
  func writeChunk(_ header: ChunkHeader, payload: [UInt8]) {
    var head = [UInt8](repeating: 0, count: TraceFormat.chunkHeaderBytes)
    head += payload
    head.withUnsafeMutableBytes { finish(header, $0) }
  }

  /// Leaves out the numbers of so many chunks, which are lost.
  func skipSequence(by missing: UInt32) { sequence &+= missing }

  /// Writes the chunk whose sections were added.
  ///
  /// The head's sequence, payload length and payload CRC are filled in here.
  func finishChunk(_ header: ChunkHeader) {
    var header = header
    header.flags |= ChunkHeader.shortTableFlag
    let tableBytes = table.bytes(isShort: true)
    let prefix = TraceFormat.chunkHeaderBytes + tableBytes.count
    precondition(prefix <= Self.room, "a chunk has at most 64 sections")
    tableBytes.withUnsafeBufferPointer { bytes in
      if let base = bytes.baseAddress {
        (body - bytes.count).update(from: base, count: bytes.count)
      }
    }
    let count = prefix + bodyCount
    table.entries.removeAll(keepingCapacity: true)
    bodyCount = 0
    finish(header, UnsafeMutableRawBufferPointer(start: body - prefix, count: count))
  }

  /// Writes a chunk that is in one piece, with room for its head.
  private func finish(_ header: ChunkHeader, _ bytes: UnsafeMutableRawBufferPointer) {
    guard let base = bytes.baseAddress else { return }
    let payload = UnsafeRawBufferPointer(
      rebasing: UnsafeRawBufferPointer(bytes)[TraceFormat.chunkHeaderBytes...])
    var header = header
    header.sequence = sequence
    header.payloadBytes = UInt32(truncatingIfNeeded: payload.count)
    header.payloadCRC = payload.baseAddress.map { crc($0, payload.count) } ?? 0
    header.write(to: base)
    let start = offset
    append(UnsafeRawBufferPointer(bytes))
    if failure == nil {
      entries.append(
        IndexEntry(
          offset: UInt64(start), kind: header.kind, steps: header.steps,
          firstNanoseconds: header.firstNanoseconds))
      sequence &+= 1
    }
    writeIndexPartIfFull(after: header)
  }

  /// Writes the footer behind an index chunk that was written last.
  func finishFile() {
    guard let index = index.earlierOffset else { return }
    var bytes = [UInt8](repeating: 0, count: TraceFormat.footerBytes)
    bytes.withUnsafeMutableBytes { bytes in
      bytes.baseAddress.map {
        Footer(indexOffset: index, chunks: sequence)
          .write(to: $0)
      }
    }
    bytes.withUnsafeBytes { append($0) }
  }

  /// Takes note that what was handed over last is in the file.
  func noteProgress() {
    progress[handedOver & 63] = offset
    handedOver += 1
  }

  /// The length of the file after the first `number` of those that were handed over, if that is not
  /// too long ago.
  func bytes(through number: Int) -> Int { number > 0 ? progress[(number - 1) & 63] : 0 }

  private func reserve(_ count: Int) {
    guard bodyCount + count > bodyCapacity else { return }
    bodyCapacity = (bodyCount + count) * 2
    let larger =
      UnsafeMutablePointer<UInt8>.allocate(capacity: Self.room + bodyCapacity) + Self.room
    larger.update(from: body, count: bodyCount)
    (body - Self.room).deallocate()
    body = larger
  }

  /// Writes bytes at the end of the file; takes back what a failed write left behind.
  private func append(_ bytes: UnsafeRawBufferPointer) {
    guard failure == nil else { return }
    var written = 0
    while written < bytes.count {
      let result = Glibc.write(
        descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written)
      if result > 0 {
        written += result
      } else if result < 0 && errno != EINTR {
        failure = .cannotWrite(path: path, reason: String(cString: strerror(errno)))
        _ = ftruncate(descriptor, offset)
        return
      }
    }
    offset += bytes.count
  }
}
