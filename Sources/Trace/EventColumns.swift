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
  var stacks = Column(capacity: 10 * TraceFormat.stepsPerChunk)
  var sizes = Column(capacity: 10 * TraceFormat.stepsPerChunk)
  var references = Column(capacity: TraceFormat.stepsPerChunk)
  var referenceLiterals = Column(capacity: 10 * TraceFormat.stepsPerChunk)
  var threadList = Column(capacity: 10 * TraceFormat.stepsPerChunk)
  var threadRuns = Column(capacity: 20 * TraceFormat.stepsPerChunk)
  var times = Column(capacity: 10 * TraceFormat.stepsPerChunk)
  var alignments = Column(capacity: 20 * TraceFormat.stepsPerChunk)
  var addresses = Column(capacity: 10 * TraceFormat.stepsPerChunk)
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
  var usableRule = UsableRule.asRequested

  private var nextExceptionAfter = 0
  private var nextAlignmentAfter = 0
  private var nextUsableAfter = 0
  private var nextReleaseAfter = 0
  private var releasingSteps = 0
  private var addressPrediction = AddressPrediction()
  private let releasePrediction = ReleasePrediction()

  private var threads = ThreadRuns()
  private var lastReference: UInt64 = 0

  init() {
    operations = .allocate(capacity: TraceFormat.stepsPerChunk / 8)
    operations.initialize(repeating: 0, count: TraceFormat.stepsPerChunk / 8)
  }

  deinit {
    operations.deallocate()
    for column in [
      exceptionGaps, exceptionCodes, stacks, sizes, references, referenceLiterals, threadList,
      threadRuns, times, alignments, addresses, rawAddresses, usables, extras, releases,
    ] { column.deallocate() }
    addressPrediction.deallocate()
    releasePrediction.deallocate()
    threads.deallocate()
  }

  /// Makes room for the next chunk.
  mutating func removeAll() {
    operations.update(repeating: 0, count: TraceFormat.stepsPerChunk / 8)
    exceptionGaps.removeAll()
    exceptionCodes.removeAll()
    stacks.removeAll()
    sizes.removeAll()
    references.removeAll()
    referenceLiterals.removeAll()
    threadList.removeAll()
    threadRuns.removeAll()
    times.removeAll()
    alignments.removeAll()
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
    nextAlignmentAfter = 0
    nextUsableAfter = 0
    addressPrediction.reset()
    threads.reset()
  }

  /// Ends the last run of threads; to be called once, before the columns are packed.
  mutating func close() {
    if threads.count > 1 { threads.endRun(at: steps, in: &threadRuns) }
  }

  // MARK: Steps

  /// Appends what every step has.
  ///
  /// The bit says whether a block ends.
  @inline(__always)
  mutating func step(ends bit: UInt8, thread: UInt32, tick: UInt64) {
    let step = steps
    if step == 0 {
      lastTick = max(tick, lastTick)
      firstTick = lastTick
    }
    let time = max(tick, lastTick)
    times.varint(time &- lastTick)
    lastTick = time
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

  /// Appends what a step that begins a block has.
  @inline(__always)
  mutating func begin(
    address: UInt64, size: UInt64, usable: UInt64, alignmentShift: UInt8, stack: UInt32
  ) {
    stacks.varint(UInt64(stack))
    sizes.varint(size)
    let ordinal = allocatingSteps
    if alignmentShift != 0 {
      alignments.varint(UInt64(ordinal &- nextAlignmentAfter))
      alignments.byte(alignmentShift)
      nextAlignmentAfter = ordinal &+ 1
    }
    if usable != usableRule.usable(size) {
      usables.varint(UInt64(ordinal &- nextUsableAfter))
      usables.varint(usable &- size)
      nextUsableAfter = ordinal &+ 1
    }
    let code = addressPrediction.code(address, size: size)
    addresses.varint(code)
    if code == AddressPrediction.escape { rawAddresses.varint(address) }
    allocatingSteps = ordinal &+ 1
    nextAllocation &+= 1
  }

  /// Appends which function released a block of that family, if it is not the expected one.
  @inline(__always)
  mutating func release(_ entry: UInt8, family: UInt8) {
    if entry != releasePrediction.release(of: family) {
      releases.varint(UInt64(releasingSteps &- nextReleaseAfter))
      releases.byte(entry)
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
      to: thread, at: steps, lastReference: lastReference, firstAllocation: firstAllocation,
      list: &threadList, runs: &threadRuns)
  }
}

/// Which threads the steps of a chunk belong to, as runs, and what each thread referred to last.
struct ThreadRuns {
  /// The thread of the last step.
  private(set) var current: UInt32 = 0
  /// Threads in this chunk.
  private(set) var count = 0
  private var local = 0
  private var runStart = 0
  /// For each thread of the trace, its number in this chunk; valid where `marks` has `mark`.
  private var locals: [UInt32] = []
  private var marks: [UInt32] = []
  private var mark: UInt32 = 1
  private var lastReferences: UnsafeMutablePointer<UInt64> =
    .allocate(capacity: TraceFormat.stepsPerChunk)

  func deallocate() { lastReferences.deallocate() }

  mutating func reset() {
    count = 0
    local = 0
    runStart = 0
    mark &+= 1
  }

  /// Begins a run of another thread; returns what that thread referred to last.
  mutating func change(
    to thread: UInt32, at step: Int, lastReference: UInt64, firstAllocation: UInt64,
    list: inout Column, runs: inout Column
  ) -> UInt64 {
    if step > 0 {
      endRun(at: step, in: &runs)
      lastReferences[local] = lastReference
    }
    current = thread
    runStart = step
    let index = Int(thread)
    while locals.count <= index {
      locals.append(0)
      marks.append(0)
    }
    if marks[index] == mark {
      local = Int(locals[index])
    } else {
      marks[index] = mark
      locals[index] = UInt32(truncatingIfNeeded: count)
      local = count
      lastReferences[local] = firstAllocation
      count += 1
      list.varint(UInt64(thread))
    }
    return lastReferences[local]
  }

  mutating func endRun(at step: Int, in runs: inout Column) {
    runs.varint(UInt64(step - runStart))
    runs.varint(UInt64(local))
  }
}
