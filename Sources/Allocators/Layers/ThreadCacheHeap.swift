// Caches of free blocks in front of a heap, one for each thread and size class.

public import MemoryUnits

/// A heap whose threads keep what they free for their next requests.
///
/// * Sizes up to `largest` are rounded up to their class (`classes`). Larger requests, and those
///   that name an alignment, go past the caches, and so do their blocks when they are freed.
/// * A request takes the block of its thread and class that was freed last. When there is none,
///   `batch` blocks come from the heap below (`Work.refills`): the first is placed, up to `slots`
///   are kept, the one fetched first on top.
/// * A freed block goes to the cache of the thread that frees it. When that has `slots` blocks of
///   the class already, the `batch` oldest of them go back below first (`Work.flushes`), as in
///   jemalloc (`tcache_bin_flush_small`, which keeps the hottest).
/// * With `remote=owner` a block that another thread frees goes to a list of the thread that
///   fetched it. Whenever that finds its own cache empty it takes over the up to `slots` blocks
///   that came to the list last, before it fetches any: so mimalloc collects its `thread_free`
///   lists.
/// * A block is resized in place when its class stays; a block past the caches when the heap below
///   does it and the new size is past them, too; any other moves.
/// * `Work.listOperations` counts the blocks put into caches or lists and taken out of them.
///
/// Blocks in caches are holes. Nothing is flushed when a thread ends, of which a heap is not told.
public struct ThreadCacheHeap: Heap, ~Copyable {
  /// What the heap below got and gave back since the list was last emptied.
  public var heldChanges: [HeldChange] = []
  /// The settings.
  public let parameters: ThreadCacheParameters
  private var own = Work()
  private var below: AnyHeap
  /// All blocks of cached sizes, in caches and in use.
  private var blocks = BlockTable()
  private let caches: ThreadCaches
  /// What other threads freed; used with `remote=owner` only.
  private let returned: ThreadCaches
  private let table: ClassTable

  /// Caches that hold nothing yet; nil where the heap below is made from a trace.
  ///
  /// The parameters must be in the bounds that `HeapSpecification` checks.
  public init?(_ parameters: ThreadCacheParameters, on kind: HeapKind) {
    precondition(parameters.slots > 0 && parameters.batch > 0 && parameters.largest > 0)
    guard let below = AnyHeap(kind) else { return nil }
    self.below = below
    self.parameters = parameters
    table = ClassTable(sizes: parameters.classes.sizes(upTo: parameters.largest.int))
    caches = ThreadCaches(classCount: table.count)
    returned = ThreadCaches(classCount: table.count)
  }

  /// The work of the caches and of the heap below.
  public var work: Work { own + below.work }

  // MARK: Requests

  /// Places a block from the thread's cache, or below.
  public mutating func allocate(_ request: BlockRequest) -> Placement {
    guard let sizeClass = sizeClass(for: request) else { return pass(request) }
    let slot = ThreadCaches.slot(of: request.thread)
    let cache = caches.stack(slot, sizeClass)
    if cache.pointee.count == 0 {
      if parameters.remote == .owner { takeReturned(slot, sizeClass, into: cache) }
      if cache.pointee.count == 0 { return refill(cache, slot, sizeClass, request) }
    }
    let address = cache.pointee.pop()
    own.listOperations &+= 1
    return placement(at: address)
  }

  /// Ends a block, as if thread 0 had freed it.
  public mutating func free(_ placement: Placement) { free(placement, by: 0) }

  /// Ends a block, which goes to a cache or below.
  public mutating func free(_ placement: Placement, by thread: UInt32) {
    guard let note = blocks.note(at: placement.address) else {
      below.free(placement, by: thread)
      return below.drain(into: &heldChanges)
    }
    let slot = ThreadCaches.slot(of: thread)
    own.listOperations &+= 1
    if parameters.remote == .owner, note.owner != slot {
      return returned.stack(note.owner, note.sizeClass).pointee.push(placement.address)
    }
    let cache = caches.stack(slot, note.sizeClass)
    if cache.pointee.count >= parameters.slots { flush(cache, by: thread) }
    cache.pointee.push(placement.address)
  }

  /// Resizes a block, in place where its class stays.
  public mutating func reallocate(
    _ placement: Placement, oldSize: ByteCount, to request: BlockRequest
  ) -> Placement {
    let new = sizeClass(for: request)
    if let note = blocks.note(at: placement.address) {
      if note.sizeClass == new { return placement }
    } else if new == nil {
      let moved = below.reallocate(placement, oldSize: oldSize, to: request)
      below.drain(into: &heldChanges)
      return moved
    }
    let moved = allocate(request)
    own.bytesMoved &+= UInt64(max(min(oldSize, request.size), .zero).rawValue)
    free(placement, by: request.thread)
    return moved
  }

  // MARK: Caches

  /// The class that serves a request; nil where it goes past the caches.
  private func sizeClass(for request: BlockRequest) -> UInt32? {
    guard request.size <= parameters.largest, request.alignment <= 1 else { return nil }
    let number = table.number(for: request.size.int)
    return number < 0 ? nil : UInt32(truncatingIfNeeded: number)
  }

  private func placement(at address: Address) -> Placement {
    guard let note = blocks.note(at: address) else {
      preconditionFailure("a block in a cache that the caches do not know")
    }
    return Placement(address: address, granted: ByteCount(note.granted))
  }

  private mutating func pass(_ request: BlockRequest) -> Placement {
    let placement = below.allocate(request)
    below.drain(into: &heldChanges)
    return placement
  }

  private mutating func refill(
    _ cache: UnsafeMutablePointer<AddressStack>, _ slot: UInt32, _ sizeClass: UInt32,
    _ request: BlockRequest
  ) -> Placement {
    own.refills &+= 1
    var request = request
    request.size = ByteCount(table[Int(sizeClass)])
    let first = fetch(request, slot, sizeClass)
    let kept = min(parameters.batch - 1, parameters.slots)
    withUnsafeTemporaryAllocation(of: Address.self, capacity: kept) { fetched in
      for index in 0..<kept { fetched[index] = fetch(request, slot, sizeClass).address }
      for address in fetched.reversed() { cache.pointee.push(address) }
    }
    own.listOperations &+= UInt64(kept)
    below.drain(into: &heldChanges)
    return first
  }

  private mutating func fetch(
    _ request: BlockRequest, _ slot: UInt32, _ sizeClass: UInt32
  ) -> Placement {
    let placement = below.allocate(request)
    blocks.set(
      BlockTable.Note(granted: placement.granted.int, sizeClass: sizeClass, owner: slot),
      at: placement.address)
    return placement
  }

  private mutating func flush(
    _ cache: UnsafeMutablePointer<AddressStack>, by thread: UInt32
  ) {
    own.flushes &+= 1
    let count = min(parameters.batch, Int(cache.pointee.count))
    own.listOperations &+= UInt64(count)
    for address in cache.pointee.addresses.prefix(count) {
      let placement = placement(at: address)
      blocks.remove(address)
      below.free(placement, by: thread)
    }
    cache.pointee.removeBottom(count)
    below.drain(into: &heldChanges)
  }

  /// Takes over what other threads freed, the last ones in the order in which they were freed.
  private mutating func takeReturned(
    _ slot: UInt32, _ sizeClass: UInt32, into cache: UnsafeMutablePointer<AddressStack>
  ) {
    let list = returned.stack(slot, sizeClass)
    let count = min(Int(list.pointee.count), parameters.slots)
    guard count > 0 else { return }
    for address in list.pointee.addresses.suffix(count) { cache.pointee.push(address) }
    for _ in 0..<count { _ = list.pointee.pop() }
    own.listOperations &+= UInt64(2 * count)
  }
}
