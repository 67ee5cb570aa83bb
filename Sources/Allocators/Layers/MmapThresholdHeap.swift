// Large blocks as mappings of their own, all others on the heap below.

public import MemoryUnits

/// A heap whose large blocks come from the system one by one and go back when they are freed.
///
/// * A request of at least the threshold gets pages of its own, in the lowest gap between mappings
///   that is long enough (the kernel takes the highest, of a space that it fills from above).
/// * With `dynamic=yes` freeing a mapping longer than the threshold, up to 32 MiB, makes its length
///   the threshold, as in glibc (malloc.c 2.36, `__libc_free`): a program that frees such blocks
///   will ask for more. glibc compares the request with its own header of 8 bytes and its rounding
///   to 16 bytes, which this layer does not know of.
/// * A mapping stays one when it is resized, as with `mremap_chunk`: no bytes are copied. A block
///   of the heap below that grows to the threshold becomes a mapping, and its bytes are copied.
///
/// The choice of gaps is the kernel's work and is not counted.
public struct MmapThresholdHeap: Heap, ~Copyable {
  /// The settings.
  public let parameters: MmapThresholdParameters
  /// Requests of at least so many bytes get a mapping now.
  public private(set) var threshold: ByteCount
  private var row: HeapRow
  private var gaps = FitHeap<FirstFit>(
    FitParameters(align: 4096, min: 4096, growth: 4096, trim: .always))
  private let window: AddressWindow
  private var bytesMoved: UInt64 = 0

  /// `DEFAULT_MMAP_THRESHOLD_MAX` of glibc on 64-bit machines.
  private static var highestThreshold: ByteCount { ByteCount(32 << 20) }

  /// A heap that holds nothing yet; nil where the heap below is made from a trace.
  public init?(_ parameters: MmapThresholdParameters, on below: HeapKind) {
    guard let row = HeapRow(below, count: 1) else { return nil }
    self.row = row
    self.parameters = parameters
    threshold = parameters.bytes
    window = AddressWindow(index: 1, bits: below.spaceBits)
  }

  /// What changed in the held ranges since the list was last emptied.
  public var heldChanges: [HeldChange] {
    get { row.heldChanges }
    set { row.heldChanges = newValue }
  }

  /// The textbook work of the heap below, and the bytes that blocks took along to mappings.
  public var work: Work {
    var work = row.work
    work.bytesMoved &+= bytesMoved
    return work
  }

  /// Places a block in a mapping or below.
  public mutating func allocate(_ request: BlockRequest) -> Placement {
    guard request.size >= threshold else { return row.allocate(request, in: 0) }
    let pages = gaps.allocate(request)
    gaps.heldChanges.removeAll(keepingCapacity: true)
    guard window.fits(pages) else {
      unmap(pages)
      return row.placeDistant(request)
    }
    let placement = window.outside(pages)
    note(placement.address..<placement.end, isGrowth: true)
    return placement
  }

  /// Ends a block; a mapping goes back to the system.
  public mutating func free(_ placement: Placement) { free(placement, by: 0) }

  /// Ends a block; a mapping goes back to the system.
  public mutating func free(_ placement: Placement, by thread: UInt32) {
    guard isMapping(placement) else { return row.free(placement, by: thread) }
    unmap(window.inside(placement))
    note(placement.address..<placement.end, isGrowth: false)
    if parameters.isDynamic, placement.granted > threshold,
      placement.granted <= Self.highestThreshold
    {
      threshold = placement.granted
    }
  }

  /// Resizes a block; a mapping stays a mapping.
  public mutating func reallocate(
    _ placement: Placement, oldSize: ByteCount, to request: BlockRequest
  ) -> Placement {
    if isMapping(placement) { return remap(placement, to: request) }
    guard request.size >= threshold else {
      return row.reallocate(placement, oldSize: oldSize, to: request, fallback: 0)
    }
    let moved = allocate(request)
    bytesMoved &+= UInt64(max(min(oldSize, request.size), .zero).rawValue)
    row.free(placement, by: request.thread)
    return moved
  }

  private func isMapping(_ placement: Placement) -> Bool {
    AddressWindow.index(of: placement.address, bits: window.bits) == 1
  }

  private mutating func unmap(_ pages: Placement) {
    gaps.free(pages)
    gaps.heldChanges.removeAll(keepingCapacity: true)
  }

  private mutating func remap(_ old: Placement, to request: BlockRequest) -> Placement {
    let pages = gaps.reallocate(window.inside(old), oldSize: old.granted, to: request)
    gaps.heldChanges.removeAll(keepingCapacity: true)
    guard window.fits(pages) else {
      unmap(pages)
      note(old.address..<old.end, isGrowth: false)
      return row.placeDistant(request)
    }
    let new = window.outside(pages)
    if new.address == old.address {
      note(new.end..<max(new.end, old.end), isGrowth: false)
      note(old.end..<max(new.end, old.end), isGrowth: true)
    } else {
      // The same pages at another place: they never exist twice.
      note(old.address..<old.end, isGrowth: false)
      note(new.address..<new.end, isGrowth: true)
    }
    return new
  }

  private mutating func note(_ range: Range<Address>, isGrowth: Bool) {
    guard !range.isEmpty else { return }
    row.heldChanges.append(HeldChange(range: range, isGrowth: isGrowth))
  }
}
