// What every heap of the reference stack is: something that answers requests with addresses.

public import MemoryUnits

/// What a program asks of a heap, and what a heap may know when it decides.
@frozen
public struct BlockRequest: Sendable {
  /// The bytes asked for.
  public var size: ByteCount
  /// A power of two, or 1 where the program named none.
  public var alignment: ByteCount
  /// The thread that asks.
  public var thread: UInt32
  /// The call stack that asks.
  public var site: UInt32
  /// A name for the block that no other block has while it lives.
  ///
  /// The block keeps it when it is resized. Heaps that move blocks say by it which one moved.
  public var handle: UInt32
  /// Where the recorded heap placed the block; zero when replay runs without addresses.
  public var recordedAddress: Address
  /// What the recorded heap made usable.
  public var recordedUsable: ByteCount

  /// A request; what is not named is unknown or does not matter.
  @inlinable
  public init(
    size: ByteCount, alignment: ByteCount = 1, thread: UInt32 = 0, site: UInt32 = 0,
    handle: UInt32 = 0, recordedAddress: Address = .zero, recordedUsable: ByteCount = .zero
  ) {
    self.size = size
    self.alignment = alignment
    self.thread = thread
    self.site = site
    self.handle = handle
    self.recordedAddress = recordedAddress
    self.recordedUsable = recordedUsable
  }
}

/// Where a heap put a block: the bytes that nothing else can use while it lives, with the header
/// and the rounding that the heap adds.
@frozen
public struct Placement: Hashable, Sendable {
  /// The first byte that the program may use.
  public var address: Address
  /// The bytes from there on that the block takes up.
  public var granted: ByteCount

  /// A block at an address.
  @inlinable
  public init(address: Address, granted: ByteCount) {
    self.address = address
    self.granted = granted
  }

  /// The first address behind the block.
  @inlinable
  public var end: Address { address + granted }
}

/// A range of addresses that a heap got from the system, or gave back.
@frozen
public struct HeldChange: Sendable, Equatable {
  /// Never empty.
  public var range: Range<Address>
  /// Whether the heap got the range; otherwise it gave it back.
  public var isGrowth: Bool

  /// A range got or given back.
  @inlinable
  public init(range: Range<Address>, isGrowth: Bool) {
    self.range = range
    self.isGrowth = isGrowth
  }
}

/// A live block that a heap moved of its own accord.
@frozen
public struct Relocation: Hashable, Sendable {
  /// The block, by the handle of the request that placed it.
  public var handle: UInt32
  /// Where it was.
  public var old: Placement
  /// Where it is now.
  public var new: Placement

  /// A block that moved.
  @inlinable
  public init(handle: UInt32, from old: Placement, to new: Placement) {
    self.handle = handle
    self.old = old
    self.new = new
  }
}

/// The work that the textbook form of a policy would have done.
@frozen
public struct Work: Sendable, Hashable {
  /// Holes that a linear search looks at before it decides.
  public var holesInspected: UInt64 = 0
  /// Free pieces left over when something was cut.
  public var splits: UInt64 = 0
  /// Free neighbours that a freed run joined.
  public var merges: UInt64 = 0
  /// Free pieces put on a free list, taken off it, or moved within it.
  public var listOperations: UInt64 = 0
  /// Bytes copied because a reallocation could not stay in place.
  public var bytesMoved: UInt64 = 0
  /// Live blocks that compaction moved.
  public var blocksRelocated: UInt64 = 0
  /// Their bytes.
  public var bytesRelocated: UInt64 = 0
  /// Batches that a cache fetched from the heap below it.
  public var refills: UInt64 = 0
  /// Batches that a cache gave back to the heap below it.
  public var flushes: UInt64 = 0
  /// Requests that the heap's own space could not serve, so that the block lies outside it.
  public var failures: UInt64 = 0

  /// No work yet.
  @inlinable
  public init() {}

  /// The work of two parts of a heap.
  @inlinable
  public static func + (a: Work, b: Work) -> Work { a.combined(with: b, &+) }

  /// The work since `b`, which was before `a`.
  @inlinable
  public static func - (a: Work, b: Work) -> Work { a.combined(with: b, &-) }

  @usableFromInline
  func combined(with other: Work, _ combine: (UInt64, UInt64) -> UInt64) -> Work {
    var result = Work()
    for field in Self.fields {
      result[keyPath: field] = combine(self[keyPath: field], other[keyPath: field])
    }
    return result
  }

  private static var fields: [WritableKeyPath<Work, UInt64>] {
    [
      \.holesInspected, \.splits, \.merges, \.listOperations, \.bytesMoved, \.blocksRelocated,
      \.bytesRelocated, \.refills, \.flushes, \.failures,
    ]
  }
}

/// Anything that answers requests with addresses.
///
/// A heap is a pure data structure over a simulated address space: it touches no memory of the
/// blocks that it places. What it gets from the system and gives back it appends to
/// `heldChanges`; whoever drives it drains that list after every operation.
public protocol Heap: ~Copyable {
  /// Places a block. Never fails: a simulated system has memory without end.
  mutating func allocate(_ request: BlockRequest) -> Placement

  /// Ends the block that `allocate` or `reallocate` placed there.
  mutating func free(_ placement: Placement)

  /// Ends the block that was placed there, at the request of a thread.
  ///
  /// Heaps that keep something for each thread listen; the others need only ``free(_:)``.
  mutating func free(_ placement: Placement, by thread: UInt32)

  /// Resizes the block, in place where the policy can, else by placing the new block, copying,
  /// and freeing the old one, in that order.
  mutating func reallocate(
    _ placement: Placement, oldSize: ByteCount, to request: BlockRequest
  ) -> Placement

  /// The end of the data segment of the recorded process moved there. Only a heap that follows the
  /// recording listens; the others have their own idea of what they hold.
  mutating func breakMoved(to end: Address)

  /// A program image of the recorded process began, with an empty data segment at that address.
  mutating func breakStarted(at start: Address)

  /// A heap of a thread arena of the recorded process now has these bytes; none where it was given
  /// back. The first heap of an arena stays.
  mutating func arenaHeapResized(to range: Range<Address>, isFirst: Bool)

  /// What changed in the held ranges since the list was last emptied, oldest first.
  var heldChanges: [HeldChange] { get set }

  /// The textbook work done so far.
  var work: Work { get }

  /// Whether the heap may move live blocks of its own accord.
  static var relocatesBlocks: Bool { get }

  /// The blocks that it moved since the list was last emptied, oldest first.
  ///
  /// Whoever drives the heap drains this list after every operation, before `heldChanges`; what the heap gave back thereby
  /// was covered by no block any more, what it got was got before. None is of the block that the same
  /// operation placed.
  var relocations: [Relocation] { get set }
}

extension Heap where Self: ~Copyable {
  /// To most heaps all threads are the same.
  @inlinable
  public mutating func free(_ placement: Placement, by thread: UInt32) { free(placement) }

  /// Most heaps leave blocks where they are.
  @inlinable
  public static var relocatesBlocks: Bool { false }

  /// Most heaps leave blocks where they are.
  @inlinable
  public var relocations: [Relocation] {
    get { [] }
    set {}
  }

  /// Simulated heaps do not follow the recorded break.
  @inlinable
  public mutating func breakMoved(to end: Address) {}

  /// Simulated heaps have arenas of their own, if any.
  @inlinable
  public mutating func arenaHeapResized(to range: Range<Address>, isFirst: Bool) {}

  /// Simulated heaps have a data segment of their own.
  @inlinable
  public mutating func breakStarted(at start: Address) {}
}
