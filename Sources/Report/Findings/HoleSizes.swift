// Holes by powers of two: which classes are worth showing, and what they are called.

import Analysis
import MemoryUnits

/// Hole histograms of several moments over the same classes.
struct HoleSizes {
  /// The exponents from the smallest class with a hole to the largest; empty without holes.
  var exponents: Range<Int>
  private var peak: [HoleBucket]
  private var end: [HoleBucket]

  init(peak: [HoleBucket], end: [HoleBucket]) {
    // Sizes are below 2^64: further classes can only come from a mistaken caller.
    self.peak = Array(peak.prefix(64))
    self.end = Array(end.prefix(64))
    let used = [self.peak, self.end].flatMap { histogram in
      histogram.indices.filter { histogram[$0].count > 0 }
    }
    exponents = used.min().map { $0..<((used.max() ?? $0) + 1) } ?? 0..<0
  }

  func atPeak(_ exponent: Int) -> HoleBucket { Self.bucket(exponent, in: peak) }

  func atEnd(_ exponent: Int) -> HoleBucket { Self.bucket(exponent, in: end) }

  private static func bucket(_ exponent: Int, in histogram: [HoleBucket]) -> HoleBucket {
    histogram.indices.contains(exponent) ? histogram[exponent] : HoleBucket()
  }

  /// The smallest size of a class: `16 B`, `1 KiB`, `64 KiB`.
  static func label(_ exponent: Int) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    let exponent = min(max(exponent, 0), 69)
    return "\(1 << (exponent % 10)) \(units[exponent / 10])"
  }

  /// The sizes of a class in words: `16 B up to 32 B`.
  static func range(_ exponent: Int) -> String {
    "\(label(exponent)) up to \(label(exponent + 1))"
  }
}
