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
    let isFree = allocateIfFree(
      address: address, size: size, usable: usable, alignmentShift: alignmentShift, stack: stack,
      thread: thread, time: time)
    if isFree { return }
    let size = Self.bounded(size)
    let usable = Self.bounded(usable, atLeast: size)
    state.pointee.place(address, size, usable, alignmentShift, stack, thread, time)
    begin(address, size, usable, alignmentShift, stack, thread, time)
  }

  /// As ``allocate(address:size:usable:alignmentShift:stack:thread:time:)``, but false, and without
  /// effect, where another block lives at the address.
  public func allocateIfFree(
    address: Address, size: ByteCount, usable: ByteCount, alignmentShift: UInt8, stack: StackID,
    thread: ThreadIndex, time: Timestamp
  ) -> Bool {
    prepare(thread)
    let size = Self.bounded(size)
    let usable = Self.bounded(usable, atLeast: size)
    let block = state.pointee.block(size, usable, alignmentShift, stack, thread, time)
    guard state.pointee.placeIfFree(address, block) else { return false }
    begin(address, size, usable, alignmentShift, stack, thread, time)
    return true
  }

  @inline(__always)
  private func begin(
    _ address: Address, _ size: UInt64, _ usable: UInt64, _ alignmentShift: UInt8,
    _ stack: StackID, _ thread: ThreadIndex, _ time: Timestamp
  ) {
    state.pointee.columns.step(ends: 0, thread: thread.rawValue, tick: Self.tick(time))
    state.pointee.begin(
      address: address.rawValue, size: size, usable: usable, alignmentShift: alignmentShift,
      stack: stack.rawValue)
    state.pointee.totals.allocate(Int64(size), state.pointee.nanoseconds)
  }

  /// A block ended, by way of the function `entry`.
  ///
  /// Where none is known at that address, the step says so and keeps the address.
  public func free(
    address: Address, entry: EntryPoint = .free, thread: ThreadIndex, time: Timestamp
  ) {
    if freeIfLive(address: address, entry: entry, thread: thread, time: time) { return }
    state.pointee.columns.step(ends: 1, thread: thread.rawValue, tick: Self.tick(time))
    state.pointee.columns.exception(StepCode.freeUnknown)
    state.pointee.columns.rawAddresses.varint(address.rawValue)
    state.pointee.totals.freeUnknown(state.pointee.nanoseconds)
  }

  /// As ``free(address:entry:thread:time:)``, but false, and without effect, where no block is known
  /// at the address.
  public func freeIfLive(
    address: Address, entry: EntryPoint, thread: ThreadIndex, time: Timestamp
  ) -> Bool {
    prepare(thread)
    guard let block = state.pointee.blocks.remove(address.rawValue) else { return false }
    state.pointee.columns.step(ends: 1, thread: thread.rawValue, tick: Self.tick(time))
    state.pointee.columns.refer(to: block.allocation)
    state.pointee.columns.recycle(block.allocation)
    state.pointee.columns.release(entry, family: block.family)
    state.pointee.totals.free(Int64(block.size), state.pointee.nanoseconds)
    return true
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
    state.pointee.place(
      new, size, Self.bounded(usable, atLeast: size), 0, stack, thread, time)
    state.pointee.columns.step(ends: 0, thread: thread.rawValue, tick: Self.tick(time))
    state.pointee.columns.exception(StepCode.reallocate)
    state.pointee.columns.refer(to: block.allocation)
    state.pointee.begin(
      address: new.rawValue, size: size, usable: Self.bounded(usable, atLeast: size),
      alignmentShift: 0, stack: stack.rawValue, replacing: block.allocation)
    state.pointee.totals.reallocate(
      from: Int64(block.size), to: Int64(size), state.pointee.nanoseconds)
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
    state.pointee.totals.reallocateBegin(Int64(block.size), state.pointee.nanoseconds)
  }

  /// The second half of a reallocation: the new block began.
  public func reallocateEnd(
    new: Address, size: ByteCount, usable: ByteCount, stack: StackID, thread: ThreadIndex,
    time: Timestamp
  ) {
    prepare(thread)
    let size = Self.bounded(size)
    state.pointee.place(
      new, size, Self.bounded(usable, atLeast: size), 0, stack, thread, time)
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
      state.pointee.held.startBreak(at: address.rawValue)
      state.pointee.totals.startBreak(state.pointee.nanoseconds)
    } else {
      state.pointee.held.moveBreak(to: address.rawValue)
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
    if request.operation == .resizeHeap { state.pointee.held.apply(request) }
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
      state.pointee.totals.abandon(Int64(block.size), state.pointee.nanoseconds)
    }
  }

  /// Says that a step about the block at that address will come soon: what is known of the block is
  /// fetched from memory meanwhile.
  @inline(__always)
  public func prefetch(_ address: UInt64) { state.pointee.blocks.prefetch(address) }

  /// Whether a block lives at that address.
  @inline(__always)
  public func isLive(_ address: UInt64) -> Bool { state.pointee.blocks.contains(address) }

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

  /// The block that the next allocating step begins.
  @inline(__always)
  func block(
    _ size: UInt64, _ usable: UInt64, _ alignmentShift: UInt8, _ stack: StackID,
    _ thread: ThreadIndex, _ time: Timestamp
  ) -> WrittenBlock {
    WrittenBlock(
      allocation: columns.nextAllocation, size: size, usable: usable,
      tick: max(time.nanoseconds / TraceFormat.nanosecondsPerTick, columns.lastTick),
      stack: stack.rawValue, thread: thread.rawValue, alignmentShift: alignmentShift,
      family: families.family(of: stack.rawValue))
  }

  /// Remembers the block that is about to begin; false, and without effect, where one lives.
  @inline(__always)
  mutating func placeIfFree(_ address: Address, _ block: WrittenBlock) -> Bool {
    guard let old = blocks.set(address.rawValue, block) else { return true }
    _ = blocks.set(address.rawValue, old)
    return false
  }

  /// Remembers the block that is about to begin; abandons one that lives at its address.
  @inline(__always)
  mutating func place(
    _ address: Address, _ size: UInt64, _ usable: UInt64, _ alignmentShift: UInt8,
    _ stack: StackID, _ thread: ThreadIndex, _ time: Timestamp
  ) {
    let block = block(size, usable, alignmentShift, stack, thread, time)
    if placeIfFree(address, block) { return }
    abandonReused(address, thread, time)
    _ = placeIfFree(address, block)
  }

  /// Ends the block at an address because the address is about to be handed out again.
  @inline(never)
  mutating func abandonReused(_ address: Address, _ thread: ThreadIndex, _ time: Timestamp) {
    guard let block = blocks.remove(address.rawValue) else { return }
    let tick = time.nanoseconds / TraceFormat.nanosecondsPerTick
    columns.step(ends: 1, thread: thread.rawValue, tick: tick)
    columns.exception(StepCode.abandonReused)
    columns.refer(to: block.allocation)
    totals.abandon(Int64(block.size), nanoseconds)
    totals.noteLiveAddresses(1)
  }
}
