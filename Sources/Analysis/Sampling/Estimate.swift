// A figure that a sample suggests, and how far off it may be.

/// An estimate of a total from the sampled regions of an address space.
public struct Estimate: Sendable, Equatable {
  /// The estimate.
  ///
  /// Its mean over all seeds is the truth, so one of something small may even be negative.
  public var value: Double
  /// Holds the truth for about 95 % of the seeds; nil where too few regions say anything.
  public var interval: ClosedRange<Double>?

  /// An estimate with its interval.
  public init(_ value: Double, interval: ClosedRange<Double>?) {
    self.value = value
    self.interval = interval
  }

  /// Half the width of the interval as a part of the value; nil where that says nothing.
  public var relativeError: Double? {
    guard let interval, value > 0 else { return nil }
    return (interval.upperBound - interval.lowerBound) / 2 / value
  }
}

/// Student's distribution, for intervals from few regions.
enum StudentT {
  /// The bound that the magnitude exceeds with a probability of 5 %.
  ///
  /// Exact for up to four degrees of freedom, then by the expansion of Abramowitz & Stegun, 26.7.5,
  /// with an error below 0.03.
  static func bound(degreesOfFreedom: Double) -> Double {
    let exact = [12.706, 4.303, 3.182, 2.776]
    if degreesOfFreedom < 5 { return exact[max(0, min(3, Int(degreesOfFreedom) - 1))] }
    let n = degreesOfFreedom
    return 1.960 + 2.372 / n + 2.823 / (n * n)
  }
}
