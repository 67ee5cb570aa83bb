// A part of a trace is the same part, wherever reading begins.

import MemoryUnits
import TestSupport
import Testing
import Trace

@Suite struct RangeTests {
  let directory = TemporaryDirectory()

  /// Writes calls with a keyframe at each flush that comes so many steps after another; 0: none.
  private func record(
    _ calls: [Call], _ name: String, keyframesEvery steps: UInt64, headerBytes: Int = 8,
    knowsTimes: Bool = true
  ) throws -> TraceFile {
    var metadata = TraceMetadata()
    metadata.headerBytes = headerBytes
    metadata.knowsTimes = knowsTimes
    let path = directory.file(name)
    let writer = try TraceWriter(path: path, metadata: metadata)
    if steps > 0 { writer.setKeyframes(every: steps) }
    for index in 1..<50 {
      let node = writer.node(parent: UInt32(index - 1), returnAddress: UInt64(index), image: 0)
      let entry = EntryPoint.allCases[index % EntryPoint.allCases.count]
      _ = writer.stack(node: node, entry: entry)
    }
    for _ in 0..<7 { _ = writer.thread(ThreadDescription(kernelID: 1, name: "t")) }
    for (index, call) in calls.enumerated() {
      try writer.feed(call)
      if steps > 0, index % 37 == 36 { try writer.flush() }
    }
    try writer.finish()
    return try TraceFile(path: path)
  }

  private func moments(_ steps: [ExpectedStep], _ random: inout SeededRandom) -> [UInt64] {
    let times = steps.map(\.time)
    let last = times.last ?? 0
    let some = (0..<12).map { _ in times.randomElement(using: &random) ?? 0 }
    return [0, 1, last, last + 1, .max] + some + some.map { $0 + 1 }
  }

  @Test("what lives, and every step, of any range of a random trace", arguments: 0..<12)
  func random(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let calls = randomCalls(
      2500, seed: seed, threads: 7, stacks: 50, addresses: seed % 3 == 0 ? 8 : 700)
    let model = NaiveRecorder(calls)
    let plain = try record(
      calls, "plain", keyframesEvery: 0, headerBytes: seed % 2 == 0 ? 8 : 0)
    let keyed = try record(
      calls, "keyed", keyframesEvery: 1 + seed * 20, headerBytes: seed % 2 == 0 ? 8 : 0)
    #expect(keyed.fileBytes > plain.fileBytes && keyed.isComplete)
    #expect(try steps(of: keyed) == model.steps)
    let moments = moments(model.steps, &random)
    for _ in 0..<40 {
      let from = moments.randomElement(using: &random) ?? 0
      let to = Bool.random(using: &random) ? moments.randomElement(using: &random) : nil
      let range = TraceRange(from: from, to: to)
      let expected = NaiveRange(model.steps, range) { $0.time }
      for file in [plain, keyed] {
        for addresses in [true, false] {
          let found = try FoundRange(file, range, addresses: addresses)
          #expect(
            found.matches(expected, addresses: addresses), "\(range) \(addresses) seed \(seed)")
        }
        let slice = try TraceSlice(of: file, range)
        #expect(slice.summary == expected.summary(of: model), "\(range)")
        #expect(slice.stepsBefore == UInt64(expected.stepsBefore))
      }
    }
    #expect(plain.damage.isEmpty && keyed.damage.isEmpty)
  }

  @Test("ranges count steps where there are no times") func counted() throws {
    let calls = randomCalls(900, seed: 99, threads: 1, stacks: 3, addresses: 40)
    let file = try record(calls, "trace", keyframesEvery: 10, knowsTimes: false)
    let steps = NaiveRecorder(calls).steps
    for (from, to) in [(0, nil), (7, 8), (7, 7), (300, 411), (steps.count, nil), (5000, nil)] {
      let range = TraceRange(from: UInt64(from), to: to.map { UInt64($0) })
      let expected = NaiveRange(steps, range, positions: Array(steps.indices))
      let found = try FoundRange(file, range, addresses: true)
      #expect(found.matches(expected, addresses: true), "\(range)")
    }
  }

  @Test("a range costs no more than the way from its keyframe") func cost() throws {
    // Chunks before the last keyframe are made unreadable: a range after it does not miss them.
    let calls = randomCalls(4000, seed: 5, threads: 7, stacks: 50, addresses: 700)
    let path = directory.file("trace")
    _ = try record(calls, "trace", keyframesEvery: 300)
    let model = NaiveRecorder(calls)
    var bytes = contents(of: path)
    var offset = 16
    var events: [Int] = []
    var keyframes: [Int] = []
    while offset + 64 <= bytes.count - 24 {
      if bytes[offset + 4] == 2 { events.append(offset) }
      if bytes[offset + 4] == 11 { keyframes.append(offset) }
      offset += 64 + (0..<4).reduce(0) { $0 | Int(bytes[offset + 16 + $1]) << ($1 * 8) }
    }
    #expect(keyframes.count > 5 && events.count > 10)
    let last = try #require(keyframes.last)
    let doomed = events.filter { $0 < last }
    for chunk in doomed { bytes[chunk + 70] ^= 0xff }
    write(bytes, to: path)
    let file = try TraceFile(path: path, checking: .whenRead)
    #expect(file.isComplete)
    let lastStep = (0..<8).reduce(0) { $0 | Int(bytes[last + 24 + $1]) << ($1 * 8) }
    let range = TraceRange(from: model.steps[lastStep].time + 1)
    let expected = NaiveRange(model.steps, range) { $0.time }
    #expect(try FoundRange(file, range, addresses: true).matches(expected, addresses: true))
    #expect(file.isComplete)
    try file.read(addresses: false) { _ in }
    #expect(file.damage.count == doomed.count && !file.isComplete)
    #expect(file.damage.allSatisfy { $0.lostSteps > 0 })
  }

  @Test("where a keyframe is damaged, the one before does") func damagedKeyframe() throws {
    let calls = randomCalls(1500, seed: 21, threads: 7, stacks: 50, addresses: 300)
    let path = directory.file("trace")
    _ = try record(calls, "trace", keyframesEvery: 100)
    let steps = NaiveRecorder(calls).steps
    let intact = contents(of: path)
    var offset = 16
    var tried = 0
    while offset + 64 <= intact.count - 24 {
      let length = 64 + (0..<4).reduce(0) { $0 | Int(intact[offset + 16 + $1]) << ($1 * 8) }
      defer { offset += length }
      guard intact[offset + 4] == 11 else { continue }
      tried += 1
      let step = (0..<8).reduce(0) { $0 | Int(intact[offset + 24 + $1]) << ($1 * 8) }
      guard step < steps.count else { continue }
      var bytes = intact
      bytes[offset + 70] ^= 1
      write(bytes, to: path)
      let range = TraceRange(from: steps[step].time + 1, to: steps[step].time + 200_000)
      let expected = NaiveRange(steps, range) { $0.time }
      for checking in [TraceChecking.always, .whenRead] {
        let file = try TraceFile(path: path, checking: checking)
        #expect(try FoundRange(file, range, addresses: true).matches(expected, addresses: true))
        #expect(file.damage.count == 1 && file.damage[0].lostSteps == 0, "\(file.damage)")
        #expect(file.damage[0].explanation.contains("keyframe"))
      }
    }
    #expect(tried > 5)
  }

  @Test("blocks too large, too late or too many for the usual form") func unusual() throws {
    let path = directory.file("trace")
    let writer = try TraceWriter(path: path, metadata: TraceMetadata())
    writer.setKeyframes(every: 1)
    var expected: [Request] = []
    func allocate(
      _ address: UInt64, _ size: Int64, _ usable: Int64, _ thread: UInt32, _ time: UInt64
    ) {
      writer.allocate(
        address: Address(address), size: ByteCount(size), usable: ByteCount(usable),
        alignmentShift: UInt8(address & 63), stack: .unknown, thread: ThreadIndex(thread),
        time: Timestamp(nanoseconds: time))
      expected.append(
        Request(
          operation: .allocate, slot: Slot(UInt32(expected.count)),
          time: Timestamp(nanoseconds: time), size: ByteCount(size), address: Address(address),
          usable: ByteCount(max(size, usable)), thread: ThreadIndex(thread),
          alignmentShift: UInt8(address & 63)))
    }
    allocate(0x1003, 1, 1, 0, 0)
    allocate(0x2000, 1 << 33, 1 << 33, 0, 1000)
    allocate(0x3000, 1 << 33 - 1, 1 << 33 - 1, 1, 1000)
    allocate(0x4000, 1 << 48, 1 << 48, 0, 2000)
    allocate(0x5000, 100, 100 + 16_382, 0, 2000)
    allocate(0x6000, 100, 100 + 16_383, 2, 2000)
    allocate(0x7000, 0, 1 << 40, 0, 2000)
    allocate(UInt64.max - 1, 7, 8, 0, 1 << 54)
    allocate(0x8000, 7, 8, 0, 1000 << 45)
    // Dead before the keyframe, in all orders of usual and unusual at one address.
    for (old, new) in [(Int64(1), Int64(1) << 40), (1 << 40, 1), (1 << 40, 1 << 41)] {
      for size in [old, new] {
        writer.allocate(
          address: Address(0x9000), size: ByteCount(size), usable: ByteCount(size),
          alignmentShift: 0, stack: .unknown, thread: ThreadIndex(0),
          time: Timestamp(nanoseconds: 1000 << 45))
      }
      writer.free(
        address: Address(0x9000), thread: ThreadIndex(0),
        time: Timestamp(nanoseconds: 1000 << 45))
    }
    expected = expected.map { request in
      var request = request
      request.time.nanoseconds = request.time.nanoseconds / 1000 * 1000
      return request
    }
    try writer.flush()
    writer.free(
      address: Address(0x4000), thread: ThreadIndex(0), time: Timestamp(nanoseconds: 1001 << 45))
    try writer.finish()
    #expect(writer.summary.liveBytesAtEnd == expected.reduce(0) { $0 + $1.size.rawValue } - 1 << 48)
    let file = try TraceFile(path: path)
    var opened: [Request] = []
    var operations: [Trace.Operation] = []
    try file.read(in: TraceRange(from: 1000 << 45 + 1), addresses: true) {
      opened = $0.steps
    } _: {
      operations += $0.map(\.operation)
    }
    #expect(operations == [.free])
    #expect(opened.map(\.address) == expected.map(\.address))
    #expect(opened.map(\.size) == expected.map(\.size))
    #expect(opened.map(\.usable) == expected.map(\.usable))
    #expect(opened.map(\.thread) == expected.map(\.thread))
    #expect(opened.map(\.alignmentShift) == expected.map(\.alignmentShift))
    #expect(opened.map(\.time) == expected.map(\.time))
  }
}

// MARK: A range, the slow way

/// What a range must contain, found by walking through all steps before it.
private struct NaiveRange {
  var live: [ExpectedStep] = []
  var steps: [ExpectedStep] = []
  var stepsBefore = 0
  var from: UInt64 = 0
  var to: UInt64 = .max
  var unknown: UInt64 = 0

  init(_ all: [ExpectedStep], _ range: TraceRange, position: (ExpectedStep) -> UInt64) {
    self.init(all, range, positions: all.map { Int(position($0)) })
  }

  init(_ all: [ExpectedStep], _ range: TraceRange, positions: [Int]) {
    var living: [Int: (order: Int, step: ExpectedStep)] = [:]
    var openReallocations = 0
    from = range.lowerBound
    to = range.upperBound ?? .max
    for (index, step) in all.enumerated() {
      let position = UInt64(positions[index])
      let isInside =
        position >= range.lowerBound && range.upperBound.map { position < $0 } ?? true
      switch step.operation {
      case .reallocateBegin: openReallocations += 1
      case .reallocateEnd where openReallocations > 0: openReallocations -= 1
      case .reallocateEnd, .freeUnknown: unknown += isInside ? 1 : 0
      default: break
      }
      if position < range.lowerBound {
        stepsBefore += 1
        guard let block = step.block else { continue }
        switch step.operation {
        case .allocate, .reallocate, .reallocateEnd: living[block] = (index, step)
        default: living[block] = nil
        }
      } else if isInside {
        steps.append(step)
      }
    }
    live = living.values.sorted { $0.order < $1.order }.map {
      var step = $0.step
      step.operation = .allocate
      return step
    }
  }

  /// Counted after each step by adding up what lives.
  func summary(of model: NaiveRecorder) -> TraceSummary {
    var summary = TraceSummary()
    var sizes = Dictionary(uniqueKeysWithValues: live.map { ($0.block ?? -1, $0.size) })
    summary.peakLiveBytes = sizes.values.reduce(0, +)
    summary.peakLiveBlocks = UInt64(sizes.count)
    summary.peakNanoseconds = from
    summary.peakStep = UInt64(stepsBefore)
    let end = min(to, model.steps.last?.time ?? 0)
    summary.durationNanoseconds = end > from ? end - from : 0
    for (index, step) in steps.enumerated() {
      switch step.operation {
      case .allocate: summary.allocations += 1
      case .free, .freeUnknown: summary.frees += 1
      case .reallocate, .reallocateEnd: summary.reallocations += 1
      default: break
      }
      if let block = step.block {
        switch step.operation {
        case .allocate, .reallocate, .reallocateEnd: sizes[block] = step.size
        default: sizes[block] = nil
        }
      }
      let bytes = sizes.values.reduce(0, +)
      if bytes > summary.peakLiveBytes {
        summary.peakLiveBytes = bytes
        summary.peakStep = UInt64(stepsBefore + index + 1)
        summary.peakNanoseconds = step.time
      }
      summary.peakLiveBlocks = max(summary.peakLiveBlocks, UInt64(sizes.count))
    }
    summary.steps = UInt64(steps.count)
    summary.liveBytesAtEnd = sizes.values.reduce(0, +)
    summary.liveBlocksAtEnd = UInt64(sizes.count)
    summary.freesOfUnknownAddress = unknown
    summary.lostEvents = model.summary.lostEvents
    summary.truncatedStacks = model.summary.truncatedStacks
    return summary
  }
}

/// What was read of a range.
private struct FoundRange {
  var live: [ExpectedStep] = []
  var steps: [ExpectedStep] = []
  var opening = TraceOpening()
  var isSound = true

  init(_ file: TraceFile, _ range: TraceRange, addresses: Bool) throws {
    var openings = 0
    var blocks: [UInt32: Int] = [:]
    var count = 0
    var found = (live: [ExpectedStep](), steps: [ExpectedStep](), opening: TraceOpening())
    var isSound = true
    func step(_ request: Request) -> ExpectedStep {
      if let side = request.sideStep {
        return ExpectedStep(
          operation: request.operation, time: request.time.nanoseconds,
          thread: request.thread.rawValue, side: side)
      }
      let slot = request.slot.rawValue
      var block: Int?
      switch request.operation {
      case .allocate, .reallocateEnd:
        if blocks[slot] != nil { isSound = false }
        count += 1
        blocks[slot] = count
        block = count
      case .reallocate: block = blocks[slot] ?? -1
      case .free, .reallocateBegin, .abandon: block = blocks.removeValue(forKey: slot) ?? -1
      default: break
      }
      return ExpectedStep(
        operation: request.operation, block: block, time: request.time.nanoseconds,
        thread: request.thread.rawValue, size: request.size.rawValue,
        address: request.address.rawValue, usable: request.usable.rawValue,
        stack: request.stack.rawValue, alignmentShift: request.alignmentShift,
        release: request.operation == .free ? request.entry : nil)
    }
    try file.read(in: range, addresses: addresses) { opening in
      openings += 1
      found.opening = opening
      found.live = opening.steps.filter { $0.operation == .allocate }.map(step)
    } _: { batch in
      if openings != 1 { isSound = false }
      found.steps += batch.map(step)
    }
    self.isSound = isSound && openings == 1
    (live, steps, opening) = found
  }

  /// Whether both say the same, whatever numbers blocks have.
  func matches(_ expected: NaiveRange, addresses: Bool) -> Bool {
    guard isSound, live.count == expected.live.count, steps.count == expected.steps.count,
      opening.liveBlocks == UInt64(live.count),
      opening.liveBytes.rawValue == live.reduce(0, { $0 + $1.size })
    else { return false }
    var numbers: [Int: Int] = [:]
    for (mine, theirs) in zip(live + steps, expected.live + expected.steps) {
      var mine = mine
      var theirs = theirs
      if let block = mine.block, let other = theirs.block {
        if let known = numbers[block] {
          guard known == other else { return false }
        } else {
          numbers[block] = other
        }
        mine.block = other
      }
      if !addresses {
        theirs.address = 0
        theirs.usable = theirs.size
      }
      guard mine == theirs else { return false }
    }
    return true
  }
}
