// Chunks on their way out of the writer: handed to a second thread as soon as there is much to do.

import Glibc

/// A chunk whose sections are not packed yet.
struct RawChunk {
  struct Section {
    var id: SectionID
    var bytes: Range<Int>
    var triesBoth: Bool
  }

  var header = ChunkHeader(kind: .events)
  var sections: [Section] = []
  var bytes: [UInt8] = []
  /// Whether there is no time to pack it.
  var isHurried = false
}

/// Takes chunks in order and brings them into the file.
///
/// Large chunks are packed by a thread of their own, so that whoever feeds the writer can go on; it
/// waits only when more than a few dozen are under way. Small traces never start that thread.
final class ChunkOutput {
  private let file: ChunkFile
  private var chunk = RawChunk()
  private var eventChunks = 0
  private var packer: PackingThread?
  /// Whether packing may only take what processors would idle away, and little more; holds for chunks that are large
  /// enough for the second thread, from the first of them on.
  var packsWhenIdle = false

  /// Chunks with more bytes than this are worth a second thread.
  private static let largeBytes = 1 << 16

  init(path: String) throws(TraceError) {
    file = try ChunkFile(path: path)
  }

  deinit { packer?.stop() }

  /// The first error of the system.
  ///
  /// Errors of chunks under way are known after ``drain()``.
  var failure: TraceError? { packer?.failure ?? file.failure }

  /// The chunks in the file.
  ///
  /// Valid after ``drain()``.
  var entries: [IndexEntry] { file.entries }

  /// Adds a section to the chunk under construction.
  func section(_ id: SectionID, _ raw: UnsafeBufferPointer<UInt8>, tryingBoth: Bool = false) {
    let start = chunk.bytes.count
    chunk.bytes.append(contentsOf: raw)
    chunk.sections.append(
      RawChunk.Section(id: id, bytes: start..<chunk.bytes.count, triesBoth: tryingBoth))
  }

  func section(_ id: SectionID, _ raw: [UInt8]) {
    raw.withUnsafeBufferPointer { section(id, $0) }
  }

  /// Whether the events chunk that is written next should compare strategies: one in sixteen.
  func shouldCompareStrategies() -> Bool {
    eventChunks += 1
    return eventChunks & 15 == 1
  }

  /// Ends the chunk under construction.
  func finishChunk(_ header: ChunkHeader) {
    var finished = RawChunk()
    swap(&finished, &chunk)
    finished.header = header
    if packer == nil, finished.bytes.count > Self.largeBytes {
      packer = PackingThread(file, waitsForIdle: packsWhenIdle)
    }
    if let packer {
      packer.submit(finished)
    } else {
      file.write(finished)
    }
  }

  /// Waits until all chunks are in the file.
  func drain() { packer?.drain() }

  /// Writes the footer behind an index chunk that was written last.
  func finishFile() {
    drain()
    file.finishFile()
  }
}

extension ChunkFile {
  /// Packs a chunk and writes it.
  func write(_ chunk: RawChunk) {
    chunk.bytes.withUnsafeBufferPointer { bytes in
      for part in chunk.sections {
        section(
          part.id, UnsafeBufferPointer(rebasing: bytes[part.bytes]), tryingBoth: part.triesBoth,
          isHurried: chunk.isHurried)
      }
    }
    finishChunk(chunk.header)
  }
}
