// Parts of the simulated address space, so that the heaps of a layer never meet.

internal import MemoryUnits

/// One of several equal parts of the address space, in which a heap lives that thinks it has the
/// lowest one.
///
/// Part `i` holds the addresses whose bits from `bits` up are `i`. All parts together lie below
/// 2^47, as everything does that observers see, which the parser of specifications makes sure of;
/// what a heap places beyond its part has to go elsewhere.
@usableFromInline
struct AddressWindow {
  let index: Int
  let bits: Int

  /// The number of the part in which an address lies, where parts have so many bits.
  static func index(of address: Address, bits: Int) -> Int {
    Int(truncatingIfNeeded: address.rawValue >> UInt64(bits))
  }

  private var offset: UInt64 { UInt64(index) << UInt64(bits) }
  private var width: UInt64 { 1 << UInt64(bits) }

  /// Whether all of a placement, as the heap sees it, fits.
  func fits(_ placement: Placement) -> Bool {
    placement.address.rawValue < width && placement.end.rawValue <= width
  }

  /// From the heap's own addresses to those of the program.
  func outside(_ placement: Placement) -> Placement {
    Placement(
      address: Address(placement.address.rawValue &+ offset), granted: placement.granted)
  }

  /// From the addresses of the program to the heap's own.
  func inside(_ placement: Placement) -> Placement {
    Placement(
      address: Address(placement.address.rawValue &- offset), granted: placement.granted)
  }

  /// What of a change, as the heap sees it, happens in this part; nil if nothing does.
  func outside(_ change: HeldChange) -> HeldChange? {
    let lower = change.range.lowerBound.rawValue
    let upper = min(change.range.upperBound.rawValue, width)
    guard lower < upper else { return nil }
    return HeldChange(
      range: Address(lower &+ offset)..<Address(upper &+ offset), isGrowth: change.isGrowth)
  }
}

extension HeapKind {
  /// How many bits the addresses of the kind's blocks have, as far as a layer above cares: 1 TiB
  /// for a heap of one space, and more for layers that put several heaps side by side.
  var spaceBits: Int {
    switch self {
    case .threadCache(_, let below), .segregated(_, let below), .slab(_, let below): below.spaceBits
    case .arenas(let parameters, let below): below.spaceBits + Self.bits(for: parameters.count)
    case .mmapThreshold(_, let below), .byLifetime(_, let below): below.spaceBits + 1
    default: 40
    }
  }

  /// The bits that tell so many parts apart.
  private static func bits(for count: Int) -> Int {
    count <= 1 ? 0 : Int.bitWidth - (count - 1).leadingZeroBitCount
  }

  /// Whether the heap is made from a trace, so that settings alone do not make it.
  var isMadeFromTrace: Bool {
    switch self {
    case .recorded, .byLifetime, .offlineOptimum: true
    default: false
    }
  }
}
