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
  private let deflater = Deflater()
  private var offset = 0
  private var sequence: UInt32 = 0
  /// Chunks that no part of the index lists yet.
  var entries: [IndexEntry] = []
  var index = IndexProgress()
  private(set) var failure: TraceError?
  /// The length of the file after each of the last chunks that were handed over.
  private var progress = [Int](repeating: 0, count: 64)
  private var handedOver = 0

  /// Head, section table and sections of the chunk under construction; the table has room for
  /// all sections, and those that follow are moved next to it in the end.
  private var table: [UInt8] = []
  private var body: UnsafeMutablePointer<UInt8>
  private var bodyCapacity: Int
  private var bodyCount = 0
  private var sections: UInt32 = 0
  /// For each section id of an events chunk, the strategy that packed it best when last tried.
  private var strategies = [Deflater.Strategy](repeating: .matches, count: 256)

  init(path: String) throws(TraceError) {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw .cannotWrite(path: path, reason: String(cString: strerror(errno)))
    }
    bodyCapacity = 1 << 20
    body = .allocate(capacity: bodyCapacity)
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
    body.deallocate()
  }

  /// Adds a section to the chunk under construction; in a hurry it is not packed.
  func section(
    _ id: SectionID, _ raw: UnsafeBufferPointer<UInt8>, tryingBoth: Bool = false,
    isHurried: Bool = false
  ) {
    reserve(raw.count)
    let output = body + bodyCount
    var codec = SectionCodec.stored
    var count = raw.count
    if raw.count > 16, !isHurried, let packed = pack(id, raw, into: output, tryingBoth: tryingBoth)
    {
      codec = .deflate
      count = packed
    } else if let base = raw.baseAddress {
      output.update(from: base, count: raw.count)
    }
    table.append(id.rawValue)
    table.append(codec.rawValue)
    table.append(id.maySkip ? 1 : 0)
    table.append(0)
    appendLittle(UInt32(truncatingIfNeeded: raw.count))
    appendLittle(UInt32(truncatingIfNeeded: count))
    bodyCount += count
    sections += 1
  }

  /// Packs with the strategy that is known to be good, or with both.
  ///
  /// Looking for matches takes two to three times as long as coding bytes alone, so it must gain a
  /// twentieth to be preferred.
  private func pack(
    _ id: SectionID, _ raw: UnsafeBufferPointer<UInt8>,
    into output: UnsafeMutablePointer<UInt8>, tryingBoth: Bool
  ) -> Int? {
    let usual = strategies[Int(id.rawValue)]
    let packed = deflater.pack(raw, usual, into: output, capacity: raw.count)
    guard tryingBoth else { return packed }
    let other = usual == .matches ? Deflater.Strategy.huffmanOnly : .matches
    let spare = UnsafeMutablePointer<UInt8>.allocate(capacity: raw.count)
    defer { spare.deallocate() }
    guard let packedOtherwise = deflater.pack(raw, other, into: spare, capacity: raw.count) else {
      return packed
    }
    let matches = usual == .matches ? packed ?? raw.count : packedOtherwise
    let huffman = usual == .matches ? packedOtherwise : packed ?? raw.count
    let better = huffman * 20 <= matches * 21 ? Deflater.Strategy.huffmanOnly : .matches
    strategies[Int(id.rawValue)] = better
    guard better == other else { return packed }
    output.update(from: spare, count: packedOtherwise)
    return packedOtherwise
  }

  /// Writes the chunk whose sections were added.
  ///
  /// The head's sequence, payload length and payload CRC are filled in here.
  func finishChunk(_ header: ChunkHeader) {
    var count: [UInt8] = []
    swap(&count, &table)
    let prefix = withUnsafeBytes(of: sections.littleEndian) { Array($0) } + count
    var header = header
    header.sequence = sequence
    header.payloadBytes = UInt32(truncatingIfNeeded: prefix.count + bodyCount)
    header.payloadCRC = prefix.withUnsafeBytes { bytes in
      bytes.baseAddress.map { crc(body, bodyCount, seed: crc($0, bytes.count)) } ?? 0
    }
    var head = [UInt8](repeating: 0, count: TraceFormat.chunkHeaderBytes)
    head.withUnsafeMutableBytes { $0.baseAddress.map { header.write(to: $0) } }
    let start = offset
    let whole = head + prefix + UnsafeBufferPointer(start: body, count: bodyCount)
    whole.withUnsafeBytes { append($0) }
    if failure == nil {
      entries.append(
        IndexEntry(
          offset: UInt64(start), kind: header.kind, steps: header.steps,
          firstNanoseconds: header.firstNanoseconds))
      sequence += 1
    }
    bodyCount = 0
    sections = 0
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
    let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: bodyCapacity)
    larger.update(from: body, count: bodyCount)
    body.deallocate()
    body = larger
  }

  private func appendLittle(_ value: UInt32) {
    withUnsafeBytes(of: value.littleEndian) { table.append(contentsOf: $0) }
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
