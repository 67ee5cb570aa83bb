// What layers of size classes ask of the heap below them, and how they count it.

internal import MemoryUnits

/// The heap below a layer of size classes, which asks it for whole pages only.
struct RunSource: ~Copyable {
  private var below: AnyHeap

  /// The heap that a kind names, fresh.
  init(_ kind: HeapKind) {
    guard let below = AnyHeap(kind) else {
      preconditionFailure("a layer cannot stand on a heap that is made from a trace")
    }
    self.below = below
  }

  var work: Work { below.work }

  /// A run of so many bytes, rounded up to pages, that starts at a page, on behalf of a request.
  mutating func take(
    _ byteCount: Int, for request: BlockRequest = BlockRequest(size: 0),
    _ changes: inout [HeldChange]
  ) -> Placement {
    let run = below.allocate(
      BlockRequest(
        size: ByteCount(byteCount).roundedUp(to: .page), alignment: .page, thread: request.thread,
        site: request.site))
    below.drain(into: &changes)
    precondition(run.address.rawValue % 4096 == 0, "the heap below did not align a run")
    return run
  }

  /// Gives back a run or a block at the request of a thread.
  mutating func giveBack(
    _ run: Placement, by thread: UInt32 = 0, _ changes: inout [HeldChange]
  ) {
    below.free(run, by: thread)
    below.drain(into: &changes)
  }

  /// Places a block beyond the largest class: whole pages, straight from below.
  mutating func place(_ request: BlockRequest, _ changes: inout [HeldChange]) -> Placement {
    let block = below.allocate(Self.inPages(request))
    below.drain(into: &changes)
    return block
  }

  /// Resizes a block that `place` placed, to one beyond the largest class too.
  mutating func resize(
    _ block: Placement, oldSize: ByteCount, to request: BlockRequest,
    _ changes: inout [HeldChange]
  ) -> Placement {
    let block = below.reallocate(block, oldSize: oldSize, to: Self.inPages(request))
    below.drain(into: &changes)
    return block
  }

  private static func inPages(_ request: BlockRequest) -> BlockRequest {
    var request = request
    let bounded = min(max(request.size, 1), ByteCount(Arena.byteLimit))
    request.size = bounded.roundedUp(to: .page)
    request.alignment = max(request.alignment, .page)
    return request
  }
}
