// Where blocks go for which the simulated space of a heap proper is too small.

public import MemoryUnits

/// Blocks beyond the limit of a heap's space: each gets a segment of its own, held while it lives
/// and never used again, like a mapping of its own from the system.
///
/// No real trace has such blocks; they keep a hostile one from overflowing an address.
@usableFromInline
struct DistantSegments {
  /// All distant blocks lie at or above this address, all others below it.
  static let base: UInt64 = 1 << 56
  /// The longest segment, and the largest alignment that is honoured.
  static let largest: UInt64 = 1 << 50

  private var next = DistantSegments.base

  init() {}

  @usableFromInline
  static func contains(_ address: Address) -> Bool { address.rawValue >= base }

  @usableFromInline
  mutating func place(size: ByteCount, alignment: ByteCount) -> Placement {
    let bytes = UInt64(min(max(size, 1), ByteCount(Int64(Self.largest))).rawValue)
    let unit = max(UInt64(min(max(alignment, 1), ByteCount(Int64(Self.largest))).rawValue), 4096)
    // Starts over after some thousand of the largest, rather than leave the address space.
    if next > UInt64.max >> 1 { next = Self.base }
    let start = (next + unit - 1) & ~(unit - 1)
    let granted = (bytes + 4095) & ~4095
    next = start + granted
    return Placement(address: Address(start), granted: ByteCount(Int64(granted)))
  }
}
