// The heap that knows the future: it answers with the places of a plan.

public import MemoryUnits

/// A heap that places the k-th block that begins where a packing of all blocks has it.
///
/// It holds exactly the pages on which something lives: it gets each when it is needed and gives it
/// back when nothing lives there any more. So what it holds is what its packing costs, and its
/// resident pages are those that no heap with these placements can do without.
///
/// A resized block is one that ends and another that begins: the plan may have it overlap its old
/// place. A block without a place in the plan, or beyond it, gets a segment of its own, which
/// counts as a failure.
public struct PlannedHeap: Heap, ~Copyable {
  /// What changed in the held pages since the list was last emptied.
  public var heldChanges: [HeldChange] = []
  /// Copies, and blocks that the plan has no place for.
  public private(set) var work = Work()

  private let plan: Packing
  private let sizes: UnsafeMutablePointer<UInt32>
  private var next = 0
  private var distant = DistantSegments()
  /// For each page the live blocks whose first or last byte lies on it.
  private let blocksOnPage: UnsafeMutablePointer<UInt32>
  private let pageCount: Int

  /// A heap that holds nothing yet, and plans as an order has it.
  public init(_ problem: borrowing PackingProblem, _ order: PackingOrder) {
    plan = problem.pack(order)
    sizes = .allocate(capacity: max(problem.count, 1))
    for block in 0..<problem.count {
      (sizes + block).initialize(to: UInt32(problem.size(block)))
    }
    pageCount = plan.height >> 8 + 1
    blocksOnPage = LazyMemory.map(byteCount: pageCount * 4)
      .bindMemory(to: UInt32.self, capacity: pageCount)
  }

  deinit {
    sizes.deallocate()
    LazyMemory.unmap(UnsafeMutableRawPointer(blocksOnPage), byteCount: pageCount * 4)
  }

  /// How high the plan stacks blocks: an upper bound of what a heap that knows all needs.
  public var height: ByteCount { ByteCount(plan.height << 4) }

  /// Places the next block of the plan.
  public mutating func allocate(_ request: BlockRequest) -> Placement {
    let block = next
    next += 1
    guard block < plan.count, let place = plan[block],
      Int(sizes[block]) << 4 >= request.size.int
    else {
      work.failures += 1
      let placement = distant.place(size: request.size, alignment: request.alignment)
      heldChanges.append(HeldChange(range: placement.address..<placement.end, isGrowth: true))
      return placement
    }
    let placement = Placement(
      address: Arena.base + ByteCount(place << 4), granted: ByteCount(Int(sizes[block]) << 4))
    changePages(of: placement, isGrowth: true)
    return placement
  }

  /// Ends a block.
  public mutating func free(_ placement: Placement) {
    if DistantSegments.contains(placement.address) {
      heldChanges.append(HeldChange(range: placement.address..<placement.end, isGrowth: false))
    } else {
      changePages(of: placement, isGrowth: false)
    }
  }

  /// Ends a block and places the next one of the plan.
  public mutating func reallocate(
    _ placement: Placement, oldSize: ByteCount, to request: BlockRequest
  ) -> Placement {
    free(placement)
    let new = allocate(request)
    if new.address != placement.address {
      work.bytesMoved &+= UInt64(max(min(oldSize, request.size), .zero).rawValue)
    }
    return new
  }

  /// Gets the pages of a block that nothing lived on, or gives back those that nothing lives on.
  ///
  /// Only the first and the last page can have something of other blocks.
  private mutating func changePages(of placement: Placement, isGrowth: Bool) {
    let first = (placement.address - Arena.base).int >> 12
    let last = (placement.end - Arena.base - 1).int >> 12
    let start = change(first, isGrowth) ? first : first + 1
    var end = last + 1
    if last > first, !change(last, isGrowth) { end = last }
    guard start < end else { return }
    let range = Arena.base + ByteCount(start << 12)..<Arena.base + ByteCount(end << 12)
    heldChanges.append(HeldChange(range: range, isGrowth: isGrowth))
  }

  /// Counts a block on a page or no longer; whether the page is the block's alone.
  private func change(_ page: Int, _ isGrowth: Bool) -> Bool {
    if isGrowth {
      blocksOnPage[page] += 1
      return blocksOnPage[page] == 1
    }
    blocksOnPage[page] -= 1
    return blocksOnPage[page] == 0
  }
}
