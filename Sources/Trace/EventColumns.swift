// Steps on their way into a chunk: one column for each kind of fact.

import MemoryUnits

/// The columns of the events chunk under construction, and the predictions that they are coded
/// against.
///
/// All predictions begin anew with each chunk.
struct EventColumns: ~Copyable {
  /// Distances up to here are one byte of `references`; see `TraceFormat.md`, "References".
  static let nearDistances: UInt64 = 176
  static let nearDeltas: UInt64 = 64
  static let middleDistances: UInt64 = 15 * 256

  /// One bit a step, at first all zero.
  let operations: UnsafeMutablePointer<UInt8>
  var exceptionGaps = Column(capacity: 10 * TraceFormat.stepsPerChunk)
  var exceptionCodes = Column(capacity: TraceFormat.stepsPerChunk)
  /// The number of the stack of each allocating step.
  let stacks: UnsafeMutablePointer<UInt32>
  var sizes = SizeColumns()
  var references = Column(capacity: TraceFormat.stepsPerChunk)
  var referenceLiterals = Column(capacity: 10 * TraceFormat.stepsPerChunk)
  var threads = ThreadRuns()
  var times = TimeColumns()
  var addresses = AddressColumns()
  var rawAddresses = Column(capacity: 20 * TraceFormat.stepsPerChunk)
  var usables = Column(capacity: 20 * TraceFormat.stepsPerChunk)
  var extras = Column(capacity: 42 * TraceFormat.stepsPerChunk)
  var releases = Column(capacity: 11 * TraceFormat.stepsPerChunk)

  private(set) var steps = 0
  private(set) var allocatingSteps = 0
  private(set) var firstAllocation: UInt64 = 0
  /// The number that the next allocating step gets.
  private(set) var nextAllocation: UInt64 = 0
  private(set) var firstTick: UInt64 = 0
  private(set) var lastTick: UInt64 = 0
  private(set) var usableRule = UsableRule.asRequested

  private var nextExceptionAfter = 0
  private var nextUsableAfter = 0
  private var nextReleaseAfter = 0
  private var releasingSteps = 0
  private var reusePrediction = ReusePrediction()
  private let releasePrediction = ReleasePrediction()

  private var lastReference: UInt64 = 0

  init() {
    operations = .allocate(capacity: TraceFormat.stepsPerChunk / 8)
    operations.initialize(repeating: 0, count: TraceFormat.stepsPerChunk / 8)
    stacks = .allocate(capacity: TraceFormat.stepsPerChunk)
    stacks.initialize(repeating: 0, count: TraceFormat.stepsPerChunk)
    reusePrediction.reset(usableRule)
  }

  deinit {
    operations.deallocate()
    stacks.deallocate()
    for column in [
      exceptionGaps, exceptionCodes, references, referenceLiterals, rawAddresses, usables, extras,
      releases,
    ] { column.deallocate() }
    sizes.deallocate()
    threads.deallocate()
    times.deallocate()
    addresses.deallocate()
    reusePrediction.deallocate()
    releasePrediction.deallocate()
  }

  /// Makes room for the next chunk.
  mutating func removeAll(_ usableRule: UsableRule) {
    self.usableRule = usableRule
    operations.update(repeating: 0, count: TraceFormat.stepsPerChunk / 8)
    exceptionGaps.removeAll()
    exceptionCodes.removeAll()
    sizes.removeAll()
    references.removeAll()
    referenceLiterals.removeAll()
    threads.removeAll()
    times.removeAll()
    addresses.removeAll()
    rawAddresses.removeAll()
    usables.removeAll()
    extras.removeAll()
    releases.removeAll()
    steps = 0
    releasingSteps = 0
    nextReleaseAfter = 0
    releasePrediction.reset()
    allocatingSteps = 0
    firstAllocation = nextAllocation
    firstTick = lastTick
    nextExceptionAfter = 0
    nextUsableAfter = 0
    reusePrediction.reset(usableRule)
  }

  /// Ends the last run of threads; to be called once, before the columns are packed.
  mutating func close() { threads.close(at: steps) }

  // MARK: Steps

  /// Appends what every step has.
  ///
  /// The bit says whether a block ends.
  @inline(__always)
  mutating func step(ends bit: UInt8, thread: UInt32, tick: UInt64) {
    let step = steps
    if tick > lastTick {
      if step == 0 { firstTick = tick } else { times.advance(by: tick &- lastTick, at: step) }
      lastTick = tick
    }
    operations[step &>> 3] |= bit &<< UInt8(truncatingIfNeeded: step & 7)
    if thread != threads.current || step == 0 { changeThread(thread) }
    steps = step &+ 1
  }

  /// Appends a step that does not concern a thread: it counts as one of the thread before.
  mutating func threadlessStep(tick: UInt64) {
    step(ends: 1, thread: threads.current, tick: tick)
  }

  /// Says that the step just begun is none of the two plain kinds.
  mutating func exception(_ code: UInt8) {
    let step = steps &- 1
    exceptionGaps.varint(UInt64(step &- nextExceptionAfter))
    exceptionCodes.byte(code)
    nextExceptionAfter = step &+ 1
  }

  /// Appends what a step that begins a block has; `old` is the allocation that it replaces, if it
  /// does, and `live` knows the blocks that live after the step.
  @inline(__always)
  mutating func begin(
    address: UInt64, size: UInt64, usable: UInt64, alignmentShift: UInt8, stack: UInt32,
    replacing old: UInt64? = nil, live: borrowing LiveBlocks
  ) {
    let ordinal = allocatingSteps
    stacks[ordinal] = stack
    sizes.append(size, shift: alignmentShift, stack: stack, ordinal: ordinal)
    let expected = usableRule.usable(size)
    if usable != expected {
      usables.varint(UInt64(ordinal &- nextUsableAfter))
      usables.varint(usable &- size)
      nextUsableAfter = ordinal &+ 1
    }
    let oldOrdinal = old.map { self.ordinal(of: $0) } ?? -1
    reusePrediction.write(
      address, usable: usable, expected: expected, ordinal: ordinal, old: oldOrdinal,
      thread: threads.local, live: live, to: &addresses)
    if oldOrdinal >= 0 && reusePrediction.addresses[oldOrdinal] != address {
      reusePrediction.free(oldOrdinal, thread: threads.local)
    }
    allocatingSteps = ordinal &+ 1
    nextAllocation &+= 1
  }

  /// Takes note that the memory of a block that the step ends may be used again.
  @inline(__always)
  mutating func recycle(_ allocation: UInt64) {
    let ordinal = ordinal(of: allocation)
    if ordinal >= 0 { reusePrediction.free(ordinal, thread: threads.local) }
  }

  /// The place of an allocation among those of the chunk; -1 where it is older.
  @inline(__always)
  private func ordinal(of allocation: UInt64) -> Int {
    allocation >= firstAllocation ? Int(truncatingIfNeeded: allocation &- firstAllocation) : -1
  }

  /// Appends which function released a block of that family, if it is not the expected one.
  @inline(__always)
  mutating func release(_ entry: EntryPoint, family: UInt8) {
    if entry != releasePrediction.release(of: family) {
      releases.varint(UInt64(releasingSteps &- nextReleaseAfter))
      releases.byte(entry.rawValue)
      nextReleaseAfter = releasingSteps &+ 1
      releasePrediction.note(entry, of: family)
    }
    releasingSteps = releasingSteps &+ 1
  }

  /// Appends what a step has that is about no block.
  mutating func side(_ request: Request) {
    exception(request.operation.rawValue)
    extras.varint(request.address.rawValue)
    extras.varint(zigzag(request.size.rawValue))
    extras.varint(UInt64(request.slot.rawValue))
    extras.varint(UInt64(request.stack.rawValue))
    extras.byte(request.entry.rawValue)
    extras.byte(request.alignmentShift)
  }

  /// Appends which allocation a step ends: as the distance back from the newest, or from the last
  /// that this thread named.
  @inline(__always)
  mutating func refer(to allocation: UInt64) {
    let distance = nextAllocation &- 1 &- allocation
    let delta = allocation &- lastReference &+ Self.nearDeltas / 2
    lastReference = allocation
    if distance < 16 {
      references.byte(UInt8(truncatingIfNeeded: distance))
    } else if delta < Self.nearDeltas {
      references.byte(UInt8(truncatingIfNeeded: Self.nearDistances &+ delta))
    } else if distance < Self.nearDistances {
      references.byte(UInt8(truncatingIfNeeded: distance))
    } else if distance < Self.nearDistances &+ Self.middleDistances {
      let rest = distance &- Self.nearDistances
      references.byte(UInt8(truncatingIfNeeded: 240 &+ rest &>> 8))
      referenceLiterals.byte(UInt8(truncatingIfNeeded: rest))
    } else {
      references.byte(255)
      referenceLiterals.varint(distance)
    }
  }

  @inline(never)
  private mutating func changeThread(_ thread: UInt32) {
    lastReference = threads.change(
      to: thread, at: steps, lastReference: lastReference, firstAllocation: firstAllocation)
  }
}
