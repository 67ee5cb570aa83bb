// Packs a trace anew, as small as zlib makes it, without changing what it says.

import Glibc

/// What became of a trace that was packed anew.
public struct RepackedTrace: Sendable, Equatable {
  /// The length of the file that was read.
  public var bytesBefore: Int
  /// The length of the new file.
  public var bytesAfter: Int
  /// What of the trace was damaged already and is in neither file.
  public var damage: [TraceDamage]
}

/// Packs traces anew.
public enum TraceRepacker {
  /// Writes the chunks of one trace to another file, each section packed as small as possible; `level`
  /// is zlib's, from 1 to 9.
  ///
  /// What the sections hold is not changed, also of chunks of kinds that this version does not know.
  /// Chunks that are damaged are left out, and the numbers of the others say so as before; an
  /// unfinished trace stays one. The result is read again and compared before this returns.
  ///
  /// - Parameter names: names of functions for the result, instead of those that the trace had, if
  ///   any; nil to keep those.
  /// - Complexity: O(length), one chunk at a time in memory.
  public static func repack(
    _ path: String, to result: String, level: Int, names: [FunctionName]? = nil
  ) throws(TraceError) -> RepackedTrace {
    let file = try FileBytes(path: path)
    let scan = try FileScan(file)
    let output = try ChunkFile(path: result, deepLevel: Int32(max(1, min(level, 9))))
    func isKept(_ chunk: FoundChunk) -> Bool {
      chunk.kind != .index && (names == nil || chunk.kind != .names)
    }
    let kept = scan.chunks.filter(isKept)
    // Chunks that are left out on purpose are not missing: only lost ones leave a gap in the numbers.
    var expected: UInt32 = 0
    for chunk in scan.chunks {
      let number = chunk.header.sequence
      if number > expected { output.skipSequence(by: number - expected) }
      expected = number &+ 1
      if isKept(chunk) { try copy(chunk, of: file, to: output) }
    }
    if let names, let last = scan.chunks.last { output.write(names, behind: last.header) }
    if scan.hasEnd, let index = scan.chunks.last {
      output.writeIndex(index.header)
      output.finishFile()
    }
    if let failure = output.failure { throw failure }
    let written = try FileBytes(path: result)
    try compare(kept, of: file, with: written, where: isKept)
    return RepackedTrace(
      bytesBefore: file.count, bytesAfter: written.count, damage: scan.damage)
  }

  /// Packs one chunk; where its payload is not what the format demands, it is copied as it is.
  private static func copy(
    _ chunk: FoundChunk, of file: FileBytes, to output: ChunkFile
  ) throws(TraceError) {
    guard let contents = try ChunkContents(chunk, of: file) else {
      let payload = try file.bytes(chunk.payload)
      return output.writeChunk(chunk.header, payload: payload)
    }
    for section in contents.sections {
      output.section(section.entry, raw: section.raw, packed: section.packed)
    }
    output.finishChunk(chunk.header)
  }

  /// Makes sure that the written chunks hold what the read ones do.
  private static func compare(
    _ chunks: [FoundChunk], of file: FileBytes, with written: FileBytes,
    where isKept: (FoundChunk) -> Bool
  ) throws(TraceError) {
    let found = try FileScan(written).chunks.filter(isKept)
    guard found.count == chunks.count else {
      throw .cannotWrite(path: written.path, reason: "not all chunks are there")
    }
    for (old, new) in zip(chunks, found) {
      let before = try ChunkContents(old, of: file)
      let after = try ChunkContents(new, of: written)
      let isSame =
        if let before, let after {
          before.sections.map(\.raw) == after.sections.map(\.raw)
            && before.sections.map(\.entry.id) == after.sections.map(\.entry.id)
        } else {
          try file.bytes(old.payload) == written.bytes(new.payload)
        }
      guard isSame, old.header.kind == new.header.kind,
        old.header.firstStep == new.header.firstStep, old.header.steps == new.header.steps
      else {
        throw .cannotWrite(path: written.path, reason: "a chunk reads differently than it should")
      }
    }
  }
}

/// The sections of a chunk, unpacked, whatever they mean.
struct ChunkContents {
  struct Section {
    var entry: SectionTable.Entry
    var raw: [UInt8]
    var packed: [UInt8]
  }

  private(set) var sections: [Section] = []

  /// Reads an intact chunk; nil where its payload is not made of sections that can be unpacked.
  init?(_ chunk: FoundChunk, of file: FileBytes) throws(TraceError) {
    let payload = try file.bytes(chunk.payload)
    var table = SectionTable()
    let inflater = Inflater()
    let start = payload.withUnsafeBufferPointer {
      table.read($0, isShort: chunk.header.hasShortTable)
    }
    guard var start else { return nil }
    for entry in table.entries {
      guard entry.packed <= payload.count - start, entry.raw <= TraceFormat.maximumSectionBytes,
        let codec = SectionCodec(rawValue: entry.codec),
        codec == .deflate || entry.raw == entry.packed
      else { return nil }
      let packed = Array(payload[start..<start + entry.packed])
      var raw = packed
      if codec == .deflate {
        raw = [UInt8](repeating: 0, count: entry.raw)
        let isSound = packed.withUnsafeBufferPointer { packed in
          raw.withUnsafeMutableBufferPointer { raw in
            raw.baseAddress.map { inflater.unpack(packed, into: $0, count: entry.raw) } ?? false
          }
        }
        guard isSound else { return nil }
      }
      sections.append(Section(entry: entry, raw: raw, packed: packed))
      start += entry.packed
    }
    guard start == payload.count else { return nil }
  }
}

extension FileBytes {
  /// The bytes of a part of the file.
  func bytes(_ range: Range<Int>) throws(TraceError) -> [UInt8] {
    let buffer = UnsafeMutableRawPointer.allocate(byteCount: max(range.count, 1), alignment: 16)
    defer { buffer.deallocate() }
    try read(range.count, at: range.lowerBound, into: buffer)
    return Array(UnsafeRawBufferPointer(start: buffer, count: range.count))
  }
}
