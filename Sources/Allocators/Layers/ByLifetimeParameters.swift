// The settings of the layer that keeps long and short lives apart.

public import MemoryUnits

/// The settings of the layer that keeps long and short lives apart.
public struct ByLifetimeParameters: Hashable, Sendable {
  /// Bytes allocated between the beginning and the end of a block: a block that sees fewer is
  /// short-lived, one that sees as many long-lived.
  public var split = ByteCount(1 << 20)
  /// Whether the sites are judged by the whole trace, and not by its first part alone.
  public var isOracle = false
  /// The first part of the allocations, in percent, from which sites are judged: 1 to 99.
  public var learnPercent = 10

  /// The defaults but for what is named.
  public init(
    split: ByteCount = ByteCount(1 << 20), isOracle: Bool = false, learnPercent: Int = 10
  ) {
    self.split = split
    self.isOracle = isOracle
    self.learnPercent = learnPercent
  }
}
