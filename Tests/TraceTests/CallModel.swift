// Calls of a program, and a naive recorder that says which steps a trace of them must have.

import MemoryUnits
import TestSupport
import Trace

/// What is fed to a writer.
enum Call {
  case allocate(
    address: UInt64, size: Int64, usable: Int64, alignmentShift: UInt8, stack: UInt32,
    thread: UInt32, time: UInt64)
  case free(address: UInt64, entry: EntryPoint = .free, thread: UInt32, time: UInt64)
  case reallocate(
    old: UInt64, new: UInt64, size: Int64, usable: Int64, stack: UInt32, thread: UInt32,
    time: UInt64)
  case reallocateBegin(old: UInt64, thread: UInt32, time: UInt64)
  case reallocateEnd(
    new: UInt64, size: Int64, usable: Int64, stack: UInt32, thread: UInt32, time: UInt64)
  case moveBreak(address: UInt64, time: UInt64)
  case startBreak(address: UInt64, time: UInt64)
  case side(SideStep, thread: UInt32, time: UInt64)
  case mark(String, thread: UInt32, time: UInt64)
  case replaceImage(time: UInt64)
  case lose(UInt64)
  case truncateStack(UInt64)
  case flush
}

extension TraceWriter {
  func feed(_ call: Call) throws {
    switch call {
    case .allocate(let address, let size, let usable, let shift, let stack, let thread, let time):
      allocate(
        address: Address(address), size: ByteCount(size), usable: ByteCount(usable),
        alignmentShift: shift, stack: StackID(stack), thread: ThreadIndex(thread),
        time: Timestamp(nanoseconds: time))
    case .free(let address, let entry, let thread, let time):
      free(
        address: Address(address), entry: entry, thread: ThreadIndex(thread),
        time: Timestamp(nanoseconds: time))
    case .reallocate(let old, let new, let size, let usable, let stack, let thread, let time):
      reallocate(
        old: Address(old), new: Address(new), size: ByteCount(size), usable: ByteCount(usable),
        stack: StackID(stack), thread: ThreadIndex(thread), time: Timestamp(nanoseconds: time))
    case .reallocateBegin(let old, let thread, let time):
      reallocateBegin(
        old: Address(old), thread: ThreadIndex(thread), time: Timestamp(nanoseconds: time))
    case .reallocateEnd(let new, let size, let usable, let stack, let thread, let time):
      reallocateEnd(
        new: Address(new), size: ByteCount(size), usable: ByteCount(usable),
        stack: StackID(stack), thread: ThreadIndex(thread), time: Timestamp(nanoseconds: time))
    case .moveBreak(let address, let time):
      moveBreak(to: Address(address), time: Timestamp(nanoseconds: time))
    case .startBreak(let address, let time):
      startBreak(at: Address(address), time: Timestamp(nanoseconds: time))
    case .side(let step, let thread, let time):
      side(step, thread: ThreadIndex(thread), time: Timestamp(nanoseconds: time))
    case .mark(let name, let thread, let time):
      mark(name, thread: ThreadIndex(thread), time: Timestamp(nanoseconds: time))
    case .replaceImage(let time): replaceImage(time: Timestamp(nanoseconds: time))
    case .lose(let count): lose(count)
    case .truncateStack(let count): truncateStack(count)
    case .flush: try flush()
    }
  }
}

/// A step as it must come out.
///
/// `block` is a number that no other block of the trace has.
struct ExpectedStep: Equatable {
  var operation: Trace.Operation
  var block: Int?
  var time: UInt64
  var thread: UInt32
  var size: Int64 = 0
  var address: UInt64 = 0
  var usable: Int64 = 0
  var stack: UInt32 = 0
  var alignmentShift: UInt8 = 0
  var release: EntryPoint?
  var side: SideStep?
}

/// Records with a dictionary and an array, the plainest way.
struct NaiveRecorder {
  private(set) var steps: [ExpectedStep] = []
  private(set) var summary = TraceSummary()
  private var live: [UInt64: Int] = [:]
  private var sizes: [Int: Int64] = [:]
  private var blocks = 0
  private var now: UInt64 = 0
  private var lastThread: UInt32 = 0
  private var openReallocations = 0
  private var marks = 0

  init(_ calls: [Call]) {
    for call in calls { record(call) }
    summarize()
  }

  private mutating func record(_ call: Call) {
    switch call {
    case .allocate(let address, let size, let usable, let shift, let stack, let thread, let time):
      advance(time, thread)
      begin(.allocate, address, size, usable, shift, stack)
      summary.allocations += 1
    case .free(let address, let entry, let thread, let time):
      advance(time, thread)
      summary.frees += 1
      if let block = live.removeValue(forKey: address) {
        end(.free, block, release: entry)
      } else {
        summary.freesOfUnknownAddress += 1
        append(ExpectedStep(operation: .freeUnknown, time: 0, thread: 0, address: address))
      }
    case .reallocate(let old, let new, let size, let usable, let stack, let thread, let time):
      advance(time, thread)
      summary.reallocations += 1
      guard let block = live.removeValue(forKey: old) else {
        closeReallocation()
        begin(.reallocateEnd, new, size, usable, 0, stack)
        return
      }
      begin(.reallocate, new, size, usable, 0, stack, as: block)
    case .reallocateBegin(let old, let thread, let time):
      guard let block = live.removeValue(forKey: old) else { return }
      advance(time, thread)
      end(.reallocateBegin, block)
      openReallocations += 1
    case .reallocateEnd(let new, let size, let usable, let stack, let thread, let time):
      advance(time, thread)
      summary.reallocations += 1
      closeReallocation()
      begin(.reallocateEnd, new, size, usable, 0, stack)
    case .moveBreak(let address, let time):
      advance(time, lastThread)
      append(ExpectedStep(operation: .moveBreak, time: 0, thread: 0, address: address))
    case .startBreak(let address, let time):
      advance(time, lastThread)
      append(ExpectedStep(operation: .startBreak, time: 0, thread: 0, address: address))
    case .side(let step, let thread, let time):
      advance(time, thread)
      append(side(step))
    case .mark(_, let thread, let time):
      advance(time, thread)
      append(side(.mark(MarkID(UInt32(marks)))))
      marks += 1
    case .replaceImage(let time):
      // Oldest first: a reallocation makes a block young again, so order by its last step.
      let order = live.values.sorted { lastStep(of: $0) < lastStep(of: $1) }
      live = [:]
      for block in order {
        advance(time, lastThread)
        end(.abandon, block)
      }
    case .lose(let count): summary.lostEvents += count
    case .truncateStack(let count): summary.truncatedStacks += count
    case .flush: break
    }
  }

  private func side(_ step: SideStep) -> ExpectedStep {
    ExpectedStep(operation: step.operation, time: 0, thread: 0, side: step)
  }

  /// Second halves without a first half had an unknown address; whose half it was is not told.
  private mutating func closeReallocation() {
    if openReallocations > 0 {
      openReallocations -= 1
    } else {
      summary.freesOfUnknownAddress += 1
    }
  }

  private func lastStep(of block: Int) -> Int { steps.lastIndex { $0.block == block } ?? -1 }

  private mutating func advance(_ time: UInt64, _ thread: UInt32) {
    now = max(now, time / 1000 * 1000)
    lastThread = thread
  }

  private mutating func append(_ step: ExpectedStep) {
    var step = step
    step.time = now
    step.thread = lastThread
    steps.append(step)
  }

  private mutating func end(
    _ operation: Trace.Operation, _ block: Int, release: EntryPoint? = nil
  ) {
    append(
      ExpectedStep(operation: operation, block: block, time: 0, thread: 0, release: release))
  }

  private mutating func begin(
    _ operation: Trace.Operation, _ address: UInt64, _ size: Int64, _ usable: Int64, _ shift: UInt8,
    _ stack: UInt32, as known: Int? = nil
  ) {
    if let old = live[address] {
      end(.abandon, old)
      summary.allocationsOfLiveAddress += 1
    }
    if known == nil { blocks += 1 }
    let block = known ?? blocks
    live[address] = block
    append(
      ExpectedStep(
        operation: operation, block: block, time: 0, thread: 0, size: size, address: address,
        usable: max(usable, size), stack: stack, alignmentShift: shift))
  }

  /// The totals that follow from the steps: after each one, everything that lives is known.
  private mutating func summarize() {
    var bytes: Int64 = 0
    for (index, step) in steps.enumerated() {
      guard let block = step.block else { continue }
      bytes -= sizes[block] ?? 0
      switch step.operation {
      case .allocate, .reallocate, .reallocateEnd:
        sizes[block] = step.size
        bytes += step.size
      default: sizes[block] = nil
      }
      if bytes > summary.peakLiveBytes {
        summary.peakLiveBytes = bytes
        summary.peakStep = UInt64(index + 1)
        summary.peakNanoseconds = step.time
      }
      summary.peakLiveBlocks = max(summary.peakLiveBlocks, UInt64(sizes.count))
    }
    summary.steps = UInt64(steps.count)
    summary.liveBytesAtEnd = bytes
    summary.liveBlocksAtEnd = UInt64(sizes.count)
    summary.durationNanoseconds = steps.last?.time ?? 0
  }
}

/// The steps of a file in the form of the model.
///
/// Slots are turned into the numbers of blocks; a slot that is given out while it is in use shows
/// up as a block -1.
func steps(of file: TraceFile, addresses: Bool = true) throws -> [ExpectedStep] {
  var steps: [ExpectedStep] = []
  var blocks: [UInt32: Int] = [:]
  var count = 0
  try file.read(addresses: addresses) { batch in
    for request in batch {
      let slot = request.slot.rawValue
      var block: Int?
      if let side = request.sideStep {
        steps.append(
          ExpectedStep(
            operation: request.operation, time: request.time.nanoseconds,
            thread: request.thread.rawValue, side: side))
        continue
      }
      switch request.operation {
      case .allocate, .reallocateEnd:
        count += 1
        block = blocks[slot] == nil ? count : -1
        blocks[slot] = count
      case .reallocate: block = blocks[slot] ?? -1
      case .free, .reallocateBegin, .abandon: block = blocks.removeValue(forKey: slot) ?? -1
      default: block = slot == Slot.none.rawValue ? nil : -1
      }
      steps.append(
        ExpectedStep(
          operation: request.operation, block: block, time: request.time.nanoseconds,
          thread: request.thread.rawValue, size: request.size.rawValue,
          address: request.address.rawValue, usable: request.usable.rawValue,
          stack: request.stack.rawValue, alignmentShift: request.alignmentShift,
          release: request.operation == .free ? request.entry : nil))
    }
  }
  return steps
}

private let releases: [EntryPoint] = [.free, .free, .free, .delete, .deleteSized]

/// A step that is about no block.
private func sideCall(
  _ address: UInt64, _ size: Int64, _ stack: UInt32, _ thread: UInt32, _ time: UInt64,
  _ random: inout SeededRandom
) -> Call {
  let start = Address(address & 0x7fff_ffff_ffff)
  let range = start..<start + ByteCount(min(size, 1 << 40))
  let step: SideStep
  switch UInt8.random(in: 0..<11, using: &random) {
  case 0:
    step = .map(
      range: range, traits: [.anonymous, .writable], stack: StackID(stack), entry: .mmap)
  case 1: step = .unmap(range: range, entry: .mremap)
  case 2: step = .discard(range: range, isLazy: false)
  case 3: step = .discard(range: range, isLazy: true)
  case 4: step = .trim(pad: ByteCount(size))
  case 5: step = .setOption(parameter: -3, value: -size)
  case 6: step = .poolFree(pool: PoolID(stack), address: Address(address))
  case 7:
    step = .poolAllocate(
      pool: PoolID(thread), address: Address(address), size: ByteCount(size),
      stack: StackID(stack))
  case 8: step = .resizeHeap(range: range, isFirst: true)
  case 9: step = .setBreak(to: Address(address), entry: .sbrk)
  default: return .mark("phase \(size)", thread: thread, time: time)
  }
  return .side(step, thread: thread, time: time)
}

/// Calls of an unruly program: double frees, addresses handed out twice, `exec`, huge sizes.
func randomCalls(
  _ count: Int, seed: UInt64, threads: UInt32, stacks: UInt32, addresses: UInt64 = 64
) -> [Call] {
  var random = SeededRandom(seed: seed)
  var time: UInt64 = 0
  var calls: [Call] = []
  func address() -> UInt64 {
    let place = UInt64.random(in: 1...addresses, using: &random)
    switch UInt8.random(in: 0..<64, using: &random) {
    case 0: return place &* 0x1234_5678_9abc_def1
    case 1: return UInt64.max - place
    default: return 0x5555_5555_0000 + place * 32
    }
  }
  func size() -> Int64 {
    let bits = Int64.random(in: 0..<48, using: &random)
    return Int64.random(in: 0...4, using: &random) == 0
      ? Int64.random(in: 0...(Int64(1) << bits), using: &random)
      : Int64.random(in: 0...200, using: &random)
  }
  func usable(_ size: Int64) -> Int64 {
    switch UInt8.random(in: 0..<8, using: &random) {
    case 0: size
    case 1: max(size, Int64.random(in: 0...(1 << 47), using: &random))
    default: max(24, (size + 8 + 15) / 16 * 16 - 8)
    }
  }
  while calls.count < count {
    time += UInt64.random(in: 0...2500, using: &random)
    let thread = UInt32.random(in: 0..<threads, using: &random)
    let stack = UInt32.random(in: 0..<stacks, using: &random)
    let bytes = size()
    let granted = usable(bytes)
    switch UInt16.random(in: 0..<1000, using: &random) {
    case 0..<450:
      let shift = UInt8.random(in: 0..<20, using: &random)
      calls.append(
        .allocate(
          address: address(), size: bytes, usable: granted,
          alignmentShift: shift < 16 ? 0 : shift, stack: stack, thread: thread, time: time))
    case 450..<780:
      let entry = releases.randomElement(using: &random) ?? .free
      calls.append(.free(address: address(), entry: entry, thread: thread, time: time))
    case 780..<800: calls.append(sideCall(address(), bytes, stack, thread, time, &random))
    case 800..<900:
      let old = address()
      calls.append(
        .reallocate(
          old: old, new: Bool.random(using: &random) ? old : address(), size: bytes,
          usable: granted, stack: stack, thread: thread, time: time))
    case 900..<960:
      // Two halves, perhaps with something between them.
      calls.append(.reallocateBegin(old: address(), thread: thread, time: time))
      if Bool.random(using: &random) {
        calls.append(.free(address: address(), thread: (thread + 1) % threads, time: time))
      }
      calls.append(
        .reallocateEnd(
          new: address(), size: bytes, usable: granted, stack: stack, thread: thread,
          time: time + 700))
    case 960..<975: calls.append(.moveBreak(address: address(), time: time))
    case 975..<985: calls.append(.startBreak(address: address(), time: time))
    case 985..<990: calls.append(.lose(UInt64(stack) + 1))
    case 990..<995: calls.append(.truncateStack(1))
    case 995..<997: calls.append(.replaceImage(time: time))
    default: calls.append(.flush)
    }
  }
  return calls
}
