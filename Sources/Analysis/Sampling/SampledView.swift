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
  /// For each slot that holds a block whether the block counts.
  private var counted: [Slot: Bool] = [:]

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
    switch step.operation {
    case .allocate, .reallocateEnd:
      return begins(step) ? step : nil
    case .free, .reallocateBegin, .abandon:
      return counted.removeValue(forKey: step.slot) == true ? step : nil
    case .reallocate:
      let didCount = counted.removeValue(forKey: step.slot) == true
      var step = step
      switch (didCount, begins(step)) {
      case (true, true): break
      case (true, false): step.operation = .free
      case (false, true): step.operation = .allocate
      case (false, false): return nil
      }
      return step
    case .freeUnknown:
      return sampling.counts(block: step.address, usable: 0) ? step : nil
    default:
      return step
    }
  }

  private mutating func begins(_ step: Request) -> Bool {
    let counts = sampling.counts(block: step.address, usable: step.usable)
    counted[step.slot] = counts
    return counts
  }
}
