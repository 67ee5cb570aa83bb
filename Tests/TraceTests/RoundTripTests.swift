// What is written comes out again, step by step.

import MemoryUnits
import TestSupport
import Testing
import Trace

/// Writes the calls to a file with so many stacks and threads described.
func record(
  _ calls: [Call], to path: String, stacks: Int = 1, threads: Int = 1, headerBytes: Int = 8,
  finish: Bool = true
) throws -> TraceSummary {
  var metadata = TraceMetadata()
  metadata.command = ["program", "argument"]
  metadata.headerBytes = headerBytes
  let writer = try TraceWriter(path: path, metadata: metadata)
  for index in 1..<max(stacks, 2) {
    let node = writer.node(
      parent: UInt32(index - 1) / 2, returnAddress: 0x40_0000 + UInt64(index) * 7, image: 0)
    let entry = EntryPoint.allCases[index % EntryPoint.allCases.count]
    #expect(writer.stack(node: node, entry: entry) == StackID(UInt32(index)))
  }
  for index in 0..<threads {
    _ = writer.thread(ThreadDescription(kernelID: Int32(100 + index), name: "thread \(index)"))
  }
  for call in calls { try writer.feed(call) }
  if finish { try writer.finish() } else { try writer.flush() }
  return writer.summary
}

@Suite struct RoundTripTests {
  let directory = TemporaryDirectory()

  /// Writes, reads, and compares with the model: steps, addresses, totals.
  private func check(
    _ calls: [Call], stacks: Int = 1, threads: Int = 1, headerBytes: Int = 8,
    _ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let path = directory.file("trace")
    let written = try record(
      calls, to: path, stacks: stacks, threads: threads, headerBytes: headerBytes)
    let file = try TraceFile(path: path)
    let model = NaiveRecorder(calls)
    #expect(file.damage == [], comment, sourceLocation: sourceLocation)
    #expect(file.isComplete, comment, sourceLocation: sourceLocation)
    #expect(written == model.summary, comment, sourceLocation: sourceLocation)
    #expect(file.summary == model.summary, comment, sourceLocation: sourceLocation)
    let found = try steps(of: file)
    let first = zip(found, model.steps).enumerated().first { $0.element.0 != $0.element.1 }
    #expect(first == nil, comment, sourceLocation: sourceLocation)
    #expect(found.count == model.steps.count, comment, sourceLocation: sourceLocation)
    let plain = model.steps.map { step in
      var step = step
      step.address = 0
      step.usable = step.size
      return step
    }
    #expect(
      try steps(of: file, addresses: false) == plain, comment, sourceLocation: sourceLocation)
  }

  @Test("an empty trace is complete") func empty() throws { try check([]) }

  @Test("every pair of calls on two addresses") func pairs() throws {
    var calls: [Call] = []
    for address in [UInt64(0x1000), 0x2000] {
      calls.append(
        .allocate(
          address: address, size: 10, usable: 24, alignmentShift: 6, stack: 1, thread: 0, time: 5))
      calls.append(.free(address: address, thread: 1, time: 2999))
      for other in [UInt64(0x1000), 0x2000] {
        calls.append(
          .reallocate(
            old: address, new: other, size: 99, usable: 104, stack: 2, thread: 1, time: 3000))
      }
      calls.append(.reallocateBegin(old: address, thread: 0, time: 7000))
      calls.append(
        .reallocateEnd(new: address, size: 7, usable: 7, stack: 0, thread: 0, time: 6000))
    }
    calls += [.moveBreak(address: 0x9000, time: 1), .replaceImage(time: 8000), .flush]
    for (i, first) in calls.enumerated() {
      for (j, second) in calls.enumerated() {
        for (k, third) in calls.enumerated() {
          try check([first, second, third], stacks: 3, threads: 2, "calls \(i), \(j), \(k)")
        }
      }
    }
  }

  @Test("random calls", arguments: 0..<40) func random(seed: UInt64) throws {
    let threads = [1, 2, 7, 300][Int(seed % 4)]
    let calls = randomCalls(
      3000, seed: seed, threads: UInt32(threads), stacks: 50, addresses: seed % 3 == 0 ? 8 : 4000)
    try check(
      calls, stacks: 50, threads: threads, headerBytes: seed % 2 == 0 ? 8 : 0, "seed \(seed)")
  }

  @Test("more steps than a chunk holds, many times over") func chunks() throws {
    let calls = randomCalls(300_000, seed: 7, threads: 3, stacks: 900, addresses: 50_000)
      .filter {
        switch $0 {
        case .flush, .replaceImage: false
        default: true
        }
      }
    try check(calls, stacks: 900, threads: 3)
  }

  @Test("blocks that outlive any window of recent allocations") func oldBlocks() throws {
    var calls: [Call] = []
    func allocate(_ address: UInt64) {
      calls.append(
        .allocate(
          address: address, size: Int64(address % 1000), usable: 0, alignmentShift: 0, stack: 0,
          thread: 0, time: 0))
    }
    for old in 0..<1000 { allocate(0x10_0000 + UInt64(old) * 16) }
    for _ in 0..<400_000 {
      allocate(0x99_0000)
      calls.append(.free(address: 0x99_0000, thread: 0, time: 0))
    }
    for old in stride(from: 999, through: 0, by: -3) {
      calls.append(.free(address: 0x10_0000 + UInt64(old) * 16, thread: 0, time: 0))
    }
    try check(calls)
  }

  @Test("sizes, usable sizes and alignments at their limits") func limits() throws {
    var calls: [Call] = []
    for shift in UInt64(0)..<48 {
      let power = Int64(1) << Int64(shift)
      for size in [power - 1, power, power + 1] {
        let address: UInt64 = (1 << 60) + (shift << 20) + UInt64(size & 3)
        let time: UInt64 = (1 << 62) + shift
        calls.append(
          .allocate(
            address: address, size: size, usable: (1 << 47) + 9, alignmentShift: UInt8(shift),
            stack: 0, thread: 0, time: time))
      }
    }
    calls.append(.free(address: .max, thread: 0, time: 1 << 63))
    calls.append(.free(address: 0, thread: 0, time: 0))
    calls.append(.moveBreak(address: .max, time: .max))
    try check(calls)
  }

  @Test("steps of a chunk are handed out in batches of at most 4096") func batches() throws {
    let path = directory.file("trace")
    let calls = (0..<10_000).map {
      Call.free(address: UInt64($0), thread: 0, time: UInt64($0) * 1000)
    }
    _ = try record(calls, to: path)
    var counts: [Int] = []
    try TraceFile(path: path).read(addresses: false) { counts.append($0.count) }
    #expect(counts == [4096, 4096, 1808])
  }

  @Test("the error of the body comes out of read") func bodyError() throws {
    struct Stop: Error {}
    let path = directory.file("trace")
    _ = try record([.free(address: 1, thread: 0, time: 0)], to: path)
    let file = try TraceFile(path: path)
    #expect(throws: Stop.self) { try file.read(addresses: false) { _ in throw Stop() } }
  }
}
