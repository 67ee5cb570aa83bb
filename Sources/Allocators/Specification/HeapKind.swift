// Which heap, with which settings: what a specification says once it has been read.

/// Which heap, with which settings, and on which other it stands.
public indirect enum HeapKind: Hashable, Sendable {
  /// The heap of the traced program, as recorded; replay builds it from the trace.
  case recorded
  case fit(FitPolicyName, FitParameters)
  case buddy(BuddyParameters)
  case buddySystem(BuddySystem, BuddyParameters)
  case pages(PagesParameters)
  case segregated(SegregatedParameters, on: HeapKind)
  case slab(SlabParameters, on: HeapKind)
  case threadCache(ThreadCacheParameters, on: HeapKind)
  case arenas(ArenasParameters, on: HeapKind)
  case mmapThreshold(MmapThresholdParameters, on: HeapKind)
  case mesh(MeshParameters, on: HeapKind)
  /// Knows the lifetimes that the blocks of call sites have; replay builds it after a first pass.
  case byLifetime(ByLifetimeParameters, on: HeapKind)
  /// Knows the lifetimes of all blocks of the trace; replay builds it after a first pass.
  case offlineOptimum(PackingOrder)
  case filed(FilingRule, FitParameters)
  case fixedPartitions(FixedPartitionParameters)
  case staticPartitions(StaticPartitionParameters)
}

/// The rules that choose among holes.
public enum FitPolicyName: String, CaseIterable, Hashable, Sendable {
  case firstFit = "first-fit"
  case bestFit = "best-fit"
  case nextFit = "next-fit"
  case worstFit = "worst-fit"
}

/// A heap or a layer as it is written.
struct LayerText {
  /// As in the catalogue.
  var name: String
  /// All settings in canonical form, by name.
  var values: [String: String] = [:]
}

extension HeapKind {
  /// The layers as they are written, top to bottom.
  var layers: [LayerText] {
    switch self {
    case .recorded: [LayerText(name: "recorded")]
    case .fit(let policy, let parameters):
      [LayerText(name: policy.rawValue, values: parameters.texts)]
    case .buddy(let parameters): [LayerText(name: "buddy", values: parameters.texts)]
    case .buddySystem(let system, let parameters):
      [LayerText(name: system.rawValue, values: parameters.texts)]
    case .pages(let parameters): [LayerText(name: "pages", values: parameters.texts)]
    case .segregated(let parameters, let below):
      [LayerText(name: "segregated", values: parameters.texts)] + below.layers
    case .slab(let parameters, let below):
      [LayerText(name: "slab", values: parameters.texts)] + below.layers
    case .threadCache(let parameters, let below):
      [LayerText(name: "thread-cache", values: parameters.texts)] + below.layers
    case .arenas(let parameters, let below):
      [LayerText(name: "arenas", values: parameters.texts)] + below.layers
    case .mmapThreshold(let parameters, let below):
      [LayerText(name: "mmap-threshold", values: parameters.texts)] + below.layers
    case .mesh(let parameters, let below):
      [LayerText(name: "mesh", values: parameters.texts)] + below.layers
    case .byLifetime(let parameters, let below):
      [LayerText(name: "by-lifetime", values: parameters.texts)] + below.layers
    case .offlineOptimum(let order):
      [LayerText(name: "offline-optimum", values: ["order": order.rawValue])]
    case .filed(let rule, let parameters):
      [LayerText(name: rule.name, values: rule.texts.merging(parameters.texts) { own, _ in own })]
    case .fixedPartitions(let parameters):
      [LayerText(name: "fixed-partitions", values: parameters.texts)]
    case .staticPartitions(let parameters):
      [LayerText(name: "static-partitions", values: parameters.texts)]
    }
  }

  /// Builds the heap and hands it to the visitor.
  ///
  /// Nil for what is made from a trace and not from settings alone, and for what stands on that.
  @inlinable
  public func build<Visitor: HeapVisitor>(_ visitor: inout Visitor) -> Visitor.Result? {
    switch self {
    case .recorded, .byLifetime, .offlineOptimum: nil
    case .fit(let policy, let parameters): policy.build(parameters, &visitor)
    case .buddy(let parameters): visitor.visit(BuddyHeap(parameters))
    case .buddySystem(let system, let parameters):
      visitor.visit(SystemBuddyHeap(system, parameters))
    case .pages(let parameters): visitor.visit(FitHeap<BestFit>(parameters.fit))
    case .segregated(let parameters, let below):
      switch parameters.order {
      case .lifo: visitor.visit(SegregatedHeap(parameters, on: below))
      case .address: visitor.visitBoxed(SlabHeap(addressOrdered: parameters, on: below))
      }
    case .slab(let parameters, let below): visitor.visit(SlabHeap(parameters, on: below))
    case .threadCache(let parameters, let below):
      visitor.visit(optional: ThreadCacheHeap(parameters, on: below))
    case .arenas(let parameters, let below):
      visitor.visitBoxed(optional: ArenasHeap(parameters, on: below))
    case .mmapThreshold(let parameters, let below):
      visitor.visitBoxed(optional: MmapThresholdHeap(parameters, on: below))
    case .mesh(let parameters, let below): visitor.visitBoxed(MeshHeap(parameters, on: below))
    case .filed(let rule, let parameters): rule.build(parameters, &visitor)
    case .fixedPartitions(let parameters): visitor.visitBoxed(FixedPartitionHeap(parameters))
    case .staticPartitions(let parameters): visitor.visitBoxed(StaticPartitionHeap(parameters))
    }
  }
}
