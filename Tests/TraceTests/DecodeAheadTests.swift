// Decoding on a second thread gives the same steps, and ends when nobody wants more.

import Glibc
import MemoryUnits
import TestSupport
import Testing

@testable import Trace

@Suite struct DecodeAheadTests {
  let directory = TemporaryDirectory()

  /// A trace of several chunks, long enough for a second thread.
  private func trace(events: Int = 400_000) throws -> TraceFile {
    let path = directory.file("trace")
    let writer = try TraceWriter(path: path, metadata: TraceMetadata())
    var program = LongTrace(writer: writer, live: 500...2000)
    program.run(events, into: writer)
    try writer.finish()
    return try TraceFile(path: path)
  }

  /// A number that depends on all steps and their order.
  private struct Digest: Equatable {
    var steps = 0
    var value: UInt64 = 14_695_981_039_346_656_037

    mutating func add(_ batch: UnsafeBufferPointer<Request>) {
      steps += batch.count
      for request in batch {
        for part in [
          UInt64(request.slot.rawValue), request.address.rawValue, request.time.nanoseconds,
          UInt64(bitPattern: request.size.rawValue), UInt64(request.operation.rawValue),
        ] { value = (value ^ part) &* 1_099_511_628_211 }
      }
    }
  }

  @Test("both ways give the same steps") func same() throws {
    let file = try trace()
    let reader = file.reader(addresses: true)
    var direct = Digest()
    let memory = UnsafeMutablePointer<Request>.allocate(capacity: EventReader.batch)
    defer { memory.deallocate() }
    var damage: [TraceDamage] = []
    try reader.decode(&damage) {
      memory
    } deliver: { count, _ in
      direct.add(UnsafeBufferPointer(start: memory, count: count))
    }
    let ahead = try #require(DecodeAhead(reader))
    var other = Digest()
    try ahead.read(&damage) { batch, _ in
      other.add(batch)
      return true
    }
    #expect(direct == other && damage.isEmpty && direct.steps == Int(file.summary.steps))
  }

  @Test("it ends where nobody wants more, wherever that is") func early() throws {
    struct Enough: Error {}
    let file = try trace()
    for batches in [1, 2, 7, 8, 9, 20] {
      var damage: [TraceDamage] = []
      var seen = 0
      let stopped = try #require(DecodeAhead(file.reader(addresses: true)))
      try stopped.read(&damage) { _, _ in
        seen += 1
        return seen < batches
      }
      #expect(seen == batches)
      let failed = try #require(DecodeAhead(file.reader(addresses: true)))
      seen = 0
      #expect(throws: Enough.self) {
        try failed.read(&damage) { _, _ in
          seen += 1
          if seen == batches { throw Enough() }
          return true
        }
      }
      #expect(seen == batches && damage.isEmpty)
    }
  }

  @Test("a file that is cut while it is read ends with an error") func cutMeanwhile() throws {
    let file = try trace(events: 1_500_000)
    let length = off_t(file.fileBytes)
    var steps = 0
    #expect(throws: TraceError.self) {
      try file.read(addresses: true) { batch in
        if steps == 0 { truncate(file.path, length / 2) }
        steps += batch.count
      }
    }
    #expect(steps > 0 && steps < Int(file.summary.steps))
  }

  @Test("a file that is changed while it is read loses what was changed") func changed() throws {
    let file = try trace(events: 1_500_000)
    var bytes = contents(of: file.path)
    var steps = 0
    for place in bytes.indices.suffix(bytes.count / 2) { bytes[place] ^= 0x55 }
    try file.read(addresses: true) { batch in
      if steps == 0 {
        let stream = fopen(file.path, "r+")
        fwrite(bytes, 1, bytes.count, stream)
        fclose(stream)
      }
      steps += batch.count
    }
    #expect(!file.isComplete && steps < Int(file.summary.steps))
    #expect(steps + Int(file.damage.reduce(0) { $0 + $1.lostSteps }) == Int(file.summary.steps))
  }

  @Test("damage at the end of a long trace does not keep anybody waiting") func damagedEnd() throws
  {
    let file = try trace()
    let bytes = contents(of: file.path)
    write(Array(bytes[..<(bytes.count - bytes.count / 5)]), to: file.path)
    let cut = try TraceFile(path: file.path)
    var digest = Digest()
    try cut.read(addresses: true) { digest.add($0) }
    #expect(!cut.isComplete && digest.steps == Int(cut.summary.steps))
    #expect(digest.steps > 0 && digest.steps < Int(file.summary.steps))
  }

  @Test("many readers at a time") func many() async throws {
    let file = try trace(events: 120_000)
    let digests = try await withThrowingTaskGroup(of: Digest.self) { group in
      for _ in 0..<8 {
        group.addTask {
          var digest = Digest()
          try file.read(addresses: true) { digest.add($0) }
          return digest
        }
      }
      return try await group.reduce(into: [Digest]()) { $0.append($1) }
    }
    #expect(digests.count == 8 && Set(digests.map(\.value)).count == 1)
  }
}
