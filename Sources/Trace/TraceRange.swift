// A part of a trace, and what it begins with.

public import MemoryUnits

/// A part of a trace: the steps from one moment up to, not including, another.
///
/// Moments are nanoseconds since recording began; in a trace without times, numbers of steps.
public struct TraceRange: Sendable, Equatable {
  /// The first moment.
  public var lowerBound: UInt64
  /// The first moment that is no longer in the range; nil where it goes to the end of the trace.
  public var upperBound: UInt64?

  /// A range; an upper bound below the lower one counts as equal to it.
  public init(from lowerBound: UInt64, to upperBound: UInt64? = nil) {
    self.lowerBound = lowerBound
    self.upperBound = upperBound.map { max($0, lowerBound) }
  }

  /// The whole trace.
  public static let all = TraceRange(from: 0)
}

/// What is there when a range of a trace begins.
public struct TraceOpening: Sendable {
  /// Steps that lead from nothing to what is there: where the data segment and the heaps of arenas
  /// are, as far as addresses are read; then one allocation for each block that lives, with the time
  /// at which it began, in the order in which they began.
  ///
  /// They are no events of the range.
  public var steps: [Request] = []
  /// All slots of the range that are not those of blocks above are below this number, or come in
  /// order from there on.
  public var slots: UInt32 = 0
  /// Steps of the trace before the range.
  public var stepsBefore: UInt64 = 0
  /// Blocks that live.
  public var liveBlocks: UInt64 = 0
  /// Bytes that they asked for.
  public var liveBytes = ByteCount.zero
  /// The totals so far, which begin with what lives.
  var totals = SummaryBuilder()

  /// The beginning of a trace, where nothing is there.
  public init() {}
}

/// What lives at a moment, kept while steps are read that come before a range.
struct OpeningState {
  private var blocks: [Request] = []
  /// For each slot, when its block began among those here; 0 where none lives.
  private var orders: [UInt64] = []
  private var lastOrder: UInt64 = 0
  private var held = HeldMemory()
  private var openReallocations: UInt64 = 0
  private var hasEarlierBlocks = false
  private var hasImage = false

  /// The beginning of a trace.
  init(startsInMidst: Bool) { hasEarlierBlocks = startsInMidst }

  /// What a keyframe says.
  init(_ keyframe: KeyframeStart) {
    blocks = keyframe.blocks
    orders = (0..<keyframe.blocks.count).map { UInt64($0) + 1 }
    lastOrder = UInt64(blocks.count)
    held = keyframe.held
    openReallocations = keyframe.head.openReallocations
    hasEarlierBlocks = keyframe.head.hasEarlierBlocks
    hasImage = keyframe.head.hasImage
  }

  mutating func apply(_ request: Request) {
    switch request.operation {
    case .allocate, .reallocate:
      begin(request)
    case .reallocateEnd:
      if openReallocations > 0 { openReallocations -= 1 }
      begin(request)
    case .free, .abandon:
      orders[request.slot.index] = 0
    case .reallocateBegin:
      openReallocations += 1
      orders[request.slot.index] = 0
    case .startBreak:
      if hasImage { hasEarlierBlocks = false }
      hasImage = true
      held.apply(request)
    case .moveBreak, .resizeHeap:
      held.apply(request)
    case .freeUnknown, .map, .unmap, .discard, .discardLazily, .trim, .setOption, .mark,
      .poolAllocate, .poolFree, .setBreak:
      break
    }
  }

  private mutating func begin(_ request: Request) {
    let slot = request.slot.index
    while orders.count <= slot {
      orders.append(0)
      blocks.append(request)
    }
    lastOrder += 1
    orders[slot] = lastOrder
    blocks[slot] = request
    blocks[slot].operation = .allocate
  }

  /// What is there now.
  func opening(
    at time: Timestamp, stepsBefore: UInt64, slots: UInt32, addresses: Bool
  ) -> TraceOpening {
    let live = orders.indices.filter { orders[$0] > 0 }.sorted { orders[$0] < orders[$1] }
    var opening = TraceOpening()
    if addresses { opening.steps = held.stepsBeforeBlocks(at: time) }
    for slot in live {
      opening.liveBytes = opening.liveBytes + blocks[slot].size
      opening.steps.append(blocks[slot])
    }
    if addresses { opening.steps += held.stepsAfterBlocks(at: time) }
    opening.slots = max(slots, UInt32(clamping: orders.count))
    opening.stepsBefore = stepsBefore
    opening.liveBlocks = UInt64(live.count)
    opening.totals = SummaryBuilder(
      liveBytes: opening.liveBytes.rawValue, liveBlocks: opening.liveBlocks,
      nanoseconds: time.nanoseconds, openReallocations: openReallocations,
      hasEarlierBlocks: hasEarlierBlocks, hasImage: hasImage)
    return opening
  }
}
