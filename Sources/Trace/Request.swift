// What a process asked of its allocator: the unit that replay folds over.

public import MemoryUnits

/// What kind of step a ``Request`` is.
@frozen
public enum Operation: UInt8, Sendable {
  /// A block begins: `slot`, `size`, `alignment`, `stack`, `entry`; with addresses: `address`, `usable`.
  case allocate = 0
  /// The block in `slot` ends.
  case free = 1
  /// The block in `slot` becomes `size` bytes long and may move: the slot stays the same. Carries
  /// what `allocate` carries, of the block after the change.
  case reallocate = 2
  /// The first half of a reallocation between whose halves other threads did something: the block
  /// in `slot` ends. Counts as no event.
  case reallocateBegin = 3
  /// The second half: a block begins, as with `allocate`. Counts as one reallocation.
  case reallocateEnd = 4
  /// The block in `slot` ends without a request, because the program image was replaced by `exec`
  /// or because its address was handed out again. Counts as no event.
  case abandon = 5
  /// The end of the data segment (the brk heap) moved to `address`. Counts as no event.
  case moveBreak = 6
  /// A free of an address that no known block has; `address` is that address. Counts as a free.
  case freeUnknown = 7
  /// The data segment of a program image begins, empty, at `address`; that of an image before it
  /// is gone. Counts as no event.
  case startBreak = 9

  // The steps from here on are about no block and count as no event; ``Request/sideStep`` says in
  // full what they carry.

  /// The program mapped memory itself: ``SideStep/map(range:traits:stack:entry:)``.
  case map = 10
  /// The program unmapped memory: ``SideStep/unmap(range:entry:)``.
  case unmap = 11
  /// The program gave pages back at once: ``SideStep/discard(range:isLazy:)``.
  case discard = 12
  /// The program allowed the kernel to take pages back when it needs them.
  case discardLazily = 13
  /// The program asked for `malloc_trim`: ``SideStep/trim(pad:)``.
  case trim = 14
  /// The program changed an option of the allocator: ``SideStep/setOption(parameter:value:)``.
  case setOption = 15
  /// The program named a moment: ``SideStep/mark(_:)``.
  case mark = 16
  /// A pool of the program's own handed a piece out.
  case poolAllocate = 17
  /// A pool of the program's own took a piece back.
  case poolFree = 18
  /// A heap of a thread arena grew or shrank: ``SideStep/resizeHeap(range:isFirst:)``.
  case resizeHeap = 19
  /// The program itself moved the end of the data segment: ``SideStep/setBreak(to:entry:)``.
  case setBreak = 20
}

/// One step of a trace, decoded.
///
/// A plain value without references.
@frozen
public struct Request: Sendable {
  /// Moment of the step; steps come in order, so times never decrease.
  public var time: Timestamp
  /// Bytes asked for.
  public var size: ByteCount
  /// Where the recorded heap put the block; zero unless addresses were asked for.
  public var address: Address
  /// Bytes that the recorded heap made usable; at least `size`.
  ///
  /// Equals `size` unless addresses were asked for.
  public var usable: ByteCount
  /// The block that the step is about; ``Slot/none`` where it is about none.
  public var slot: Slot
  /// The call stack of an allocation or reallocation.
  public var stack: StackID
  /// The thread that made the request.
  public var thread: ThreadIndex
  /// What happens.
  public var operation: Operation
  /// The function that was called: for a step that begins a block, the one of `stack`; for a plain
  /// free, the one that released it.
  public var entry: EntryPoint
  /// Binary logarithm of the alignment that was asked for; 0 where the request named none.
  public var alignmentShift: UInt8

  /// Makes a step; what it does not have stays at its default.
  @inlinable
  public init(
    operation: Operation, slot: Slot, time: Timestamp = .zero, size: ByteCount = .zero,
    address: Address = .zero, usable: ByteCount = .zero, stack: StackID = .unknown,
    thread: ThreadIndex = ThreadIndex(0), entry: EntryPoint = .unknown, alignmentShift: UInt8 = 0
  ) {
    self.operation = operation
    self.slot = slot
    self.time = time
    self.size = size
    self.address = address
    self.usable = usable
    self.stack = stack
    self.thread = thread
    self.entry = entry
    self.alignmentShift = alignmentShift
  }

  /// The alignment asked for, or nil where the request named none.
  @inlinable
  public var alignment: ByteCount? {
    alignmentShift == 0 ? nil : ByteCount(Int64(1) &<< Int64(alignmentShift))
  }
}
