// What a sampled recording would have had of a trace that has everything.

import MemoryUnits
public import Trace

/// Thins the steps of a full trace as the recorder does it.
///
/// So it can be tried on one recording how many regions are enough, and checked whether estimates
/// meet the truth.
public struct SampledView {
  /// Which part of the address space is kept.
  public let sampling: RegionSampling
  /// For each slot of the full trace whose block counts, its slot among those that do.
  private var kept: [Slot: Slot] = [:]
  private var spare: [Slot] = []

  /// Begins at the first step of a trace.
  public init(_ sampling: RegionSampling) { self.sampling = sampling }

  /// The steps that a sampled trace has of these, in order, which come next in the full one.
  ///
  /// Of a reallocation between a block that counts and one that does not, the half that counts is
  /// left: an allocation or a free.
  public mutating func thin(_ steps: UnsafeBufferPointer<Request>) -> [Request] {
    steps.compactMap { thin($0) }
  }

  private mutating func thin(_ step: Request) -> Request? {
    var result = step
    switch step.operation {
    case .allocate, .reallocateEnd:
      guard let slot = begin(step) else { return nil }
      result.slot = slot
    case .free, .reallocateBegin, .abandon:
      guard let slot = end(step) else { return nil }
      result.slot = slot
    case .reallocate:
      let old = end(step)
      let new = begin(step)
      guard let slot = new ?? old else { return nil }
      // The slot that was given back last is taken again first, so both are the same.
      result.slot = slot
      if new == nil { result.operation = .free }
      if old == nil { result.operation = .allocate }
    case .freeUnknown:
      return sampling.counts(block: step.address, usable: 0) ? step : nil
    default: break
    }
    return result
  }

  private mutating func begin(_ step: Request) -> Slot? {
    guard sampling.counts(block: step.address, usable: step.usable) else { return nil }
    let slot = spare.popLast() ?? Slot(UInt32(truncatingIfNeeded: kept.count))
    kept[step.slot] = slot
    return slot
  }

  private mutating func end(_ step: Request) -> Slot? {
    guard let slot = kept.removeValue(forKey: step.slot) else { return nil }
    spare.append(slot)
    return slot
  }
}
