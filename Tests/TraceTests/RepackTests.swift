// A trace that is packed anew says what it said before, in fewer bytes.

import Foundation
import MemoryUnits
import TestSupport
import Testing
import Trace

@Suite struct RepackTests {
  let directory = TemporaryDirectory()

  private func trace(seed: UInt64 = 9, count: Int = 30_000) throws -> String {
    let path = directory.file("trace-\(seed)")
    let calls = randomCalls(count, seed: seed, threads: 4, stacks: 300, addresses: 2000)
    _ = try record(calls, to: path, stacks: 300, threads: 4)
    return path
  }

  /// Everything that two files say is the same.
  private func expectSame(
    _ path: String, _ other: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let file = try TraceFile(path: path)
    let again = try TraceFile(path: other)
    #expect(try steps(of: file) == steps(of: again), sourceLocation: sourceLocation)
    #expect(file.summary == again.summary, sourceLocation: sourceLocation)
    #expect(file.metadata == again.metadata, sourceLocation: sourceLocation)
    #expect(file.threads == again.threads, sourceLocation: sourceLocation)
    #expect(file.modules == again.modules, sourceLocation: sourceLocation)
    #expect(file.samples == again.samples, sourceLocation: sourceLocation)
    #expect(file.snapshots == again.snapshots, sourceLocation: sourceLocation)
    #expect(file.marks == again.marks, sourceLocation: sourceLocation)
    #expect(file.stacks.count == again.stacks.count, sourceLocation: sourceLocation)
    for stack in 0..<UInt32(file.stacks.count) {
      #expect(
        file.stacks.frames(of: StackID(stack)) == again.stacks.frames(of: StackID(stack)),
        sourceLocation: sourceLocation)
    }
    #expect(file.isComplete == again.isComplete, sourceLocation: sourceLocation)
  }

  @Test("it becomes smaller at every level, and stays as small") func levels() throws {
    let path = try trace()
    let small = directory.file("small")
    for level in [1, 6, 9] {
      let result = try TraceRepacker.repack(path, to: small, level: level)
      #expect(result.bytesBefore == contents(of: path).count && result.damage.isEmpty)
      #expect(result.bytesAfter == contents(of: small).count)
      #expect(result.bytesAfter < result.bytesBefore)
      try expectSame(path, small)
    }
    let again = directory.file("again")
    let result = try TraceRepacker.repack(small, to: again, level: 1)
    // But for the index, which is made anew.
    #expect(result.bytesAfter <= result.bytesBefore + 100)
    try expectSame(path, again)
  }

  @Test("a trace of the first layout") func firstLayout() throws {
    let path = Workshop.fixtures + "/first-layout.trace"
    let small = directory.file("small")
    let result = try TraceRepacker.repack(path, to: small, level: 9)
    #expect(result.bytesAfter < result.bytesBefore)
    try expectSame(path, small)
  }

  @Test("of a damaged trace all that is intact is kept, and what is lost is said")
  func damage() throws {
    let path = try trace(count: 8000)
    let whole = contents(of: path)
    for part in 1..<12 {
      for isCut in [true, false] {
        var bytes = whole
        if isCut {
          bytes.removeSubrange((whole.count * part / 12)...)
        } else {
          bytes[whole.count * part / 12] ^= 1
        }
        let damaged = directory.file("damaged")
        write(bytes, to: damaged)
        let small = directory.file("small")
        let result = try TraceRepacker.repack(damaged, to: small, level: 9)
        let file = try TraceFile(path: damaged)
        let again = try TraceFile(path: small)
        #expect(!result.damage.isEmpty, "\(part), \(isCut)")
        #expect(!again.isComplete, "\(part), \(isCut)")
        #expect(try steps(of: again) == steps(of: file), "\(part), \(isCut)")
        #expect(again.summary.lostEvents >= file.summary.lostEvents || isCut, "\(part), \(isCut)")
        #expect(again.stacks.count == file.stacks.count && again.threads == file.threads)
      }
    }
  }

  @Test("an unfinished trace stays one") func unfinished() throws {
    let path = directory.file("unfinished")
    let calls = randomCalls(3000, seed: 4, threads: 2, stacks: 5)
    _ = try record(calls, to: path, stacks: 5, threads: 2, finish: false)
    let small = directory.file("small")
    let result = try TraceRepacker.repack(path, to: small, level: 5)
    #expect(result.bytesAfter < result.bytesBefore)
    let file = try TraceFile(path: small)
    #expect(!file.isComplete && file.damage.isEmpty)
    try expectSame(path, small)
  }

  @Test("chunks of a kind that nobody knows yet are kept") func unknownKinds() throws {
    let path = try trace(count: 500)
    var bytes = contents(of: path)
    // The last chunk before the summary, turned into one of an unknown kind that may be skipped.
    let offsets = chunks(of: bytes)
    let place = try #require(offsets.last { bytes[$0 + 4] == 2 })
    bytes[place + 4] = 77
    bytes[place + 6] |= 1
    for offset in place + 12..<place + 16 { bytes[offset] = 0 }
    reseal(&bytes, place)
    write(bytes, to: path)
    let small = directory.file("small")
    _ = try TraceRepacker.repack(path, to: small, level: 9)
    let kept = contents(of: small)
    let kinds = chunks(of: kept).map { kept[$0 + 4] }
    #expect(kinds == offsets.map { bytes[$0 + 4] })
    #expect(kinds.contains(77))
  }

  @Test("what cannot be read or written is said") func errors() throws {
    let path = try trace(count: 300)
    #expect(throws: TraceError.self) {
      try TraceRepacker.repack(directory.file("none"), to: directory.file("x"), level: 9)
    }
    #expect(throws: TraceError.self) {
      try TraceRepacker.repack(path, to: "/no/such/place", level: 9)
    }
    #expect(throws: TraceError.self) {
      try TraceRepacker.repack(path, to: "/dev/full", level: 9)
    }
  }
}
