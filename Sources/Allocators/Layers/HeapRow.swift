// Several heaps of one kind side by side, each in a part of the address space.

internal import MemoryUnits

/// Heaps of one kind, each in an ``AddressWindow`` of its own.
///
/// A block that a heap places beyond its window, as only a hostile trace makes it, is ended at once
/// and goes to a segment of its own.
@usableFromInline
struct HeapRow: ~Copyable {
  /// What the heaps got and gave back since the list was last emptied, in the program's addresses.
  var heldChanges: [HeldChange] = []
  let count: Int
  private let bits: Int
  private let heaps: UnsafeMutablePointer<AnyHeap>
  private var distant = DistantSegments()
  private var bytesMoved: UInt64 = 0
  private var changes: [HeldChange] = []

  /// Fresh heaps; nil where the kind is made from a trace.
  init?(_ kind: HeapKind, count: Int) {
    precondition(count > 0, "a row of no heaps")
    // Found out before anything has to be undone.
    guard AnyHeap(kind) != nil else { return nil }
    self.count = count
    bits = kind.spaceBits
    heaps = .allocate(capacity: count)
    for index in 0..<count {
      guard let heap = AnyHeap(kind) else { preconditionFailure("a kind built once and not twice") }
      (heaps + index).initialize(to: heap)
    }
  }

  @usableFromInline deinit {
    heaps.deinitialize(count: count)
    heaps.deallocate()
  }

  /// The textbook work of all heaps.
  var work: Work {
    var work = Work()
    work.bytesMoved = bytesMoved
    for index in 0..<count { work = work + heaps[index].work }
    return work
  }

  /// The number of the heap that placed a block; nil where it lies in no window.
  func index(of placement: Placement) -> Int? {
    let index = AddressWindow.index(of: placement.address, bits: bits)
    return index < count ? index : nil
  }

  mutating func allocate(_ request: BlockRequest, in index: Int) -> Placement {
    let window = AddressWindow(index: index, bits: bits)
    let placement = heaps[index].allocate(request)
    defer { drain(window) }
    if window.fits(placement) { return window.outside(placement) }
    heaps[index].free(placement, by: request.thread)
    return placeDistant(request)
  }

  mutating func free(_ placement: Placement, by thread: UInt32) {
    guard let index = index(of: placement) else {
      heldChanges.append(HeldChange(range: placement.address..<placement.end, isGrowth: false))
      return
    }
    let window = AddressWindow(index: index, bits: bits)
    heaps[index].free(window.inside(placement), by: thread)
    drain(window)
  }

  /// Resizes a block in its own heap; one that lies in no window moves to the heap `fallback`.
  mutating func reallocate(
    _ placement: Placement, oldSize: ByteCount, to request: BlockRequest, fallback: Int
  ) -> Placement {
    guard let index = index(of: placement) else {
      let moved = allocate(request, in: fallback)
      countMove(oldSize, request)
      free(placement, by: request.thread)
      return moved
    }
    let window = AddressWindow(index: index, bits: bits)
    let moved = heaps[index].reallocate(window.inside(placement), oldSize: oldSize, to: request)
    defer { drain(window) }
    if window.fits(moved) { return window.outside(moved) }
    heaps[index].free(moved, by: request.thread)
    return placeDistant(request)
  }

  /// Gives a block a segment of its own, which ends with `free`.
  mutating func placeDistant(_ request: BlockRequest) -> Placement {
    let placement = distant.place(size: request.size, alignment: request.alignment)
    heldChanges.append(HeldChange(range: placement.address..<placement.end, isGrowth: true))
    return placement
  }

  private mutating func countMove(_ oldSize: ByteCount, _ request: BlockRequest) {
    bytesMoved &+= UInt64(max(min(oldSize, request.size), .zero).rawValue)
  }

  private mutating func drain(_ window: AddressWindow) {
    let index = window.index
    heaps[index].drain(into: &changes)
    guard !changes.isEmpty else { return }
    for change in changes {
      if let visible = window.outside(change) { heldChanges.append(visible) }
    }
    changes.removeAll(keepingCapacity: true)
  }
}
