// What heaps know that see a trace before it is replayed.

import Allocators
import MemoryUnits
import Replay
import Trace

/// What a first pass over a trace finds out for the heaps that are made from it.
///
/// All that the heaps ask for is found out in one pass.
struct Foreknowledge: ~Copyable {
  private var lifetimes: Replayer<LifetimeRecorder, LoadMeter>?
  /// What no heap can do with less of, where that is known.
  private(set) var lowerBound: LowerBound?
  private var sites: [HeapKind: KnownSites] = [:]

  /// What is known of sites, and from which allocation on.
  private struct KnownSites {
    var sites: LongLivedSites
    var knownFrom: Int
  }

  /// Reads the trace once if any of the heaps needs it.
  ///
  /// Throws what reading throws, and ``MeasurementError/tooManyBlocks(limit:)``.
  init(
    of trace: TraceFile, for specifications: [HeapSpecification], _ slice: TraceSlice?
  ) throws {
    var learners: [SiteLearner] = []
    for kind in Set(specifications.map(\.kind)) {
      if case .byLifetime(let parameters, _) = kind {
        learners.append(SiteLearner(kind, parameters, trace, slice))
      }
    }
    let needsPlan = specifications.contains { $0.kind.needsLifetimes }
    guard needsPlan || !learners.isEmpty else { return }
    let plan = SamplePlan(
      summary: slice?.summary ?? trace.summary, knowsTimes: trace.metadata.knowsTimes,
      captures: [], span: slice?.span, points: 2)
    var planner = Replayer(
      heap: LifetimeRecorder(), observer: LoadMeter(usesTimes: plan.usesTimes))
    try trace.read(slice, addresses: false) { opening in
      if needsPlan {
        planner.open(opening)
        planner.observer.rangeBegins(at: plan.start, stepsBefore: opening.stepsBefore)
      }
      for learner in learners { learner.replayer.open(opening) }
    } _: { batch in
      if needsPlan { planner.apply(batch) }
      for learner in learners { learner.replayer.apply(batch) }
    }
    for learner in learners {
      sites[learner.kind] = KnownSites(
        sites: learner.replayer.heap.longLivedSites, knownFrom: learner.knownFrom)
    }
    guard !planner.heap.isFull else {
      throw MeasurementError.tooManyBlocks(limit: PackingProblem.blockLimit)
    }
    if needsPlan {
      lowerBound = planner.observer.bound(until: plan.end)
      lifetimes = consume planner
    }
  }

  /// The heap of a kind that needs what is known here; nil for any other kind.
  func build<Visitor: HeapVisitor>(_ kind: HeapKind, _ visitor: inout Visitor) -> Visitor.Result? {
    switch kind {
    case .offlineOptimum(let order): plan(order, &visitor)
    case .byLifetime(_, let below): segregate(kind, below, &visitor)
    default: nil
    }
  }

  private func plan<Visitor: HeapVisitor>(
    _ order: PackingOrder, _ visitor: inout Visitor
  ) -> Visitor.Result? {
    switch lifetimes {
    case .some(let recorder): visitor.visit(PlannedHeap(recorder.heap.problem, order))
    case .none: nil
    }
  }

  private func segregate<Visitor: HeapVisitor>(
    _ kind: HeapKind, _ below: HeapKind, _ visitor: inout Visitor
  ) -> Visitor.Result? {
    guard let known = sites[kind] else { return nil }
    switch ByLifetimeHeap(known.sites, knownFrom: known.knownFrom, on: below) {
    case .some(let heap): return visitor.visitBoxed(heap)
    case .none: return nil
    }
  }

  /// Learns about sites for one heap.
  private final class SiteLearner {
    let kind: HeapKind
    let knownFrom: Int
    var replayer: Replayer<SiteLifetimes, NoObserver>

    init(
      _ kind: HeapKind, _ parameters: ByLifetimeParameters, _ trace: TraceFile,
      _ slice: TraceSlice?
    ) {
      self.kind = kind
      let summary = slice?.summary ?? trace.summary
      let before = Int(clamping: slice?.liveBlocksBefore ?? 0)
      // Whoever learns from nothing would know nothing at all.
      let part = Int(clamping: summary.allocations) / 100 * parameters.learnPercent
      let learnsUntil = max(1, before + part)
      knownFrom = parameters.isOracle ? 0 : learnsUntil
      replayer = Replayer(
        heap: SiteLifetimes(
          split: parameters.split, learnsUntil: parameters.isOracle ? .max : learnsUntil),
        observer: NoObserver())
    }
  }
}

extension HeapKind {
  /// Whether the heap is made from the lifetimes of all blocks.
  var needsLifetimes: Bool {
    if case .offlineOptimum = self { true } else { false }
  }
}
