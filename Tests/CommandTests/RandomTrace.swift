// Traces of random requests, with everything that a trace may have, and a naive account of them.

import MemoryUnits
import TestSupport
import Trace

extension Workshop {
  /// Writes a trace of random requests by three threads.
  func randomTrace(
    seed: UInt64, steps: Int = 4000, to name: String = "random.trace",
    _ adjust: (inout TraceMetadata) -> Void = { _ in }
  ) throws -> String {
    var metadata = TraceMetadata()
    metadata.command = ["random", "a \"b\"", "c;d,e#f"]
    metadata.processID = 4711
    metadata.startedAt = 1_700_000_000.25
    metadata.headerBytes = 8
    adjust(&metadata)
    let writer = try TraceWriter(path: file(name), metadata: metadata)
    var maker = RandomTraceMaker(writer, seed: seed)
    for _ in 0..<steps { maker.step() }
    try writer.finish()
    return file(name)
  }
}

private struct RandomTraceMaker {
  private static let base: UInt64 = 0x1000_0000
  private static let stride: UInt64 = 1024

  private let writer: TraceWriter
  private var random: SeededRandom
  private var now: UInt64 = 0
  private var threads: [ThreadIndex] = []
  private var stacks: [StackID] = [.unknown]
  /// The places in use, and those between the halves of a reallocation.
  private var used: [UInt64] = []
  private var free: [UInt64]
  private var halves: [ThreadIndex] = []

  init(_ writer: TraceWriter, seed: UInt64) {
    self.writer = writer
    random = SeededRandom(seed: seed)
    free = (0..<600).map { Self.base + 16 + $0 * Self.stride }
    for id in 1...3 {
      threads.append(
        writer.thread(ThreadDescription(kernelID: 4710 + Int32(id), name: "thread \(id)")))
    }
    var nodes: [UInt32] = [0]
    for index in 1...30 {
      let parent = nodes[Int.random(in: 0..<nodes.count, using: &random)]
      nodes.append(
        writer.node(parent: parent, returnAddress: 0x40_1000 + UInt64(index) * 16, image: 0))
    }
    for node in nodes.dropFirst() {
      stacks.append(writer.stack(node: node, entry: .malloc))
      if node % 5 == 0 { stacks.append(writer.stack(node: node, entry: .newArray)) }
    }
    writer.startBreak(at: Address(Self.base), time: .zero)
    writer.moveBreak(to: Address(Self.base + 700 * Self.stride), time: .zero)
  }

  mutating func step() {
    now += UInt64.random(in: 0..<3_000_000, using: &random)
    let time = Timestamp(nanoseconds: now)
    let thread = threads[Int.random(in: 0..<3, using: &random)]
    let stack = stacks[Int.random(in: 0..<stacks.count, using: &random)]
    let size = ByteCount(Int64.random(in: 0...900, using: &random))
    let usable = (size + 24).roundedUp(to: 16) - 8
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<46:
      guard let place = take(\.free) else { return }
      used.append(place)
      writer.allocate(
        address: Address(place), size: size, usable: usable,
        alignmentShift: size.rawValue % 7 == 0 ? 4 : 0, stack: stack, thread: thread, time: time)
    case 46..<82:
      guard let place = take(\.used) else { return }
      free.append(place)
      writer.free(address: Address(place), thread: thread, time: time)
    case 82..<90:
      guard let old = take(\.used), let new = Bool.random(using: &random) ? old : take(\.free)
      else {
        return
      }
      if new != old { free.append(old) }
      used.append(new)
      writer.reallocate(
        old: Address(old), new: Address(new), size: size, usable: usable, stack: stack,
        thread: thread, time: time)
    case 90..<93:
      guard let old = take(\.used) else { return }
      free.append(old)
      halves.append(thread)
      writer.reallocateBegin(old: Address(old), thread: thread, time: time)
    case 93..<96:
      guard let thread = halves.popLast(), let new = take(\.free) else { return }
      used.append(new)
      writer.reallocateEnd(
        new: Address(new), size: size, usable: usable, stack: stack, thread: thread, time: time)
    default: stepAside(stack, thread, time)
    }
  }

  private mutating func stepAside(_ stack: StackID, _ thread: ThreadIndex, _ time: Timestamp) {
    let range = Address(0x7f00_0000_0000)..<Address(0x7f00_0000_4000)
    switch Int.random(in: 0..<8, using: &random) {
    case 0: writer.free(address: Address(0xdead_0000), thread: thread, time: time)
    case 1: _ = writer.mark("a \"mark\",\nof \(now)", thread: thread, time: time)
    case 2:
      writer.side(
        .map(range: range, traits: .anonymous, stack: stack, entry: .mmap), thread: thread,
        time: time)
    case 3: writer.side(.setOption(parameter: -3, value: 65536), thread: thread, time: time)
    case 4: writer.side(.trim(pad: 4096), thread: thread, time: time)
    case 5:
      writer.side(
        .poolAllocate(pool: PoolID(0), address: Address(0x5000), size: 8, stack: stack),
        thread: thread, time: time)
    case 6: writer.side(.unmap(range: range, entry: .munmap), thread: thread, time: time)
    default:
      writer.sample(
        ResidentSample(time: time, resident: ByteCount(9_000_000), shared: ByteCount(1_000_000)))
    }
  }

  private mutating func take(
    _ places: WritableKeyPath<RandomTraceMaker, [UInt64]>
  ) -> UInt64? {
    guard !self[keyPath: places].isEmpty else { return nil }
    let index = Int.random(in: 0..<self[keyPath: places].count, using: &random)
    return self[keyPath: places].remove(at: index)
  }
}

/// What a trace says, recounted step by step with dictionaries.
struct NaiveAccount {
  struct Block {
    var began: UInt64
    var firstStep: Int
    var size: Int
    var address: UInt64
    var stack: StackID
    var ended: (time: UInt64, step: Int)?
  }

  let trace: TraceFile
  /// All lives in the order in which they begin.
  private(set) var blocks: [Block] = []
  private(set) var times: [UInt64] = []

  init(_ path: String) throws {
    trace = try TraceFile(path: path)
    var blocks: [Block] = []
    var times: [UInt64] = []
    var places: [Slot: Int] = [:]
    try trace.read(addresses: true) { batch in
      for request in batch {
        let step = times.count
        times.append(request.time.nanoseconds)
        let ends: Set<Trace.Operation> = [.free, .reallocate, .reallocateBegin, .abandon]
        if ends.contains(request.operation), let place = places.removeValue(forKey: request.slot) {
          blocks[place].ended = (request.time.nanoseconds, step)
        }
        let begins: Set<Trace.Operation> = [.allocate, .reallocate, .reallocateEnd]
        guard begins.contains(request.operation) else { continue }
        places[request.slot] = blocks.count
        blocks.append(
          Block(
            began: request.time.nanoseconds, firstStep: step, size: request.size.int,
            address: request.address.rawValue, stack: request.stack))
      }
    }
    self.blocks = blocks
    self.times = times
  }

  /// How many steps lie before a moment as users write it.
  func steps(before moment: String) -> Int {
    switch moment {
    case "peak": return Int(trace.summary.peakStep)
    case "end": return times.count
    default:
      let share = (Double(moment.dropLast()) ?? 0) / 100
      guard trace.metadata.knowsTimes else { return Int(Double(times.count) * share) }
      let limit = UInt64(Double(trace.summary.durationNanoseconds) * share)
      return times.count { $0 <= limit }
    }
  }

  func lives(_ block: Block, at steps: Int) -> Bool {
    block.firstStep < steps && block.ended.map { $0.step >= steps } ?? true
  }

  /// The addresses of the calls of a stack as text, innermost first.
  func path(_ stack: StackID) -> String {
    let addresses = trace.stacks.returnAddresses(of: stack).map { "0x" + String($0 - 1, radix: 16) }
    return addresses.isEmpty ? "0x0" : addresses.joined(separator: ",")
  }

  /// Allocated blocks and bytes, live blocks and bytes, by path.
  func figures(at moment: String) -> [String: [Int]] {
    let steps = steps(before: moment)
    var result: [String: [Int]] = [:]
    for block in blocks where block.firstStep < steps {
      var figures = result[path(block.stack)] ?? [0, 0, 0, 0]
      figures[0] += 1
      figures[1] += block.size
      if lives(block, at: steps) {
        figures[2] += 1
        figures[3] += block.size
      }
      result[path(block.stack)] = figures
    }
    return result
  }

  /// The sum of one of the four figures.
  func total(_ figure: Int, at moment: String) -> Int {
    figures(at: moment).values.reduce(0) { $0 + $1[figure] }
  }
}
