// Arenas: heaps of one kind side by side, to which threads are bound.

public import MemoryUnits

/// A heap of several heaps of the kind below, one of which serves each thread.
///
/// * A thread keeps the arena that it gets: by its number (`by=thread`), or, when it first
///   allocates, the next one in turn (`by=round-robin`), as jemalloc does it and glibc once it has
///   all the arenas that it may have. Threads whose number is 65,536 or more are always bound by
///   it.
/// * A block is freed and resized in the arena that placed it, whichever thread asks.
/// * Arena `i` has the part of the address space that ``AddressWindow`` gives it: 1 TiB, where the
///   heap below is no such layer itself.
///
/// Contention, for which real arenas are made, does not exist here: what shows is what they cost.
public struct ArenasHeap: Heap, ~Copyable {
  /// The settings.
  public let parameters: ArenasParameters
  private var row: HeapRow
  /// For each thread its arena plus one, or zero.
  private let arenas: UnsafeMutablePointer<UInt8>
  private var next = 0

  private static var threadLimit: Int { 1 << 16 }

  /// Arenas that hold nothing yet; nil where the heap below is made from a trace.
  ///
  /// The parameters must be in the bounds that `HeapSpecification` checks.
  public init?(_ parameters: ArenasParameters, on below: HeapKind) {
    precondition(parameters.count > 0 && parameters.count <= 64, "1 to 64 arenas")
    guard let row = HeapRow(below, count: parameters.count) else { return nil }
    self.row = row
    self.parameters = parameters
    arenas = LazyMemory.map(byteCount: Self.threadLimit)
      .bindMemory(to: UInt8.self, capacity: Self.threadLimit)
  }

  deinit {
    LazyMemory.unmap(UnsafeMutableRawPointer(arenas), byteCount: Self.threadLimit)
  }

  /// What changed in the held ranges since the list was last emptied.
  public var heldChanges: [HeldChange] {
    get { row.heldChanges }
    set { row.heldChanges = newValue }
  }

  /// The textbook work of all arenas.
  public var work: Work { row.work }

  /// Places a block in the thread's arena.
  public mutating func allocate(_ request: BlockRequest) -> Placement {
    row.allocate(request, in: arena(of: request.thread))
  }

  /// Ends a block in its own arena.
  public mutating func free(_ placement: Placement) { row.free(placement, by: 0) }

  /// Ends a block in its own arena.
  public mutating func free(_ placement: Placement, by thread: UInt32) {
    row.free(placement, by: thread)
  }

  /// Resizes a block in its own arena.
  public mutating func reallocate(
    _ placement: Placement, oldSize: ByteCount, to request: BlockRequest
  ) -> Placement {
    let fallback = row.index(of: placement) == nil ? arena(of: request.thread) : 0
    return row.reallocate(placement, oldSize: oldSize, to: request, fallback: fallback)
  }

  private mutating func arena(of thread: UInt32) -> Int {
    let thread = Int(thread)
    guard parameters.binding == .roundRobin, thread < Self.threadLimit else {
      return thread % parameters.count
    }
    if arenas[thread] == 0 {
      arenas[thread] = UInt8(next + 1)
      next = (next + 1) % parameters.count
    }
    return Int(arenas[thread]) - 1
  }
}
