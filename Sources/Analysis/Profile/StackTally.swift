// What each call stack asked for, how long it kept it, and the most that it had at a time.

import MemoryUnits
public import Trace

/// The figures of one call stack up to a moment.
///
/// A block that is resized ends, and another begins: of the size, and with the stack, of the
/// reallocation.
public struct StackFigures: Sendable, Equatable {
  /// Blocks that were begun.
  public var allocatedBlocks: Int64 = 0
  /// Bytes asked for with them.
  public var allocatedBytes: Int64 = 0
  /// Blocks that live.
  public var liveBlocks: Int64 = 0
  /// Bytes asked for with them.
  public var liveBytes: Int64 = 0
  /// The most bytes that lived at a time.
  public var largestBytes: Int64 = 0
  /// Blocks that lived when that was first reached.
  public var blocksAtLargest: Int64 = 0
  /// Nanoseconds that all blocks lived, those that still live up to the moment; where times are
  /// unknown, steps.
  public var lifetimes: Int128 = 0

  /// The figures of a stack that asked for nothing.
  public init() {}

  @inline(__always)
  mutating func begin(_ size: Int64, at now: UInt64, weight: Int64) {
    allocatedBlocks &+= weight
    allocatedBytes &+= weight &* size
    liveBlocks &+= weight
    liveBytes &+= weight &* size
    lifetimes &-= Int128(weight) &* Int128(now)
    if liveBytes > largestBytes {
      largestBytes = liveBytes
      blocksAtLargest = liveBlocks
    }
  }

  @inline(__always)
  mutating func end(_ size: Int64, at now: UInt64, weight: Int64) {
    liveBlocks &-= weight
    liveBytes &-= weight &* size
    lifetimes &+= Int128(weight) &* Int128(now)
  }

  /// The figures with what lives counted up to a moment.
  func closed(at now: UInt64) -> StackFigures {
    var closed = self
    closed.lifetimes &+= Int128(liveBlocks) &* Int128(now)
    return closed
  }
}

/// The figures of all call sites at a moment.
public struct StackProfile: Sendable {
  /// Which moment.
  public var moment: Moment
  /// It on the clock of the trace: nanoseconds, or steps where times are unknown.
  public var time: Timestamp
  /// The steps up to it.
  public var steps: UInt64
  /// The figures of each site.
  public var figures: [StackFigures]
}

/// Tallies the steps of a trace by call site.
struct StackTally: PlannedFold {
  private struct Block {
    var size: Int64 = 0
    var site: Int32 = -1
    var weight: Int32 = 1
  }

  private(set) var profiles: [StackProfile] = []
  private var figures: [StackFigures] = []
  /// By slot; no site where nothing lives.
  private var blocks: [Block] = []
  private var siteOfStack: [Int32] = []
  private let siteOf: (StackID) -> Int
  private let weights: SampleWeights
  private let usesTimes: Bool
  private var steps: UInt64 = 0

  init(plan: SamplePlan, weights: SampleWeights, siteOf: @escaping (StackID) -> Int) {
    self.siteOf = siteOf
    self.weights = weights
    usesTimes = plan.usesTimes
  }

  mutating func apply(_ batch: UnsafeBufferPointer<Request>) {
    for request in batch {
      let now = usesTimes ? request.time.nanoseconds : steps
      steps &+= 1
      switch request.operation {
      case .allocate, .reallocateEnd:
        begin(request, at: now)
      case .free, .reallocateBegin, .abandon:
        end(request.slot, at: now)
      case .reallocate:
        end(request.slot, at: now)
        begin(request, at: now)
      case .moveBreak, .freeUnknown, .startBreak, .map, .unmap, .discard, .discardLazily, .trim,
        .setOption, .mark, .poolAllocate, .poolFree, .resizeHeap, .setBreak:
        break
      }
    }
  }

  mutating func stop(_ action: SamplePlan.Action, afterSteps steps: UInt64, at time: Timestamp) {
    guard case .capture(let moment) = action else { return }
    profiles.append(
      StackProfile(
        moment: moment, time: time, steps: steps,
        figures: figures.map { $0.closed(at: time.nanoseconds) }))
  }

  @inline(__always)
  private mutating func begin(_ request: Request, at now: UInt64) {
    let slot = request.slot.index
    if slot >= blocks.count {
      guard BlockLedger.isPlausible(request.slot, afterSteps: steps) else { return }
      blocks.append(contentsOf: repeatElement(Block(), count: slot + 1 - blocks.count))
    }
    end(request.slot, at: now)
    let weight = weights.weight(of: request.address)
    let site = site(of: request.stack)
    blocks[slot] = Block(size: request.size.rawValue, site: site, weight: Int32(weight))
    figures[Int(site)].begin(request.size.rawValue, at: now, weight: weight)
  }

  @inline(__always)
  private mutating func end(_ slot: Slot, at now: UInt64) {
    guard slot.index < blocks.count, blocks[slot.index].site >= 0 else { return }
    let block = blocks[slot.index]
    figures[Int(block.site)].end(block.size, at: now, weight: Int64(block.weight))
    blocks[slot.index].site = -1
  }

  @inline(__always)
  private mutating func site(of stack: StackID) -> Int32 {
    if stack.index < siteOfStack.count, siteOfStack[stack.index] >= 0 {
      return siteOfStack[stack.index]
    }
    return newSite(of: stack)
  }

  @inline(never)
  private mutating func newSite(of stack: StackID) -> Int32 {
    let missing = stack.index + 1 - siteOfStack.count
    if missing > 0 { siteOfStack.append(contentsOf: repeatElement(-1, count: missing)) }
    let site = siteOf(stack)
    while figures.count <= site { figures.append(StackFigures()) }
    siteOfStack[stack.index] = Int32(site)
    return Int32(site)
  }
}

extension Measurement {
  /// What each call site asked for up to some moments, and what of it lived then.
  ///
  /// In a trace that has the blocks of some regions only, every block that begins in one of them
  /// counts as many times as there are regions to each of these.
  ///
  /// - Parameters:
  ///   - siteOf: the number of the site that a stack belongs to, from 0 on; asked once for each
  ///     stack that begins a block, in the order of the trace.
  /// - Returns: a profile for each moment, in the order of time.
  /// - Complexity: O(steps). Memory follows the live blocks and the stacks.
  public static func profiles(
    of trace: TraceFile, at moments: [Moment], progress: MeasurementProgress = { _ in },
    siteOf: @escaping (StackID) -> Int
  ) throws -> [StackProfile] {
    let plan = SamplePlan(
      summary: trace.summary, knowsTimes: trace.metadata.knowsTimes, captures: moments, points: 1)
    let weights = SampleWeights(trace.metadata)
    var tally = StackTally(plan: plan, weights: weights, siteOf: siteOf)
    try pass(over: trace, addresses: weights.needAddresses, plan, &tally, progress)
    return tally.profiles
  }
}
