// How large the blocks of a workload are, as settings.

internal import Allocators
public import MemoryUnits

/// A distribution of block sizes.
///
/// Sizes are whole bytes, at least 1 and at most ``largest``; what a formula gives beyond that is taken
/// for the nearest such size.
public indirect enum SizeDistribution: Hashable, Sendable {
  /// Always the same.
  case constant(ByteCount)
  /// Each whole size of the range, both ends included, is as likely as any other.
  case uniform(from: ByteCount, to: ByteCount)
  /// The logarithm is uniform: as many blocks from 16 to 32 bytes as from 1 to 2 MiB.
  case logUniform(from: ByteCount, to: ByteCount)
  /// Exponential, rounded to whole bytes.
  case exponential(mean: ByteCount)
  /// Normal, rounded to whole bytes, sizes below 1 taken for 1.
  case normal(mean: ByteCount, deviation: ByteCount)
  /// Sizes with weights, from a file: ``EmpiricalSizes``.
  case empirical(path: String)
  /// One of several distributions, chosen anew for each block with these weights.
  case mixture([WeightedSizes])

  /// No block is larger.
  public static var largest: ByteCount { ByteCount(1 << 40) }
}

/// A part of a mixture.
public struct WeightedSizes: Hashable, Sendable {
  /// How often it is chosen, relative to the weights of the others.
  public var weight: Double
  /// What is chosen then; no mixture.
  public var sizes: SizeDistribution

  /// A part with that weight.
  public init(weight: Double, sizes: SizeDistribution) {
    self.weight = weight
    self.sizes = sizes
  }
}

extension SizeDistribution: CustomStringConvertible {
  /// As it is written in a specification.
  public var description: String {
    switch self {
    case .constant(let size): "constant(size=\(SizeText.exact(size)))"
    case .uniform(let from, let to):
      "uniform(from=\(SizeText.exact(from)),to=\(SizeText.exact(to)))"
    case .logUniform(let from, let to):
      "log-uniform(from=\(SizeText.exact(from)),to=\(SizeText.exact(to)))"
    case .exponential(let mean): "exponential(mean=\(SizeText.exact(mean)))"
    case .normal(let mean, let deviation):
      "normal(mean=\(SizeText.exact(mean)),deviation=\(SizeText.exact(deviation)))"
    case .empirical(let path): "empirical(file=\(path))"
    case .mixture(let parts):
      parts.map { "\(Self.text($0.weight))*\($0.sizes)" }.joined(separator: "+")
    }
  }

  /// `3` and not `3.0`.
  private static func text(_ weight: Double) -> String {
    weight == weight.rounded() && weight < 1e15 ? "\(Int64(weight))" : "\(weight)"
  }
}
