// One heap under measurement: takes the steps of a trace and stops where the plan says so.

import Allocators
import MemoryUnits
import Replay
import Trace

/// A heap under measurement, whichever heap it is.
///
/// The two functions are closures and not requirements of a protocol, because a closure that is
/// made where the type of the heap is known calls code that was made for that type. They are
/// called by one thread at a time, as ``BatchConsumer`` promises.
final class HeapMeasurement: BatchConsumer, @unchecked Sendable {
  private let consumeBatch: (UnsafeBufferPointer<Request>) -> Void
  /// Takes what is there when a range begins; called once, before any steps.
  let open: (TraceOpening) -> Void
  /// Everything measured, once all steps have been consumed.
  let finish: () -> MeasuredHeap

  @inline(__always)
  init<H: Heap & ~Copyable>(_ heap: consuming H, allocator: String, plan: SamplePlan) {
    let meter = HeapMeter(heap, allocator: allocator, plan: plan)
    consumeBatch = { meter.consume($0) }
    open = { meter.open($0) }
    finish = { meter.finish() }
  }

  func consume(_ batch: UnsafeBufferPointer<Request>) { consumeBatch(batch) }
}

/// What one pass gave for one heap.
struct MeasuredHeap {
  var measures: HeapMeasures
  var captures: [Moment: LiveSet]
}

/// Replays a trace through one heap and looks at it at the moments of a plan.
final class HeapMeter<H: Heap & ~Copyable> {
  private var replayer: Replayer<H, HeapObserver>
  private var measures: HeapMeasures
  private var captures: [Moment: LiveSet] = [:]
  private let plan: SamplePlan
  private var nextStepStop = 0
  private var nextTimeStop = 0
  private var seconds = Duration.zero
  /// What the heap had to do before the range.
  private var workBefore = Work()

  init(_ heap: consuming H, allocator: String, plan: SamplePlan) {
    replayer = Replayer(heap: heap, observer: HeapObserver(usesTimes: plan.usesTimes))
    measures = HeapMeasures(allocator: allocator)
    self.plan = plan
  }

  /// Places what is there when the range of the plan begins.
  func open(_ opening: TraceOpening) {
    replayer.observer.rangeOpens(isRealHeap: plan.isRealHeap)
    replayer.open(opening)
    replayer.observer.rangeBegins(at: plan.start, stepsBefore: opening.stepsBefore)
    workBefore = replayer.heap.work
  }

  func consume(_ batch: UnsafeBufferPointer<Request>) {
    let start = ContinuousClock.now
    var rest = batch[...]
    while !rest.isEmpty {
      runStepStops(upTo: replayer.steps)
      var part = rest
      if nextStepStop < plan.stepStops.count {
        let distance = plan.stepStops[nextStepStop].position - replayer.steps
        part = part.prefix(Int(clamping: distance))
      }
      if nextTimeStop < plan.timeStops.count {
        let position = plan.timeStops[nextTimeStop].position
        part = Self.prefix(of: part, upTo: position)
        if part.isEmpty { runTimeStops(upTo: position) }
      }
      replayer.apply(UnsafeBufferPointer(rebasing: part))
      rest = rest.dropFirst(part.count)
    }
    seconds += ContinuousClock.now - start
  }

  func finish() -> MeasuredHeap {
    runStepStops(upTo: .max)
    runTimeStops(upTo: .max)
    let end = Timestamp(nanoseconds: plan.end)
    for moment in plan.endCaptures { captures[moment] = liveSet(at: end) }
    let footprint = replayer.observer.footprint
    let resident = replayer.observer.resident
    measures.atEnd = replayer.observer.snapshot(at: end)
    measures.events = Int(replayer.events)
    measures.seconds = seconds / .seconds(1)
    measures.peakLive = ByteCount(footprint.peakLive)
    measures.peakHeld = ByteCount(footprint.peakHeld)
    measures.peakResident = ByteCount(resident.peakPages * 4096)
    measures.meanResident = ByteCount(
      Int64((resident.meanPages(until: plan.end) * 4096).rounded()))
    measures.fragmentation = footprint.fragmentation
    measures.work = replayer.heap.work - workBefore
    return MeasuredHeap(measures: measures, captures: captures)
  }

  /// The steps at the start of a batch that happened up to this time.
  ///
  /// Times never decrease.
  private static func prefix(
    of batch: Slice<UnsafeBufferPointer<Request>>, upTo nanoseconds: UInt64
  ) -> Slice<UnsafeBufferPointer<Request>> {
    guard let last = batch.last, last.time.nanoseconds > nanoseconds else { return batch }
    var lower = batch.startIndex
    var upper = batch.endIndex - 1
    while lower < upper {
      let middle = (lower + upper) / 2
      if batch[middle].time.nanoseconds > nanoseconds {
        upper = middle
      } else {
        lower = middle + 1
      }
    }
    return batch[..<lower]
  }

  private func runStepStops(upTo steps: UInt64) {
    while nextStepStop < plan.stepStops.count, plan.stepStops[nextStepStop].position <= steps {
      let stop = plan.stepStops[nextStepStop]
      let isOnClock = !plan.usesTimes && stop.action == .timelinePoint
      let time = isOnClock ? stop.position : plan.usesTimes ? replayer.observer.now : replayer.steps
      run(stop.action, at: Timestamp(nanoseconds: time))
      nextStepStop += 1
    }
  }

  private func runTimeStops(upTo time: UInt64) {
    while nextTimeStop < plan.timeStops.count, plan.timeStops[nextTimeStop].position <= time {
      let stop = plan.timeStops[nextTimeStop]
      run(stop.action, at: Timestamp(nanoseconds: stop.position))
      nextTimeStop += 1
    }
  }

  private func run(_ action: SamplePlan.Action, at time: Timestamp) {
    switch action {
    case .timelinePoint: measures.timeline.append(replayer.observer.point(at: time))
    case .peakSnapshot: measures.atPeak = replayer.observer.snapshot(at: time)
    case .capture(let moment): captures[moment] = liveSet(at: time)
    }
  }

  private func liveSet(at time: Timestamp) -> LiveSet {
    let snapshot = replayer.observer.snapshot(at: time)
    var blocks: [LiveSet.Block] = []
    blocks.reserveCapacity(snapshot.liveBlocks)
    replayer.forEachLiveBlock { block in
      let placement = block.placement
      guard placement.granted > .zero else { return }
      let firstPage = placement.address.rawValue / 4096
      let lastPage = (placement.end.rawValue - 1) / 4096
      blocks.append(
        LiveSet.Block(
          address: placement.address, granted: placement.granted, size: block.size,
          stack: block.stack,
          freeOnFirstPage: UInt16(clamping: replayer.observer.map.freeBytes(onPage: firstPage)),
          freeOnLastPage: UInt16(clamping: replayer.observer.map.freeBytes(onPage: lastPage))))
    }
    blocks.sort { $0.address < $1.address }
    return LiveSet(time: time, snapshot: snapshot, blocks: blocks)
  }
}
