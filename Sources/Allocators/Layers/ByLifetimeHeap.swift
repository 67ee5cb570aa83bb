// Two heaps, one for what lives long and one for what does not.

public import MemoryUnits

/// A heap of two heaps of the kind below: one for the blocks of call sites that are known to
/// allocate what lives long, one for all others.
///
/// * What it knows is a table of sites (``LongLivedSites``) and from which allocation on it knows
///   that. With `oracle=yes` the table comes from the whole trace and is known from the start: no
///   allocator can know as much; it shows what there is to be had. Otherwise it comes from the
///   first part of the allocations (`learn`), and is known after them: that is what a profile of
///   one run, or an allocator that learns (Maas et al., ASPLOS 2020), may hope for.
/// * Sites that the table does not have, and all sites before it is known, count as short-lived.
/// * A block stays in its heap when it is resized.
/// * The second heap's addresses lie in a part of the address space of their own
///   (``AddressWindow``).
public struct ByLifetimeHeap: Heap, ~Copyable {
  private var row: HeapRow
  private let sites: LongLivedSites
  private let knownFrom: Int
  private var allocations = 0

  /// Two heaps that hold nothing yet; nil where the heap below is made from a trace.
  ///
  /// - Parameter knownFrom: allocations before which nothing is known.
  public init?(_ sites: LongLivedSites, knownFrom: Int, on below: HeapKind) {
    guard let row = HeapRow(below, count: 2) else { return nil }
    self.row = row
    self.sites = sites
    self.knownFrom = knownFrom
  }

  /// What changed in the held ranges since the list was last emptied.
  public var heldChanges: [HeldChange] {
    get { row.heldChanges }
    set { row.heldChanges = newValue }
  }

  /// The textbook work of both heaps.
  public var work: Work { row.work }

  /// Places a block where its site's blocks go.
  public mutating func allocate(_ request: BlockRequest) -> Placement {
    let isLong = allocations >= knownFrom && sites.contains(request.site)
    allocations += 1
    return row.allocate(request, in: isLong ? 1 : 0)
  }

  /// Ends a block in its own heap.
  public mutating func free(_ placement: Placement) { row.free(placement, by: 0) }

  /// Ends a block in its own heap.
  public mutating func free(_ placement: Placement, by thread: UInt32) {
    row.free(placement, by: thread)
  }

  /// Resizes a block in its own heap.
  public mutating func reallocate(
    _ placement: Placement, oldSize: ByteCount, to request: BlockRequest
  ) -> Placement {
    row.reallocate(placement, oldSize: oldSize, to: request, fallback: 0)
  }
}
