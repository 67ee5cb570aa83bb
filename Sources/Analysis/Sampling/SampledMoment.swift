// A heap at one moment, as far as a sample of its regions can tell: plain values.

public import MemoryUnits
public import Trace

/// The recorded heap at one moment, estimated from the sampled regions.
///
/// What means what is said in ``HeapSnapshot``.
public struct SampledMoment: Sendable {
  /// The moment.
  public var time: Timestamp
  /// Sampled regions in which anything is held: what all estimates rest on.
  public var regions: Int
  /// The data segment, which is known and not estimated.
  public var dataSegment: ByteCount
  /// Bytes that live blocks asked for.
  public var live: Estimate
  /// Live blocks.
  public var blocks: Estimate
  /// Live bytes with headers and rounding.
  public var granted: Estimate
  /// Bytes that the heap has from the system.
  public var held: Estimate
  /// Held bytes that no block covers: all holes, and the free tops of held ranges.
  public var free: Estimate
  /// The number of holes.
  public var holes: Estimate
  /// Bytes in all holes.
  ///
  /// The value leaves ``unsure`` out, the interval reaches up to where all of it is holes.
  public var holeBytes: Estimate
  /// Free bytes above the highest known block of a held range: a hole or the free top.
  public var unsure: Estimate
  /// The largest hole that lies in one sampled region; there may be larger ones.
  public var largestHoleSeen: ByteCount
  /// Holes by size, those shorter than a region; classes of which none was seen are left out.
  public var holeSizes: [SampledHoles]
  /// All other holes: those so long that no region holds one whole.
  public var longHoles: SampledHoles
  /// Held pages on which something lives.
  public var occupiedPages: Estimate
  /// Free bytes on them.
  public var pinned: Estimate
  /// Bytes of held pages on which nothing lives.
  public var freePageBytes: Estimate
  /// Who keeps the pinned pages, largest share first.
  public var sites: [SampledSite]
}

/// The holes of some sizes.
public struct SampledHoles: Sendable, Equatable {
  /// From so many bytes on.
  public var shortest: ByteCount
  /// Their number.
  public var count: Estimate
  /// Bytes in all of them.
  public var bytes: Estimate
}

/// What one call site keeps; what means what is said in ``PinnedSite``.
public struct SampledSite: Sendable {
  /// Its share of the pinned bytes; the shares sum to the estimate of all.
  public var pinned: Estimate
  /// The free bytes of the pages on which only this site lives.
  public var sole: Estimate
  /// Bytes that its live blocks asked for.
  public var live: Estimate
  /// Its live blocks.
  public var blocks: Estimate
  /// Sampled regions in which it has a block.
  public var regions: Int
  /// The first frame that is the user's own.
  public var frame: NamedFrame
  /// The whole stack, innermost frame first.
  public var stack: [NamedFrame]
}

/// All that a sampled trace tells.
public struct SampledStory: Sendable {
  /// The name of the trace file.
  public var traceName: String
  /// Where the trace comes from.
  public var metadata: TraceMetadata
  /// Its totals: of what was recorded, not of what happened.
  public var summary: TraceSummary
  /// What the trace file holds beside its steps.
  public var inventory: TraceInventory
  /// Which part of the address space was recorded.
  public var sampling: RegionSampling
  /// Requests that placed a block: allocations and reallocations.
  public var placements: Estimate
  /// Requests that released a block: frees and reallocations.
  public var releases: Estimate
  /// The moment at which the most bytes lived in the sample, which need not be that of the heap.
  public var atPeak: SampledMoment
  /// After the last step.
  public var atEnd: SampledMoment
  /// Moments at even distances, without call sites.
  public var course: [SampledMoment]
  /// Why functions have no name.
  public var symbolProblems: [String]
  /// The part of the trace that it is about; nil where it is the whole.
  public var span: TraceSpan?
}
