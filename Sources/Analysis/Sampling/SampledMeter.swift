// Replaying what a sampled trace has, and looking at the sampled regions at chosen moments.

import Allocators
import MemoryUnits
import Replay
import Trace

/// Places the blocks of a sampled trace where they were, and takes a census at each moment.
final class SampledMeter {
  private typealias Counts = (placements: Int, releases: Int)

  /// What was counted at the moments that have passed.
  private(set) var censuses: [Moment: RegionCensus] = [:]

  private let sampling: RegionSampling
  private var replayer: Replayer<RecordedHeap, HeapObserver>
  private let usesTimes: Bool
  /// The times at which to take a census, the next one last.
  private var stops: [Timestamp]
  /// The number of steps before the census of the peak; nil when it is not wanted any more.
  private var peakStep: UInt64?
  private let takesEnd: Bool
  /// Requests by the region in which their block begins.
  private var requests: [UInt64: Counts] = [:]
  /// The region in which the block of a slot begins, if it is sampled.
  private var regionOfSlot: [Slot: UInt64] = [:]
  private let headerBytes: UInt64

  /// - Parameters:
  ///   - moments: when to take a census.
  ///   - peakStep: the number of steps after which it is `peak`.
  init(
    _ sampling: RegionSampling, metadata: TraceMetadata, moments: [Moment], peakStep: UInt64
  ) {
    self.sampling = sampling
    usesTimes = metadata.knowsTimes
    headerBytes = UInt64(max(0, min(metadata.headerBytes, 4096)))
    replayer = Replayer(
      heap: RecordedHeap(headerBytes: ByteCount(metadata.headerBytes)),
      observer: HeapObserver(usesTimes: metadata.knowsTimes))
    stops = moments.compactMap { moment in
      if case .time(let time) = moment { time } else { nil }
    }.sorted(by: >)
    self.peakStep = moments.contains(.peak) ? peakStep : nil
    takesEnd = moments.contains(.end)
  }

  /// Takes what is there when a range begins, at that moment.
  func open(_ opening: TraceOpening, at moment: UInt64) {
    replayer.observer.rangeOpens(isRealHeap: true)
    replayer.open(opening)
    replayer.observer.rangeBegins(at: moment, stepsBefore: opening.stepsBefore)
    for request in opening.steps where request.operation == .allocate {
      let base = sampling.base(of: request.address.rawValue &- headerBytes)
      if sampling.samples(base: base) { regionOfSlot[request.slot] = base }
    }
  }

  /// Applies steps in order.
  func consume(_ batch: UnsafeBufferPointer<Request>) {
    for index in batch.indices {
      let request = batch[index]
      let time = usesTimes ? request.time : Timestamp(nanoseconds: replayer.steps + 1)
      while let next = stops.last, time > next {
        stops.removeLast()
        take(.time(next))
      }
      if let peakStep, replayer.steps >= peakStep { takePeak() }
      count(request)
      replayer.apply(UnsafeBufferPointer(rebasing: batch[index...index]))
    }
  }

  /// Takes the censuses that are still to come; the trace is over.
  func finish() {
    if peakStep != nil { takePeak() }
    while let stop = stops.popLast() { take(.time(stop)) }
    if takesEnd { take(.end) }
  }

  private func takePeak() {
    peakStep = nil
    take(.peak)
  }

  private func take(_ moment: Moment) {
    var time = Timestamp(nanoseconds: usesTimes ? replayer.observer.now : replayer.steps)
    if case .time(let chosen) = moment { time = chosen }
    censuses[moment] = census(at: time)
  }

  /// The sampled regions as they are now.
  func census(at time: Timestamp) -> RegionCensus {
    var blocks: [LiveSet.Block] = []
    replayer.forEachLiveBlock { block in
      guard block.placement.granted > .zero else { return }
      blocks.append(
        LiveSet.Block(
          address: block.placement.address, granted: block.placement.granted, size: block.size,
          stack: block.stack, freeOnFirstPage: 0, freeOnLastPage: 0))
    }
    blocks.sort { $0.address < $1.address }
    let segment = replayer.heap.dataSegment
    let scan = RegionScan(
      sampling: sampling, dataSegment: segment.lowerBound.rawValue..<segment.upperBound.rawValue,
      blocks: blocks)
    return scan.census(of: replayer.observer.map, at: time)
  }

  // MARK: Requests

  private func count(_ request: Request) {
    switch request.operation {
    case .allocate, .reallocateEnd:
      begin(request)
    case .free, .reallocateBegin:
      release(request.slot)
    case .reallocate:
      release(request.slot)
      begin(request)
    case .abandon:
      regionOfSlot[request.slot] = nil
    default:
      break
    }
  }

  private func begin(_ request: Request) {
    let base = sampling.base(of: request.address.rawValue &- headerBytes)
    guard sampling.samples(base: base) else {
      regionOfSlot[request.slot] = nil
      return
    }
    regionOfSlot[request.slot] = base
    requests[base, default: (0, 0)].placements += 1
  }

  private func release(_ slot: Slot) {
    guard let base = regionOfSlot.removeValue(forKey: slot) else { return }
    requests[base, default: (0, 0)].releases += 1
  }

  /// Requests that placed a block: allocations and reallocations.
  var placements: Estimate { estimate(\.placements) }

  /// Requests that released a block: frees and reallocations.
  var releases: Estimate { estimate(\.releases) }

  private func estimate(_ key: (Counts) -> Int) -> Estimate {
    let estimator = RegionEstimator(
      denominator: sampling.denominator, knownTotal: 0, known: EmptyCollection())
    return estimator.estimate(
      requests.values.map { RegionEstimator.Part(known: 0, found: Double(key($0))) }
        .filter { $0.found > 0 }.sorted { $0.found < $1.found })
  }
}
