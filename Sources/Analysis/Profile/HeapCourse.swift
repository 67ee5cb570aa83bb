// The recorded heap over time, and its free runs at chosen moments.

import Allocators
public import MemoryUnits
import Replay
public import Trace

/// A maximal run of held bytes that no live block covers, between its neighbours.
public struct FreeRun: Sendable, Equatable {
  /// Its bytes, in whole steps of 8.
  public var range: Range<Address>
  /// Whether it is the free top of a held range, and so no hole.
  public var isWilderness: Bool
  /// The block that ends where the run begins; nil where there is none.
  public var below: BlockLife?
  /// The block that begins where the run ends; nil where there is none.
  public var above: BlockLife?

  /// Whole pages in the run.
  public var wholePages: Int64 {
    let first = range.lowerBound.alignedUp(to: .page)
    return max(0, (range.upperBound.alignedDown(to: .page) - first).rawValue / 4096)
  }
}

/// The free runs of the recorded heap at a moment, in the order of their addresses.
public struct HeapLayout: Sendable {
  /// Which moment.
  public var moment: Moment
  /// It on the clock of the trace: nanoseconds, or steps where times are unknown.
  public var time: Timestamp
  /// The steps up to it.
  public var steps: UInt64
  /// Holes and wilderness.
  public var runs: [FreeRun]
}

/// The heap at one of many moments.
public struct CoursePoint: Sendable, Equatable {
  /// The moment on the clock of the trace: nanoseconds, or steps where times are unknown.
  public var time: Timestamp
  /// The steps up to it.
  public var steps: UInt64
  /// Bytes that live blocks asked for.
  public var live: ByteCount
  /// Blocks that live.
  public var liveBlocks: Int64
  /// What is known where the trace says where blocks were.
  public var recorded: Recorded?
  /// Whether this is the moment of the most live bytes, which stands beside the evenly spaced ones.
  public var isPeak = false

  /// The figures of the recorded heap.
  public struct Recorded: Sendable, Equatable {
    /// Live bytes with headers and rounding.
    public var granted: ByteCount
    /// Bytes that the heap has from the system.
    public var held: ByteCount
    /// Held pages that a block covered some of.
    public var touched: ByteCount
    /// Holes.
    public var holes: Int
    /// Bytes in them.
    public var holeBytes: ByteCount
    /// Free bytes at the tops of held ranges.
    public var wilderness: ByteCount
  }
}

/// Follows the recorded heap through a plan.
final class HeapCourse: PlannedFold {
  private var replayer: Replayer<RecordedHeap, HeapObserver>
  private var ledger = BlockLedger()
  private let followsBlocks: Bool
  private let onLayout: (HeapLayout) throws -> Void
  private let onPoint: (CoursePoint) throws -> Void

  /// - Parameter followsBlocks: whether free runs are asked for, which have blocks beside them.
  init(
    _ metadata: TraceMetadata, plan: SamplePlan, followsBlocks: Bool,
    onLayout: @escaping (HeapLayout) throws -> Void,
    onPoint: @escaping (CoursePoint) throws -> Void
  ) {
    replayer = Replayer(
      heap: RecordedHeap(headerBytes: ByteCount(metadata.headerBytes)),
      observer: HeapObserver(usesTimes: plan.usesTimes))
    self.followsBlocks = followsBlocks
    self.onLayout = onLayout
    self.onPoint = onPoint
  }

  func apply(_ batch: UnsafeBufferPointer<Request>) {
    replayer.apply(batch)
    guard followsBlocks else { return }
    for request in batch { _ = ledger.apply(request) }
  }

  func stop(_ action: SamplePlan.Action, afterSteps steps: UInt64, at time: Timestamp) throws {
    switch action {
    case .capture(let moment):
      try onLayout(HeapLayout(moment: moment, time: time, steps: steps, runs: runs()))
    case .timelinePoint, .peakSnapshot:
      let point = replayer.observer.point(at: time)
      let free = replayer.observer.map.freeBytes
      try onPoint(
        CoursePoint(
          time: time, steps: steps, live: point.live,
          liveBlocks: Int64(replayer.observer.footprint.liveBlocks),
          recorded: CoursePoint.Recorded(
            granted: point.granted, held: point.held, touched: point.resident,
            holes: point.holes, holeBytes: point.holeBytes,
            wilderness: ByteCount(free) - point.holeBytes),
          isPeak: action == .peakSnapshot))
    }
  }

  private func runs() -> [FreeRun] {
    let blocks = ledger.living.sorted { $0.address < $1.address }
    var next = 0
    return replayer.observer.map.allFreeRuns().map { run in
      while next < blocks.count, blocks[next].address.rawValue < run.range.lowerBound { next += 1 }
      var result = FreeRun(
        range: Address(run.range.lowerBound)..<Address(run.range.upperBound),
        isWilderness: run.isTop)
      if next > 0, Self.end(of: blocks[next - 1]) == run.range.lowerBound {
        result.below = blocks[next - 1]
      }
      // What an allocator keeps in front of a block is 16 bytes at most.
      if next < blocks.count, !run.isTop,
        blocks[next].address.rawValue &- run.range.upperBound <= 16
      {
        result.above = blocks[next]
      }
      return result
    }
  }

  /// Where the map has the end of a block.
  private static func end(of block: BlockLife) -> UInt64 {
    (block.address + max(block.usable, block.size)).alignedUp(to: 8).rawValue
  }
}

/// Counts what lives, where nothing says at which addresses.
private struct LiveCourse: PlannedFold {
  private var ledger = BlockLedger()
  private var live = ByteCount.zero
  private var blocks: Int64 = 0
  let onPoint: (CoursePoint) throws -> Void

  init(onPoint: @escaping (CoursePoint) throws -> Void) { self.onPoint = onPoint }

  mutating func apply(_ batch: UnsafeBufferPointer<Request>) {
    for request in batch {
      let change = ledger.apply(request)
      if let began = change.began {
        live += began.size
        blocks += 1
      }
      if let ended = change.ended {
        live -= ended.size
        blocks -= 1
      }
    }
  }

  mutating func stop(
    _ action: SamplePlan.Action, afterSteps steps: UInt64, at time: Timestamp
  ) throws {
    guard action == .timelinePoint || action == .peakSnapshot else { return }
    try onPoint(
      CoursePoint(
        time: time, steps: steps, live: live, liveBlocks: blocks,
        isPeak: action == .peakSnapshot))
  }
}

extension Measurement {
  /// Follows the recorded heap: figures at moments evenly spaced in time and at the peak, free runs at
  /// chosen ones.
  ///
  /// Where the trace has no addresses, only live blocks are counted; free runs cannot be asked for.
  ///
  /// - Parameters:
  ///   - points: how many moments get figures, at least two; first and last are among them.
  ///   - layouts: the moments of which the free runs are asked for.
  ///   - onLayout, onPoint: get the results in the order of time.
  /// - Complexity: O(steps + points × pages held). Memory follows the live blocks, the span of the
  ///   heap and the free runs of one moment.
  public static func course(
    of trace: TraceFile, points: Int, layouts: [Moment] = [],
    progress: MeasurementProgress = { _ in },
    onLayout: @escaping (HeapLayout) throws -> Void = { _ in },
    onPoint: @escaping (CoursePoint) throws -> Void
  ) throws {
    if let regions = trace.metadata.regions {
      throw MeasurementError.sampled(denominator: regions.denominator)
    }
    let plan = SamplePlan(
      summary: trace.summary, knowsTimes: trace.metadata.knowsTimes, captures: layouts,
      points: max(2, points))
    if trace.metadata.knowsAddresses {
      var course = HeapCourse(
        trace.metadata, plan: plan, followsBlocks: !layouts.isEmpty, onLayout: onLayout,
        onPoint: onPoint)
      try pass(over: trace, addresses: true, plan, &course, progress)
    } else {
      guard layouts.isEmpty else { throw MeasurementError.noAddresses }
      var course = LiveCourse(onPoint: onPoint)
      try pass(over: trace, addresses: false, plan, &course, progress)
    }
  }
}
