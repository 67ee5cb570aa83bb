// Whatever happens to a file, what is intact is read and what is lost is named.

import MemoryUnits
import TestSupport
import Testing
import Trace

@Suite struct DamageTests {
  let directory = TemporaryDirectory()

  /// A small file of several chunks, and what it holds: the file offset up to which each number of
  /// steps needs to be intact.
  private struct Sample {
    var bytes: [UInt8]
    var steps: [ExpectedStep]
    /// After each flush: where the steps end in the file, and how many are in it.
    var flushes: [(bytes: Int, steps: Int)]
  }

  private func sample(seed: UInt64 = 3, callsPerChunk: Int = 25, chunks: Int = 4) throws -> Sample {
    let path = directory.file("sample")
    var metadata = TraceMetadata()
    metadata.headerBytes = 8
    let writer = try TraceWriter(path: path, metadata: metadata)
    writer.setKeyframes(every: 20)
    writer.setIndexParts(of: 5)
    for index in 0..<5 {
      _ = writer.thread(ThreadDescription(kernelID: Int32(index), name: "t\(index)"))
    }
    let calls = randomCalls(
      callsPerChunk * chunks, seed: seed, threads: 5, stacks: 4, addresses: 12
    ).filter {
      switch $0 {
      case .flush, .lose, .truncateStack: false
      default: true
      }
    }
    var flushes: [(bytes: Int, steps: Int)] = []
    for (index, call) in calls.enumerated() {
      if index == 30 {
        let node = writer.node(parent: 0, returnAddress: 0x1234, image: 0)
        for entry in [EntryPoint.malloc, .calloc, .realloc] {
          _ = writer.stack(node: node, entry: entry)
        }
      }
      if index == 40 || index == 60 { writer.snapshot(Self.snapshot) }
      if index == 50 { writer.renameThread(ThreadIndex(2), to: "renamed") }
      try writer.feed(call)
      if index % callsPerChunk == callsPerChunk - 1 {
        try writer.flush()
        flushes.append((endOfEvents(contents(of: path)), Int(writer.summary.steps)))
      }
    }
    try writer.flush()
    flushes.append((endOfEvents(contents(of: path)), Int(writer.summary.steps)))
    try writer.finish()
    return Sample(bytes: contents(of: path), steps: NaiveRecorder(calls).steps, flushes: flushes)
  }

  /// With a path, a range and a cache.
  private static let snapshot = Snapshot(
    time: .zero, endTime: .zero, steps: 1..<2, reason: .mark(7),
    mappings: [
      SnapshotMapping(
        range: Address(0x1000)..<Address(0x5000), permissions: .read,
        kind: .file(path: "/a", offset: 0), figures: .init(resident: 4096, anonymous: 0))
    ],
    pages: PagePresence(source: .pagemap, present: [Address(0x6000)..<Address(0x7000)]),
    threadCaches: [
      ThreadCache(
        thread: ThreadIndex(0), structure: Address(0x9010),
        bins: [ThreadCache.Bin(usable: 24, blocks: [Address(0x9300)])])
    ])

  /// Stack numbers depend on a table that may be lost; everything else does not.
  private func stackless(_ steps: some Sequence<ExpectedStep>) -> [ExpectedStep] {
    steps.map { step in
      var step = step
      step.stack = 0
      return step
    }
  }

  /// Opens and reads with and without addresses; only a ``TraceError`` may stop it.
  ///
  /// What was sealed with right checksums may say one thing in the index and another elsewhere.
  private func open(
    _ bytes: [UInt8], isSealed: Bool = false, quickly: Bool = true
  ) throws -> (file: TraceFile, steps: [ExpectedStep])? {
    let path = directory.file("damaged")
    write(bytes, to: path)
    do {
      let file = try TraceFile(path: path)
      let found = try steps(of: file, addresses: true)
      // Addresses may be damaged where everything else is not.
      #expect(try steps(of: file, addresses: false).count >= found.count)
      for snapshot in file.snapshots {
        #expect(snapshot.steps.lowerBound <= snapshot.steps.upperBound)
        #expect(snapshot.mappings.allSatisfy { $0.range.byteCount > .zero })
      }
      for stack in 0..<UInt32(file.stacks.count + 2) {
        _ = file.stacks.returnAddresses(of: StackID(stack))
        _ = file.stacks.image(of: StackID(stack))
      }
      for step in found {
        #expect(step.block != -1 && Int(step.thread) < file.threads.count)
        #expect(Int(step.stack) < file.stacks.count)
      }
      if quickly { try openQuickly(path, sameAs: isSealed ? nil : file, found) }
      return (file, found)
    } catch is TraceError {
      return nil
    }
  }

  /// A part of a damaged file may be anything, but nothing that is impossible.
  private func readPart(of file: TraceFile, number: Int) throws {
    let last = file.summary.durationNanoseconds
    let ranges = [
      TraceRange(from: last / 2), TraceRange(from: last / 4 * 3, to: last / 8 * 7),
      TraceRange(from: last + 1),
    ]
    let range = ranges[number]
    var slots: Set<UInt32> = []
    var isOpen = false
    try file.read(in: range, addresses: true) { opening in
      #expect(!isOpen)
      isOpen = true
      for step in opening.steps where step.operation == .allocate {
        #expect(slots.insert(step.slot.rawValue).inserted && step.slot.rawValue < opening.slots)
        #expect(step.stack.index < file.stacks.count)
        #expect(step.thread.index < file.threads.count)
      }
      #expect(slots.count == Int(opening.liveBlocks))
    } _: { batch in
      for step in batch {
        #expect(isOpen)
        if file.usesTimes {
          #expect(step.time.nanoseconds >= range.lowerBound)
          #expect(step.time.nanoseconds < range.upperBound ?? .max)
        }
        switch step.operation {
        case .allocate, .reallocateEnd: #expect(slots.insert(step.slot.rawValue).inserted)
        case .reallocate: #expect(slots.contains(step.slot.rawValue))
        case .free, .abandon, .reallocateBegin:
          #expect(slots.remove(step.slot.rawValue) != nil)
        default: break
        }
      }
    }
    #expect(isOpen)
  }

  /// By its index a file says the same, or less, but does not keep quiet about it.
  private func openQuickly(
    _ path: String, sameAs whole: TraceFile?, _ found: [ExpectedStep]
  ) throws {
    let file = try TraceFile(path: path, checking: .whenRead)
    let steps = try steps(of: file, addresses: true)
    _ = (file.stacks, file.modules, file.threads, file.samples, file.snapshots, file.marks)
    try readPart(of: file, number: found.count % 3)
    guard let whole else { return }
    #expect(file.threads.count >= whole.threads.count || !file.isComplete)
    let lost = { (file: TraceFile) in file.damage.reduce(0) { $0 + $1.lostSteps } }
    if whole.isComplete {
      #expect(file.isComplete && steps == found)
    } else if lost(whole) > 0 {
      #expect(lost(file) >= lost(whole) && !file.isComplete)
    } else {
      #expect(stackless(steps) == stackless(found))
    }
  }

  @Test("a file cut anywhere keeps every chunk before the cut") func cuts() throws {
    let sample = try sample()
    for length in 0..<sample.bytes.count {
      guard
        let (file, found) = try open(
          Array(sample.bytes[..<length]), quickly: length % 8 == 0)
      else {
        #expect(length < 16, "cut to \(length) bytes")
        continue
      }
      #expect(!file.isComplete, "cut to \(length) bytes")
      let intact = sample.flushes.last { $0.bytes <= length }?.steps ?? 0
      #expect(
        stackless(found) == stackless(sample.steps[..<intact]), "cut to \(length) bytes")
      #expect(file.summary.steps == UInt64(intact), "cut to \(length) bytes")
    }
  }

  @Test("a flipped byte loses at most its chunk", arguments: [UInt8(0x01), 0x80, 0xff])
  func flips(pattern: UInt8) throws {
    let sample = try sample()
    for offset in sample.bytes.indices {
      var bytes = sample.bytes
      bytes[offset] ^= pattern
      guard let (file, found) = try open(bytes, quickly: pattern == 0x80) else {
        Issue.record("flip at \(offset): not even opened")
        continue
      }
      #expect(!file.isComplete && !file.damage.isEmpty, "flip at \(offset)")
      let before = sample.flushes.last { $0.bytes <= offset }?.steps ?? 0
      #expect(
        stackless(found.prefix(before)) == stackless(sample.steps[..<before]), "flip at \(offset)")
      // Whatever chunk it was: those after it are there, and no time or size of theirs is changed.
      let after = sample.flushes.firstIndex { $0.bytes > offset } ?? sample.flushes.count - 1
      let rest = sample.steps[sample.flushes[after].steps...].filter {
        [.allocate, .moveBreak].contains($0.operation)
      }
      let foundRest = found.filter { [.allocate, .moveBreak].contains($0.operation) }
        .suffix(rest.count)
      #expect(foundRest.map(\.size) == rest.map(\.size), "flip at \(offset)")
      #expect(foundRest.map(\.address) == rest.map(\.address), "flip at \(offset)")
      #expect(foundRest.map(\.time) == rest.map(\.time), "flip at \(offset)")
      // All steps are accounted for. (Steps about blocks that are lost have nothing to say.)
      let lost = file.damage.reduce(0) { $0 + $1.lostSteps }
      #expect(found.count + Int(lost) <= sample.steps.count, "flip at \(offset)")
      if lost == 0 {
        #expect(
          stackless(found) == stackless(sample.steps), "flip at \(offset): \(file.damage)")
      }
    }
  }

  @Test("every bit pattern at some places") func patterns() throws {
    let sample = try sample()
    for offset in stride(from: 3, to: sample.bytes.count, by: 311) {
      for pattern in UInt8(1)...255 {
        var bytes = sample.bytes
        bytes[offset] ^= pattern
        let opened = try open(bytes, quickly: false)
        #expect(opened != nil, "flip \(pattern) at \(offset)")
        #expect(opened?.file.isComplete != true, "flip \(pattern) at \(offset)")
      }
    }
  }

  @Test("contents that were sealed with right checksums but make no sense") func resealed() throws {
    let sample = try sample()
    var harmful = 0
    for chunk in chunks(of: sample.bytes) {
      for offset in (chunk + 4)..<(chunk + 64 + Int(payloadLength(sample.bytes, chunk)))
      where !(16..<24).contains(offset - chunk) && offset - chunk != 60 {
        for pattern in [UInt8(1) << UInt8(offset % 8), 0xff] {
          var bytes = sample.bytes
          bytes[offset] ^= pattern
          reseal(&bytes, chunk)
          if let opened = try open(bytes, isSealed: true), !opened.file.damage.isEmpty {
            harmful += 1
          }
        }
      }
    }
    #expect(harmful > 500)
  }

  @Test("random rubbish behind a right head", arguments: 0..<20) func rubbish(seed: UInt64) throws {
    let sample = try sample()
    var random = SeededRandom(seed: seed)
    for _ in 0..<50 {
      let from = Int.random(in: 16..<sample.bytes.count, using: &random)
      let count = Int.random(in: 0..<400, using: &random)
      let junk = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      let resume = Int.random(in: from..<sample.bytes.count, using: &random)
      let opened = try open(sample.bytes[..<from] + junk + sample.bytes[resume...])
      #expect(opened != nil)
    }
  }

  @Test("a chunk that is cut out leaves its steps missed and its frees unknown") func missing()
    throws
  {
    let path = directory.file("trace")
    let writer = try TraceWriter(path: path, metadata: TraceMetadata())
    func call(_ call: Call) throws { try writer.feed(call) }
    func allocate(_ address: UInt64) -> Call {
      .allocate(
        address: address, size: 100, usable: 100, alignmentShift: 0, stack: 0, thread: 0, time: 0)
    }
    try call(allocate(1))
    try call(.flush)
    try call(allocate(2))
    try call(allocate(3))
    try call(.flush)
    try call(.free(address: 3, thread: 0, time: 0))
    try call(
      .reallocate(old: 2, new: 5, size: 50, usable: 50, stack: 0, thread: 0, time: 0))
    try call(allocate(4))
    try call(.free(address: 1, thread: 0, time: 0))
    try call(.replaceImage(time: 0))
    try writer.finish()
    let bytes = contents(of: path)
    let events = chunks(of: bytes).filter { bytes[$0 + 4] == 2 }
    #expect(events.count == 3)
    let opened = try #require(
      try open(Array(bytes[..<events[1]]) + Array(bytes[events[2]...])))
    #expect(
      opened.steps.map(\.operation) == [
        .allocate, .freeUnknown, .reallocateEnd, .allocate, .free, .abandon, .abandon,
      ])
    #expect(opened.file.damage.map(\.lostSteps) == [2], "\(opened.file.damage)")
    #expect(opened.file.summary.lostEvents == 2)
    #expect(opened.file.summary.liveBlocksAtEnd == 0)
    #expect(opened.file.summary.peakLiveBytes == 250)
    #expect(!opened.file.isComplete)
  }

  @Test("a trace that was flushed and not finished") func unfinished() throws {
    let path = directory.file("trace")
    let calls = randomCalls(500, seed: 11, threads: 2, stacks: 3)
    let summary = try record(calls, to: path, stacks: 3, threads: 2, finish: false)
    let file = try TraceFile(path: path)
    #expect(!file.isComplete && file.damage.isEmpty)
    #expect(try steps(of: file) == NaiveRecorder(calls).steps)
    #expect(file.summary == summary)
    #expect(file.metadata.command == ["program", "argument"])
    #expect(file.threads.count == 2 && file.stacks.count == 3)
  }
}
