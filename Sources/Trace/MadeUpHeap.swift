// Addresses for blocks whose source knows none.

package import MemoryUnits

/// Makes up addresses: unique among the living blocks, and without overlap.
///
/// A block of up to 2^k bytes gets a place of 2^k bytes in the zone of all such blocks, which begins
/// at k·2^57; no real address is as high. A place that was given back is the next one given out. The
/// addresses mean nothing: traces that have them say so (``TraceMetadata/knowsAddresses``).
package struct MadeUpHeap {
  private static let smallestShift = 4
  private static let largestShift = 48
  private static let zoneShift = 57

  private struct Zone {
    var used: UInt64 = 0
    var free: [UInt64] = []
  }

  private var zones = [Zone](repeating: Zone(), count: largestShift + 1)

  /// A heap without blocks.
  package init() {}

  /// A place for a block; nil where the block is larger than an address space, or the zone is full.
  package mutating func place(_ size: UInt64) -> Address? {
    guard size <= 1 << Self.largestShift else { return nil }
    var shift = Self.smallestShift
    while 1 << shift < size { shift += 1 }
    if let address = zones[shift].free.popLast() { return Address(address) }
    let offset = zones[shift].used
    guard offset + 1 << shift <= 1 << Self.zoneShift else { return nil }
    zones[shift].used = offset + 1 << shift
    return Address(UInt64(shift) << Self.zoneShift + offset)
  }

  /// Takes back a place that ``place(_:)`` gave out.
  package mutating func takeBack(_ address: Address) {
    zones[Int(address.rawValue >> Self.zoneShift)].free.append(address.rawValue)
  }
}
