// From what the sampled regions hold to what all regions hold.

import Trace

/// Estimates totals over all regions from those in the sample.
///
/// Let y be what a region holds of something, and x the bytes of the data segment in it: x is known
/// of every region, because the break is recorded whatever the sample. A total is estimated as
///
///     Σ over all regions of c x  +  N Σ over sampled regions of (y - c x)
///
/// The second sum is that of Horvitz & Thompson (1952), with all weights N because every region is
/// sampled with probability 1/N. Whatever the number c, the mean over all samples is Σ y, so the
/// estimate is not biased. A good c makes it precise: what the regions have in common is then known
/// and not estimated, and only their differences count. So c is Σ y / Σ x of the sample, but for
/// a sampled region of the sample without that region: the c of a region must not depend on
/// whether the region is sampled (the leave-one-out estimator of Wu & Gagnon-Bartsch, 2018).
/// Regions outside the data segment have x = 0 and are simply scaled.
///
/// The variance is estimated as N (N - 1) Σ (y - c x)² over the sampled regions, which is unbiased
/// for fixed c where regions are sampled independently in pairs, as ``RegionSampling`` does it.
struct RegionEstimator {
  /// What one sampled region holds of something.
  struct Part {
    /// Bytes of the data segment in the region.
    var known: Int64
    /// What is to be summed.
    var found: Double
  }

  private let scale: Double
  private let knownTotal: Double
  private let knownSampled: Double
  /// How many sampled regions have how many bytes of the data segment, if any.
  private let regionsByKnown: [Int64: Int]

  /// - Parameters:
  ///   - denominator: the N of the sample.
  ///   - knownTotal: the bytes of the data segment.
  ///   - known: the bytes of it in each sampled region.
  init(denominator: Int, knownTotal: Int64, known: some Sequence<Int64>) {
    scale = Double(denominator)
    self.knownTotal = Double(knownTotal)
    var regions: [Int64: Int] = [:]
    var sampled: Int64 = 0
    for bytes in known where bytes > 0 {
      regions[bytes, default: 0] += 1
      sampled += bytes
    }
    regionsByKnown = regions
    knownSampled = Double(sampled)
  }

  /// The total of something.
  ///
  /// - Parameters:
  ///   - parts: the sampled regions that hold any of it; those that hold none may be left out.
  ///   - isCertain: whether what was found is there for sure, so that the total cannot be less.
  func estimate(_ parts: [Part], isCertain: Bool = true) -> Estimate {
    let found = parts.reduce(0) { $1.known > 0 ? $0 + $1.found : $0 }
    var sums = Sums()
    if knownSampled > 0 { sums.value = found / knownSampled * (knownTotal - knownSampled) }
    var empty = regionsByKnown
    for part in parts {
      sums.add(part, rate: rate(without: part, found), scale)
      if part.known > 0 { empty[part.known, default: 1] -= 1 }
    }
    if found != 0 {
      // In the order of sizes, so that sums of rounded numbers come out the same each time.
      for (known, count) in empty.sorted(by: { $0.key < $1.key }) where count > 0 {
        let part = Part(known: known, found: 0)
        sums.add(part, rate: rate(without: part, found), scale, times: Double(count))
      }
    }
    let seen = parts.reduce(0) { $0 + $1.found }
    return sums.estimate(scale, atLeast: isCertain ? seen : -.infinity)
  }

  /// What there is for each known byte in the other sampled regions.
  private func rate(without part: Part, _ found: Double) -> Double {
    guard part.known > 0, knownSampled > Double(part.known) else { return 0 }
    return (found - part.found) / (knownSampled - Double(part.known))
  }

  private struct Sums {
    var value = 0.0
    var squares = 0.0
    var fourthPowers = 0.0

    mutating func add(_ part: Part, rate: Double, _ scale: Double, times count: Double = 1) {
      let expected = rate * Double(part.known)
      let difference = part.found - expected
      value += count * (expected + scale * difference)
      squares += count * difference * difference
      fourthPowers += count * difference * difference * difference * difference
    }

    /// The interval takes its degrees of freedom from how evenly the regions contribute to the
    /// variance: where one of them makes it alone, nothing is known of its size.
    func estimate(_ scale: Double, atLeast seen: Double) -> Estimate {
      guard scale > 1 else { return Estimate(value, interval: value...value) }
      guard fourthPowers > 0 else { return Estimate(value, interval: nil) }
      let freedom = squares * squares / fourthPowers - 1
      guard freedom >= 0.999 else { return Estimate(value, interval: nil) }
      let deviation = (scale * (scale - 1) * squares).squareRoot()
      let reach = StudentT.bound(degreesOfFreedom: freedom) * deviation
      let lower = max(value - reach, seen)
      return Estimate(value, interval: lower...max(value + reach, lower))
    }
  }
}
