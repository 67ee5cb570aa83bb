// The settings of a binary buddy heap.

public import MemoryUnits

/// The settings of a binary buddy heap.
///
/// The defaults add nothing to a block but its rounding.
public struct BuddyParameters: Hashable, Sendable {
  /// The smallest block: a power of two up to 1 GiB.
  public var min: ByteCount = 32
  /// Bytes that the heap adds to each block for itself, before rounding.
  ///
  /// As in the fit heaps they are counted at the block's end.
  public var header: ByteCount = 0
  /// The smallest block that the heap takes from the system: a power of two up to 1 GiB; the
  /// smallest block of the heap where that is larger.
  public var growth: ByteCount = 4096

  /// The defaults.
  public init() {}

  /// The defaults but for what is named.
  public init(min: ByteCount = 32, header: ByteCount = 0, growth: ByteCount = 4096) {
    self.min = min
    self.header = header
    self.growth = growth
  }
}
