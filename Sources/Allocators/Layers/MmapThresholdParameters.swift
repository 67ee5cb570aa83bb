// The settings of the layer that maps large blocks on their own.

public import MemoryUnits

/// The settings of the layer that maps large blocks on their own.
public struct MmapThresholdParameters: Hashable, Sendable {
  /// Requests of at least so many bytes get a mapping; up to 1 TiB.
  public var bytes: ByteCount = 131_072
  /// Whether the threshold follows the blocks that are freed.
  public var isDynamic = true

  /// The defaults but for what is named.
  public init(bytes: ByteCount = 131_072, isDynamic: Bool = true) {
    self.bytes = bytes
    self.isDynamic = isDynamic
  }
}
