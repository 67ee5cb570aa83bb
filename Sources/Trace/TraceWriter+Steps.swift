// The steps that a trace is made of, as recorders and importers append them.

public import MemoryUnits

extension TraceWriter {
  /// A block began.
  ///
  /// Where another one lives at that address, that one is abandoned first.
  ///
  /// Sizes are held to the range from 0 to 2^48, usable bytes to at least the size.
  public func allocate(
    address: Address, size: ByteCount, usable: ByteCount, alignmentShift: UInt8, stack: StackID,
    thread: ThreadIndex, time: Timestamp
  ) {
    prepare(thread)
    let size = Self.bounded(size)
    state.pointee.place(address, size, stack, thread, time)
    state.pointee.columns.step(ends: 0, thread: thread.rawValue, tick: Self.tick(time))
    state.pointee.begin(
      address: address.rawValue, size: size, usable: Self.bounded(usable, atLeast: size),
      alignmentShift: alignmentShift, stack: stack.rawValue)
    state.pointee.totals.allocate(Int64(size), state.pointee.nanoseconds)
  }

  /// A block ended, by way of the function `entry`.
  ///
  /// Where none is known at that address, the step says so and keeps the address.
  public func free(
    address: Address, entry: EntryPoint = .free, thread: ThreadIndex, time: Timestamp
  ) {
    prepare(thread)
    let block = state.pointee.blocks.remove(address.rawValue)
    state.pointee.columns.step(ends: 1, thread: thread.rawValue, tick: Self.tick(time))
    if let block {
      state.pointee.columns.refer(to: block.allocation)
      state.pointee.columns.recycle(block.allocation)
      state.pointee.columns.release(entry, family: block.family)
      state.pointee.totals.free(block.size, state.pointee.nanoseconds)
    } else {
      state.pointee.columns.exception(StepCode.freeUnknown)
      state.pointee.columns.rawAddresses.varint(address.rawValue)
      state.pointee.totals.freeUnknown(state.pointee.nanoseconds)
    }
  }

  /// A block was resized and perhaps moved.
  ///
  /// Where none is known at the old address, only the second half is written: a block begins.
  public func reallocate(
    old: Address, new: Address, size: ByteCount, usable: ByteCount, stack: StackID,
    thread: ThreadIndex, time: Timestamp
  ) {
    prepare(thread)
    guard let block = state.pointee.blocks.remove(old.rawValue) else {
      return reallocateEnd(
        new: new, size: size, usable: usable, stack: stack, thread: thread, time: time)
    }
    let size = Self.bounded(size)
    state.pointee.place(new, size, stack, thread, time)
    state.pointee.columns.step(ends: 0, thread: thread.rawValue, tick: Self.tick(time))
    state.pointee.columns.exception(StepCode.reallocate)
    state.pointee.columns.refer(to: block.allocation)
    state.pointee.begin(
      address: new.rawValue, size: size, usable: Self.bounded(usable, atLeast: size),
      alignmentShift: 0, stack: stack.rawValue, replacing: block.allocation)
    state.pointee.totals.reallocate(
      from: block.size, to: Int64(size), state.pointee.nanoseconds)
  }

  /// The first half of a reallocation between whose halves other steps lie: the old block ended.
  ///
  /// Where none is known at the address, nothing is written; the second half counts it.
  public func reallocateBegin(old: Address, thread: ThreadIndex, time: Timestamp) {
    prepare(thread)
    guard let block = state.pointee.blocks.remove(old.rawValue) else { return }
    state.pointee.columns.step(ends: 1, thread: thread.rawValue, tick: Self.tick(time))
    state.pointee.columns.exception(StepCode.reallocateBegin)
    state.pointee.columns.refer(to: block.allocation)
    state.pointee.columns.recycle(block.allocation)
    state.pointee.totals.reallocateBegin(block.size, state.pointee.nanoseconds)
  }

  /// The second half of a reallocation: the new block began.
  public func reallocateEnd(
    new: Address, size: ByteCount, usable: ByteCount, stack: StackID, thread: ThreadIndex,
    time: Timestamp
  ) {
    prepare(thread)
    let size = Self.bounded(size)
    state.pointee.place(new, size, stack, thread, time)
    state.pointee.columns.step(ends: 0, thread: thread.rawValue, tick: Self.tick(time))
    state.pointee.columns.exception(StepCode.reallocateEnd)
    state.pointee.begin(
      address: new.rawValue, size: size, usable: Self.bounded(usable, atLeast: size),
      alignmentShift: 0, stack: stack.rawValue)
    state.pointee.totals.reallocateEnd(Int64(size), state.pointee.nanoseconds)
  }

  /// The end of the data segment moved.
  ///
  /// The step counts as one of the thread before it.
  public func moveBreak(to address: Address, time: Timestamp) {
    noteBreak(StepCode.moveBreak, address, time)
  }

  /// The data segment of a program image begins at `address`.
  ///
  /// The step counts as one of the thread before it.
  public func startBreak(at address: Address, time: Timestamp) {
    noteBreak(StepCode.startBreak, address, time)
  }

  private func noteBreak(_ code: UInt8, _ address: Address, _ time: Timestamp) {
    prepare(ThreadIndex(0))
    state.pointee.columns.threadlessStep(tick: Self.tick(time))
    state.pointee.columns.exception(code)
    state.pointee.columns.rawAddresses.varint(address.rawValue)
    if code == StepCode.startBreak {
      state.pointee.totals.startBreak(state.pointee.nanoseconds)
    } else {
      state.pointee.totals.moveBreak(state.pointee.nanoseconds)
    }
  }

  /// Something happened that is about no block.
  ///
  /// Sizes are held to the range from 0 to 2^48, addresses so that a range does not wrap.
  public func side(_ step: SideStep, thread: ThreadIndex, time: Timestamp) {
    prepare(thread)
    state.pointee.columns.step(ends: 1, thread: thread.rawValue, tick: Self.tick(time))
    var request = Request(step, thread: thread, time: time)
    if request.operation != .setOption {
      request.size = ByteCount(Int64(Self.bounded(request.size)))
    }
    state.pointee.columns.side(request)
    state.pointee.totals.sideStep(state.pointee.nanoseconds)
  }

  /// The program named this moment.
  ///
  /// Returns the number of the mark. A name is cut to 65,535 bytes.
  @discardableResult
  public func mark(_ name: String, thread: ThreadIndex, time: Timestamp) -> MarkID {
    let mark = mark(MarkDescription(time: time, thread: thread, name: name))
    side(.mark(mark), thread: thread, time: time)
    return mark
  }

  /// The program image was replaced by `exec`: every live block is abandoned, oldest first.
  ///
  /// The steps count as ones of the thread before them.
  public func replaceImage(time: Timestamp) {
    var abandoned: [WrittenBlock] = []
    state.pointee.blocks.forEach { _, block in abandoned.append(block) }
    abandoned.sort { $0.allocation < $1.allocation }
    state.pointee.blocks.removeAll()
    for block in abandoned {
      prepare(ThreadIndex(0))
      state.pointee.columns.threadlessStep(tick: Self.tick(time))
      state.pointee.columns.exception(StepCode.abandon)
      state.pointee.columns.refer(to: block.allocation)
      state.pointee.totals.abandon(block.size, state.pointee.nanoseconds)
    }
  }

  /// Says that a step about the block at that address will come soon: what is known of the block is
  /// fetched from memory meanwhile.
  @inline(__always)
  public func prefetch(_ address: UInt64) { state.pointee.blocks.prefetch(address) }

  /// Makes sure that the chunk has room for what one call may append, and the thread a description.
  @inline(__always)
  private func prepare(_ thread: ThreadIndex) {
    if state.pointee.columns.steps > TraceFormat.stepsPerChunk - 2 { endChunk() }
    if thread.rawValue >= threadLimit { addThreads(through: thread.rawValue) }
  }

  @inline(__always)
  private static func tick(_ time: Timestamp) -> UInt64 {
    time.nanoseconds / TraceFormat.nanosecondsPerTick
  }

  @inline(__always)
  private static func bounded(_ size: ByteCount, atLeast least: UInt64 = 0) -> UInt64 {
    max(least, min(UInt64(max(0, size.rawValue)), TraceFormat.maximumSize))
  }
}

extension WriterState {
  /// The moment of the last step, as the trace will tell it.
  @inline(__always)
  var nanoseconds: UInt64 { columns.lastTick &* TraceFormat.nanosecondsPerTick }

  /// Appends what a step that begins a block has.
  @inline(__always)
  mutating func begin(
    address: UInt64, size: UInt64, usable: UInt64, alignmentShift: UInt8, stack: UInt32,
    replacing old: UInt64? = nil
  ) {
    columns.begin(
      address: address, size: size, usable: usable, alignmentShift: alignmentShift, stack: stack,
      replacing: old, live: blocks)
  }

  /// Remembers the block that is about to begin; abandons one that lives at its address.
  @inline(__always)
  mutating func place(
    _ address: Address, _ size: UInt64, _ stack: StackID, _ thread: ThreadIndex, _ time: Timestamp
  ) {
    let block = WrittenBlock(
      allocation: columns.nextAllocation, size: Int64(size),
      family: families.family(of: stack.rawValue))
    if let old = blocks.set(address.rawValue, block) { abandonReused(old, thread, time) }
  }

  @inline(never)
  private mutating func abandonReused(
    _ block: WrittenBlock, _ thread: ThreadIndex, _ time: Timestamp
  ) {
    let tick = time.nanoseconds / TraceFormat.nanosecondsPerTick
    columns.step(ends: 1, thread: thread.rawValue, tick: tick)
    columns.exception(StepCode.abandonReused)
    columns.refer(to: block.allocation)
    totals.abandon(block.size, nanoseconds)
    totals.noteLiveAddresses(1)
  }
}
