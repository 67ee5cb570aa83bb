// When most lived, as far as a sample can tell.

import MemoryUnits
import Trace

/// Finds the step after which the sampled regions held the most bytes that were asked for.
///
/// The totals of a sampled trace name another step: in them a long block counts with all its bytes
/// if it merely touches the sample.
struct SampledPeak {
  /// The number of steps up to the moment.
  private(set) var step: UInt64 = 0

  private let sampling: RegionSampling
  private var steps: UInt64 = 0
  private var live: Int64 = 0
  private var most: Int64 = 0
  private var sampled: [Slot: Int64] = [:]

  /// Blocks of more regions are taken to be sampled on average: only a damaged trace has many.
  private static let mostRegions: UInt64 = 1 << 16

  init(_ sampling: RegionSampling) { self.sampling = sampling }

  /// Takes what lives when a range begins: the peak so far.
  mutating func open(_ opening: TraceOpening) {
    opening.steps.withUnsafeBufferPointer { consume($0) }
    steps = opening.stepsBefore
    step = steps
    most = live
  }

  mutating func consume(_ batch: UnsafeBufferPointer<Request>) {
    for step in batch {
      steps += 1
      switch step.operation {
      case .allocate, .reallocate, .reallocateEnd:
        end(step.slot)
        let bytes = self.bytes(step)
        sampled[step.slot] = bytes
        live += bytes
      case .free, .reallocateBegin, .abandon: end(step.slot)
      default: break
      }
      if live > most {
        most = live
        self.step = steps
      }
    }
  }

  private mutating func end(_ slot: Slot) { live -= sampled.removeValue(forKey: slot) ?? 0 }

  /// The bytes of a block, as far as it was asked for, in sampled regions.
  private func bytes(_ step: Request) -> Int64 {
    let size = UInt64(max(0, min(step.size.rawValue, 1 << 47)))
    let lower = step.address.rawValue & (1 << 47 - 1)
    let upper = lower + size
    guard size / UInt64(sampling.size) < Self.mostRegions else {
      return Int64(size) / Int64(sampling.denominator)
    }
    var base = sampling.base(of: lower)
    var sum: UInt64 = 0
    while base < upper + sampling.grid {
      if sampling.samples(base: base) {
        sum += UInt64(sampling.range(base: base).clamped(to: lower..<upper).count)
      }
      base += UInt64(sampling.size)
    }
    return Int64(sum)
  }
}
