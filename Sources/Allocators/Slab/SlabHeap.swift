// Slab caches (Bonwick, USENIX Summer 1994): objects of one size in slabs that fill and empty.

public import MemoryUnits

/// A layer of one cache for each size class, whose slabs are full, partial or empty.
///
/// * A request takes the smallest class that holds it and is a multiple of its alignment. Its object
///   comes from a partial slab; if the cache has none, from an empty one; if it has none, from a new
///   slab of the heap below.
/// * A slab is the fewest whole pages that hold `objects` objects.
/// * `partial=recent`: a slab goes to the front of the partial slabs whenever one of its objects is
///   freed, and stays there while objects are taken from it. `oldest`: a slab joins at the back when
///   it becomes partial. `address`: the lowest is used. Empty slabs keep the same order, by when they
///   became empty.
/// * When the last live object of a slab is freed, the slab goes to the empty ones, or back to the
///   heap below if there are `keep` of those.
/// * What is beyond the last class, or aligned to more than a page, is a block of whole pages that
///   the heap below places.
/// * A block stays where it is when it is resized within its class.
/// * `Work.splits` counts the objects of each new slab but one, `Work.listOperations` the objects
///   taken and put back, and the slabs put on a list, taken off it or moved to its front;
///   `Work.refills` and `Work.flushes` the slabs taken and given back.
public struct SlabHeap: Heap, ~Copyable {
  /// What the heap below got and gave back since the list was last emptied.
  public var heldChanges: [HeldChange] = []

  struct Cache {
    var size: Int
    var objectCount: Int
    var partial = SlabList()
    var empty = SlabList()
  }

  var tally = Work()
  var source: RunSource
  let table: ClassTable
  var owners = PageOwners()
  let caches: UnsafeMutablePointer<Cache>
  /// Slab 0 is no slab.
  var slabs: UnsafeMutablePointer<Slab>
  var slabCapacity = 64
  var slabCount = 1
  var unusedSlabs = 0
  let order: SlabOrder
  let usesLowestObject: Bool
  let keep: Int
  /// Whether this is segregated storage, where empty slabs stand among the partial ones and only
  /// cells are counted.
  let isSegregated: Bool

  /// A layer that holds nothing yet, on a heap that holds nothing either.
  public init(_ parameters: SlabParameters, on below: HeapKind) {
    let order: SlabOrder =
      switch parameters.partial {
      case .recent: .recent
      case .oldest: .oldest
      case .address: .address
      }
    self.init(
      parameters.classes, on: below, order: order, usesLowestObject: parameters.order == .address,
      keep: parameters.keep, isSegregated: false
    ) { size in
      let pages = (parameters.objects * size + 4095) / 4096
      return pages * 4096 / size
    }
  }

  /// Segregated storage whose cells are used in order of address: the same machinery, in which
  /// every slab with a free object is partial.
  public init(addressOrdered parameters: SegregatedParameters, on below: HeapKind) {
    self.init(
      parameters.classes, on: below, order: .address, usesLowestObject: true,
      keep: parameters.returnsRuns ? 0 : Int.max, isSegregated: true
    ) { size in max(parameters.slab.int / size, 1) }
  }

  private init(
    _ classes: ClassScheme, on below: HeapKind, order: SlabOrder, usesLowestObject: Bool,
    keep: Int, isSegregated: Bool, objectCount: (Int) -> Int
  ) {
    self.order = order
    self.usesLowestObject = usesLowestObject
    self.keep = keep
    self.isSegregated = isSegregated
    source = RunSource(below)
    table = ClassTable(classes)
    caches = .allocate(capacity: table.count)
    for number in 0..<table.count {
      let cache = Cache(size: table[number], objectCount: objectCount(table[number]))
      (caches + number).initialize(to: cache)
    }
    slabs = .allocate(capacity: slabCapacity)
  }

  deinit {
    for number in 1..<slabCount where slabs[number].granted > 0 {
      slabs[number].objects.deallocate(count: caches[slabs[number].cache].objectCount)
    }
    for number in 0..<table.count {
      caches[number].partial.deallocate()
      caches[number].empty.deallocate()
    }
    caches.deallocate()
    slabs.deallocate()
  }

  /// The textbook work of the layer and of what is below it.
  public var work: Work { tally + source.work }

  // MARK: Requests

  /// Places a block in an object of its cache.
  public mutating func allocate(_ request: BlockRequest) -> Placement {
    let number = table.number(for: request.size.int, alignment: request.alignment.int)
    guard number >= 0 else { return source.place(request, &heldChanges) }
    var slab = 0
    if caches[number].partial.count > 0 {
      slab = firstPartialSlab(of: number)
    } else {
      let supply = supplySlab(number, for: request)
      // A slab beyond the table of pages is a block of its own.
      guard supply.slab > 0 else { return supply.run }
      slab = supply.slab
    }
    let object = slabs[slab].objects.take()
    slabs[slab].liveObjects &+= 1
    tally.listOperations &+= 1
    if slabs[slab].liveObjects == caches[number].objectCount { takeOffList(slab) }
    let place = slabs[slab].base &+ object &* caches[number].size
    return Placement(
      address: Address(UInt64(truncatingIfNeeded: place)),
      granted: ByteCount(caches[number].size))
  }

  /// Ends a block, which must live.
  public mutating func free(_ placement: Placement) { free(placement, by: 0) }

  /// Ends a block, which must live; a slab that goes back does so at the request of the thread.
  public mutating func free(_ placement: Placement, by thread: UInt32) {
    let slab = owners.owner(of: placement.address)
    guard slab > 0 else { return source.giveBack(placement, by: thread, &heldChanges) }
    let number = slabs[slab].cache
    let offset = Int(placement.address.rawValue) &- slabs[slab].base
    slabs[slab].objects.put(offset / caches[number].size)
    slabs[slab].liveObjects &-= 1
    tally.listOperations &+= 1
    if slabs[slab].liveObjects == 0 { return becameEmpty(slab, by: thread) }
    if slabs[slab].list == .none {
      put(slab, on: .partial)
    } else if order == .recent, caches[number].partial.moveToFront(slab, in: slabs) {
      tally.listOperations &+= 1
    }
  }

  /// Resizes a block: in place within its class, or where the heap below can do it.
  public mutating func reallocate(
    _ placement: Placement, oldSize: ByteCount, to request: BlockRequest
  ) -> Placement {
    let number = table.number(for: request.size.int, alignment: request.alignment.int)
    let slab = owners.owner(of: placement.address)
    if slab > 0, number == slabs[slab].cache { return placement }
    if slab == 0, number < 0 {
      return source.resize(placement, oldSize: oldSize, to: request, &heldChanges)
    }
    let moved = allocate(request)
    let bytes = max(min(oldSize, request.size), .zero)
    tally.bytesMoved &+= UInt64(truncatingIfNeeded: bytes.rawValue)
    free(placement, by: request.thread)
    return moved
  }
}
