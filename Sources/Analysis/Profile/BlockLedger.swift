// The lives of blocks, followed step by step.

public import MemoryUnits
public import Trace

/// A block from the step that placed it until one frees or resizes it.
public struct BlockLife: Sendable, Equatable {
  /// From 0 on, in the order in which lives begin.
  public var number: UInt64
  /// The number of the block's first life: another one where it was resized.
  public var first: UInt64
  /// The number of the step that began it, from 0 on.
  public var step: UInt64
  /// When it began.
  public var time: Timestamp
  /// Where it is.
  public var address: Address
  /// Bytes asked for.
  public var size: ByteCount
  /// Bytes that the allocator made usable.
  public var usable: ByteCount
  /// The call stack that asked for it.
  public var stack: StackID
  /// The thread that asked for it.
  public var thread: ThreadIndex
  /// The function that was called.
  public var entry: EntryPoint
  /// Binary logarithm of the alignment that was asked for; 0 for none.
  public var alignmentShift: UInt8
  fileprivate var isLive = true

  fileprivate init(_ request: Request, number: UInt64, step: UInt64) {
    self.number = number
    first = number
    self.step = step
    time = request.time
    address = request.address
    size = request.size
    usable = request.usable
    stack = request.stack
    thread = request.thread
    entry = request.entry
    alignmentShift = request.alignmentShift
  }
}

/// Knows the blocks that live, and says which ones a step ends and begins.
///
/// - Complexity: O(1) a step. Memory follows the most blocks that ever lived at once.
public struct BlockLedger {
  /// What a step does.
  public struct Change: Sendable {
    /// The life that ends.
    public var ended: BlockLife?
    /// The life that begins.
    public var began: BlockLife?
  }

  /// By slot.
  private var lives: [BlockLife] = []
  private var steps: UInt64 = 0
  private var nextNumber: UInt64 = 0

  /// Before the first step of a trace.
  public init() {}

  /// Steps taken so far.
  public var stepCount: UInt64 { steps }

  /// Takes the next step of the trace.
  public mutating func apply(_ request: Request) -> Change {
    defer { steps &+= 1 }
    switch request.operation {
    case .allocate, .reallocateEnd:
      return Change(ended: nil, began: begin(request, first: nil))
    case .free, .reallocateBegin, .abandon:
      return Change(ended: end(request.slot), began: nil)
    case .reallocate:
      let ended = end(request.slot)
      return Change(ended: ended, began: begin(request, first: ended?.first))
    case .moveBreak, .freeUnknown, .startBreak, .map, .unmap, .discard, .discardLazily, .trim,
      .setOption, .mark, .poolAllocate, .poolFree, .resizeHeap, .setBreak:
      return Change(ended: nil, began: nil)
    }
  }

  /// The lives that have not ended, in the order in which they began.
  public var living: [BlockLife] {
    lives.filter(\.isLive).sorted { $0.number < $1.number }
  }

  private mutating func begin(_ request: Request, first: UInt64?) -> BlockLife? {
    var life = BlockLife(request, number: nextNumber, step: steps)
    if let first { life.first = first }
    let slot = request.slot.index
    if slot >= lives.count {
      guard Self.isPlausible(request.slot, afterSteps: steps) else { return nil }
      var none = life
      none.isLive = false
      lives.append(contentsOf: repeatElement(none, count: slot + 1 - lives.count))
    }
    lives[slot] = life
    nextNumber &+= 1
    return life
  }

  /// Whether a trace can have come to this slot: it bounds the memory that one number can claim.
  static func isPlausible(_ slot: Slot, afterSteps steps: UInt64) -> Bool {
    UInt64(slot.rawValue) <= steps &+ 65_536
  }

  private mutating func end(_ slot: Slot) -> BlockLife? {
    guard slot.index < lives.count, lives[slot.index].isLive else { return nil }
    lives[slot.index].isLive = false
    return lives[slot.index]
  }
}
