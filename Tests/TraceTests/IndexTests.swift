// The index: files of many chunks, recordings without end, opening without looking at everything.

import Glibc
import MemoryUnits
import TestSupport
import Testing

@testable import Trace

@Suite struct IndexTests {
  let directory = TemporaryDirectory()

  /// Writes a chunk for each of so many steps, in parts of the index of so many chunks.
  private func record(chunks: Int, perPart: Int, finish: Bool = true) throws -> TraceWriter {
    let writer = try TraceWriter(path: directory.file("trace"), metadata: TraceMetadata())
    writer.setIndexParts(of: perPart)
    for index in 0..<chunks {
      writer.allocate(
        address: Address(UInt64(index) * 64), size: 10, usable: 24, alignmentShift: 0,
        stack: .unknown, thread: ThreadIndex(0), time: Timestamp(nanoseconds: UInt64(index) * 5000))
      try writer.flush()
    }
    if finish { try writer.finish() }
    return writer
  }

  @Test("repacking a damaged trace names what is lost, and no parts of the index as missing")
  func repackDamaged() throws {
    _ = try record(chunks: 40, perPart: 5)
    let whole = contents(of: directory.file("trace"))
    let offsets = chunks(of: whole)
    for damaged in 1..<offsets.count - 1 {
      var bytes = whole
      bytes[offsets[damaged] + 66] ^= 1
      let path = directory.file("damaged")
      write(bytes, to: path)
      let result = directory.file("result")
      _ = try TraceRepacker.repack(path, to: result, level: 1)
      let isIndex = whole[offsets[damaged] + 4] == 8
      let file = try TraceFile(path: result)
      // The one chunk that is lost leaves one gap.
      #expect(file.damage.count == 1, "\(damaged): \(file.damage)")
      #expect(file.summary.lostEvents == (whole[offsets[damaged] + 4] == 2 ? 1 : 0))
      #expect(file.summary.steps == (isIndex || file.summary.lostEvents == 0 ? 40 : 39))
    }
  }

  @Test("an index in parts lists every chunk once", arguments: [2, 3, 5, 63, 64, 65, 200, 5000])
  func parts(perPart: Int) throws {
    for chunks in [0, 1, 2, 7, 60, 61, 62, 63, 64, 130] {
      let writer = try record(chunks: chunks, perPart: perPart)
      let bytes = try FileBytes(path: directory.file("trace"))
      let scan = try FileScan(bytes)
      let found = ChunkDirectory(scan)
      let index = try #require(try ChunkDirectory(indexOf: bytes), "\(chunks) of \(perPart)")
      #expect(index.chunks.map(\.offset) == found.chunks.dropLast().map(\.offset))
      #expect(index.chunks.map(\.kind) == found.chunks.dropLast().map(\.kind))
      #expect(index.chunks.map(\.steps) == found.chunks.dropLast().map(\.steps))
      #expect(index.chunks.map(\.sequence) == found.chunks.dropLast().map(\.sequence))
      #expect(index.chunks.map(\.firstStep) == found.chunks.dropLast().map(\.firstStep))
      #expect(index.threads == found.threads)
      let file = try TraceFile(path: directory.file("trace"), checking: .whenRead)
      #expect(file.isComplete && file.summary == writer.summary)
      #expect(try steps(of: file).count == chunks && file.isComplete)
    }
  }

  @Test("a million chunks: the writer's memory and the index stay small") func million() throws {
    let path = directory.file("trace")
    let output = try ChunkFile(path: path)
    let chunks = 1_000_000
    var header = ChunkHeader(kind: .events)
    var most = 0
    for index in 0..<chunks {
      header.firstStep = UInt64(index)
      header.steps = 1
      header.firstNanoseconds = UInt64(index) * 1000
      header.lastNanoseconds = header.firstNanoseconds
      output.finishChunk(header)
      most = max(most, output.entries.count)
    }
    let last = ChunkHeader(kind: .index)
    output.writeIndex(last)
    output.finishFile()
    #expect(output.failure == nil && most <= output.index.entriesPerPart)
    let bytes = try FileBytes(path: path)
    let index = try #require(try ChunkDirectory(indexOf: bytes))
    let parts = chunks / output.index.entriesPerPart
    #expect(index.chunks.count == chunks + parts)
    #expect(index.chunks.last.map { $0.firstStep + UInt64($0.steps) } == UInt64(chunks))
    #expect(
      index.chunks.filter { $0.kind == ChunkKind.index.rawValue }.count == parts && parts > 10)
  }

  @Test("what the index does not tell is found by looking through the file") func without() throws {
    let writer = try record(chunks: 100, perPart: 10)
    let path = directory.file("trace")
    let intact = contents(of: path)
    // Each part of the index in turn, and the tail.
    var offset = 16
    var places: [Int] = [intact.count - 1]
    while offset + 64 < intact.count - 24 {
      if intact[offset + 4] == 8 { places.append(offset + 70) }
      offset += 64 + (0..<4).reduce(0) { $0 | Int(intact[offset + 16 + $1]) << ($1 * 8) }
    }
    #expect(places.count > 10)
    for place in places {
      var bytes = intact
      bytes[place] ^= 1
      write(bytes, to: path)
      let file = try TraceFile(path: path, checking: .whenRead)
      // Where the last part is damaged, the tail has nothing to point to either.
      #expect(!file.isComplete && (1...2).contains(file.damage.count), "\(place)")
      #expect(file.damage.allSatisfy { $0.lostSteps == 0 })
      #expect(file.summary == writer.summary)
      #expect(try steps(of: file).count == 100)
    }
  }

  @Test("a recording that is killed needs no index") func killed() throws {
    let writer = try record(chunks: 55, perPart: 10, finish: false)
    let file = try TraceFile(path: directory.file("trace"), checking: .whenRead)
    #expect(!file.isComplete && file.damage.isEmpty && file.summary == writer.summary)
    #expect(try steps(of: file).count == 55)
    try writer.finish()
  }

  @Test("the numbers of stacks, modules and threads are known without reading them")
  func counts() throws {
    let path = directory.file("trace")
    let writer = try TraceWriter(path: path, metadata: TraceMetadata())
    for index in 1...300 {
      let node = writer.node(parent: 0, returnAddress: UInt64(index), image: 0)
      _ = writer.stack(node: node, entry: .malloc)
      if index % 2 == 0 { _ = writer.stack(node: node, entry: .calloc) }
      if index % 50 == 0 { try writer.flush() }
    }
    for index in 0..<7 {
      writer.module(
        Module(
          image: 0, range: Address(UInt64(index))..<Address(99), bias: 0, path: "/a", buildID: []))
      _ = writer.thread(ThreadDescription(kernelID: 1, name: ""))
    }
    try writer.finish()
    for checking in [TraceChecking.always, .whenRead] {
      let file = try TraceFile(path: path, checking: checking)
      #expect(file.stackCount == 450 && file.moduleCount == 7 && file.threadCount == 7)
      #expect(file.stacks.count == 451 && file.modules.count == 7 && file.threads.count == 7)
    }
    // Nothing of the tables was read: damage in them is not noticed until it is.
    var bytes = contents(of: path)
    var offset = 16
    var stacks: [Int] = []
    while offset + 64 < bytes.count - 24 {
      if bytes[offset + 4] == 3 { stacks.append(offset) }
      offset += 64 + (0..<4).reduce(0) { $0 | Int(bytes[offset + 16 + $1]) << ($1 * 8) }
    }
    let first = try #require(stacks.first)
    bytes[first + 80] ^= 1
    write(bytes, to: path)
    let file = try TraceFile(path: path, checking: .whenRead)
    #expect(file.stackCount == 450 && file.isComplete)
    #expect(file.stacks.count == 451 && !file.isComplete)
    #expect(file.damage.count == 1 && file.damage.first?.explanation.contains("stacks") == true)
  }
}
