// Chunks on their way out of the writer: handed to a second thread as soon as there is much to do.

import Glibc

/// A chunk whose sections are not packed yet.
struct RawChunk {
  struct Section {
    var id: SectionID
    var bytes: Range<Int>
    var compares: Bool
  }

  var header = ChunkHeader(kind: .events)
  var sections: [Section] = []
  var bytes: [UInt8] = []
  /// What the chunk is made of instead of sections, where it is a keyframe.
  var keyframe: RawKeyframe?
  /// Whether there is little time to pack it.
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
  private var submitted = 0
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

  /// Adds a section to the chunk under construction.
  func section(_ id: SectionID, _ raw: UnsafeBufferPointer<UInt8>, comparing: Bool = false) {
    let start = chunk.bytes.count
    chunk.bytes.append(contentsOf: raw)
    chunk.sections.append(
      RawChunk.Section(id: id, bytes: start..<chunk.bytes.count, compares: comparing))
  }

  func section(_ id: SectionID, _ raw: [UInt8]) {
    raw.withUnsafeBufferPointer { section(id, $0) }
  }

  /// Whether the events chunk that is written next should compare strategies: one in thirty-two.
  func shouldCompareStrategies() -> Bool {
    eventChunks += 1
    return eventChunks & 31 == 1
  }

  /// Lists so many chunks in a part of the index at most; for tests of small traces.
  func setIndexParts(of entries: Int) {
    drain()
    file.index.entriesPerPart = entries
  }

  /// Ends the chunk under construction.
  func finishChunk(_ header: ChunkHeader) {
    var finished = RawChunk()
    finished.bytes = packer?.memory() ?? []
    swap(&finished, &chunk)
    finished.header = header
    submit(finished, isLarge: finished.bytes.count > Self.largeBytes)
  }

  /// Writes a keyframe, which may become several chunks of the file.
  func finishKeyframe(_ keyframe: RawKeyframe, _ header: ChunkHeader) {
    var chunk = RawChunk()
    chunk.header = header
    chunk.keyframe = keyframe
    submit(chunk, isLarge: keyframe.blocks.count > Self.largeBytes / 16)
  }

  private func submit(_ chunk: RawChunk, isLarge: Bool) {
    submitted += 1
    if packer == nil, isLarge { packer = PackingThread(file, waitsForIdle: packsWhenIdle) }
    if let packer {
      packer.submit(chunk)
    } else {
      file.write(chunk)
      file.noteProgress()
    }
  }

  /// The bytes of the file up to a chunk that was handed over some time ago: so long that it is
  /// surely written, however slow the second thread is.
  var settledBytes: Int {
    let number = submitted - PackingThread.most - 2
    return packer?.bytes(through: number) ?? file.bytes(through: number)
  }

  /// Waits until all chunks are in the file.
  func drain() { packer?.drain() }

  /// Ends the file with the rest of the index and the footer.
  func finishFile(_ header: ChunkHeader) {
    drain()
    file.writeIndex(header)
    file.finishFile()
  }
}

extension ChunkFile {
  /// Packs a chunk and writes it.
  func write(_ chunk: RawChunk) {
    if let keyframe = chunk.keyframe { return write(keyframe, chunk.header) }
    chunk.bytes.withUnsafeBufferPointer { bytes in
      for part in chunk.sections {
        section(
          part.id.rawValue, UnsafeBufferPointer(rebasing: bytes[part.bytes]),
          flags: part.id.maySkip ? 1 : 0,
          chunk.isHurried ? .hurried : .usual(compares: part.compares))
      }
    }
    finishChunk(chunk.header)
  }
}
