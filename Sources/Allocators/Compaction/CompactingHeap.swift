// A fit heap that now and then moves its live blocks together.

public import MemoryUnits

/// A fit heap in order of address with compaction.
///
/// Between passes it is the plain heap of its policy and settings. Blocks keep the alignment that
/// they asked for when they move; one that cannot move without losing it stays, or goes to the next
/// aligned place. What a pass frees below the wilderness joins it, and is trimmed by the plain
/// rule once the request is served. Next fit's pointer stays at its address.
///
/// `Work` counts each moved block with the bytes that it takes up. A sliding pass takes every hole
/// that it comes to off the list, and puts every one that it leaves on it. A two-finger pass cuts
/// holes and frees old places as any placement and any free do, with the same work.
///
/// A pass takes time in proportion to the blocks above the lowest hole.
public struct CompactingHeap<Policy: FitPolicy & ~Copyable>: Heap, ~Copyable {
  /// The blocks that it moved since the list was last emptied.
  public var relocations: [Relocation] = []
  @usableFromInline var plain: FitHeap<Policy>
  @usableFromInline var blocks = MovableBlocks()
  @usableFromInline let compaction: Compaction
  @usableFromInline var liveGranules = 0
  /// Granules of all blocks placed, and of what blocks gained by growing.
  @usableFromInline var allocatedGranules = 0
  @usableFromInline var movedGranules = 0
  @usableFromInline var eventsSincePass = 0
  @usableFromInline var passNumber: UInt32 = 0
  @usableFromInline var granulesLeftByPass = 0
  /// Whether another pass could do no more than the last.
  @usableFromInline var isSettled = true

  /// A heap that holds nothing yet.
  ///
  /// The parameters must be in the bounds that `HeapSpecification` checks.
  public init(_ parameters: FitParameters) {
    precondition(
      parameters.order == .address && parameters.coalesce == .immediate,
      "compaction works with holes in order of address that join at once")
    compaction = parameters.compaction
    plain = FitHeap(parameters)
  }

  /// Compaction moves blocks.
  @inlinable
  public static var relocatesBlocks: Bool { true }

  /// What the heap got and gave back since the list was last emptied.
  @inlinable
  public var heldChanges: [HeldChange] {
    get { plain.heldChanges }
    set { plain.heldChanges = newValue }
  }

  /// The textbook work done so far.
  @inlinable
  public var work: Work { plain.tally }

  // MARK: Requests

  /// Places a block where the policy says, if need be after a pass.
  @inlinable
  public mutating func allocate(_ request: BlockRequest) -> Placement {
    eventsSincePass += 1
    passIfDue()
    let placement = place(request)
    trim()
    return placement
  }

  /// Ends a block, which must live.
  @inlinable
  public mutating func free(_ placement: Placement) {
    eventsSincePass += 1
    remove(placement)
    passIfDue()
    trim()
  }

  /// Resizes a block as the plain heap does, if need be after a pass, which may move it.
  @inlinable
  public mutating func reallocate(
    _ placement: Placement, oldSize: ByteCount, to request: BlockRequest
  ) -> Placement {
    eventsSincePass += 1
    let isDistant = DistantSegments.contains(placement.address)
    let number = isDistant ? 0 : blocks.block(startingAt: plain.granule(of: placement.address))
    passIfDue()
    defer { trim() }
    if !isDistant {
      let block = blocks[number]
      let length = plain.resizeInPlace(self.placement(block), to: request)
      if length > 0 {
        resized(number, to: length, request)
        return plain.placement(block.start, length)
      }
    }
    let moved = place(request)
    let bytes = max(min(oldSize, request.size), .zero)
    plain.tally.bytesMoved &+= UInt64(truncatingIfNeeded: bytes.rawValue)
    // Making room for the new block may have moved the old one.
    remove(isDistant ? placement : self.placement(blocks[number]))
    return moved
  }

  @inlinable
  mutating func place(_ request: BlockRequest) -> Placement {
    let query = plain.query(for: request)
    plain.blocksPlaced &+= 1
    var hole = plain.policy.choose(query, in: plain.map, inspected: &plain.tally.holesInspected)
    if hole < 0, compaction.trigger == .failure, !isSettled, holeGranules >= query.length {
      pass()
      hole = plain.policy.choose(query, in: plain.map, inspected: &plain.tally.holesInspected)
    }
    let placement =
      hole < 0 ? plain.placeAtTop(query, request) : plain.place(query, in: hole)
    guard !DistantSegments.contains(placement.address) else { return placement }
    let length = placement.granted.int >> plain.shift
    blocks.insert(
      MovableBlocks.Block(
        start: plain.granule(of: placement.address), length: length, alignment: query.alignment,
        handle: request.handle))
    liveGranules += length
    allocatedGranules &+= length
    return placement
  }

  @inlinable
  mutating func remove(_ placement: Placement) {
    if !DistantSegments.contains(placement.address) {
      let number = blocks.block(startingAt: plain.granule(of: placement.address))
      liveGranules -= blocks[number].length
      blocks.remove(number)
      isSettled = false
    }
    plain.free(placement)
  }

  @inlinable
  mutating func resized(_ number: UInt32, to length: Int, _ request: BlockRequest) {
    let block = blocks[number]
    liveGranules += length - block.length
    allocatedGranules &+= max(length - block.length, 0)
    if length < block.length { isSettled = false }
    blocks.move(number, to: block.start, length)
    blocks.update(
      number, alignment: plain.alignment(request.alignment), handle: request.handle)
  }

  @inlinable
  func placement(_ block: MovableBlocks.Block) -> Placement {
    plain.placement(block.start, block.length)
  }

  // MARK: Passes

  /// The granules of all holes.
  @inlinable
  var holeGranules: Int { plain.wildernessStart - liveGranules }

  /// How many granules may be moved now.
  @inlinable
  var allowance: Int {
    compaction.budget.map { allocatedGranules / $0 - movedGranules } ?? Int.max
  }

  @inlinable
  mutating func passIfDue() {
    switch compaction.trigger {
    case .failure: return
    case .every(let count): guard eventsSincePass >= count else { return }
    case .share(let percent):
      guard holeGranules * 100 > plain.breakGranule * percent,
        holeGranules > 2 * granulesLeftByPass
      else { return }
    }
    pass()
  }

  @inlinable
  mutating func pass() {
    eventsSincePass = 0
    // Zero is no pass.
    passNumber = passNumber == .max ? 1 : passNumber + 1
    plain.postponesTrim = true
    let isComplete = compaction.method == .sliding ? slide() : fillFromTop()
    isSettled = isComplete
    granulesLeftByPass = holeGranules
  }

  /// Trims what a pass of this request left.
  @inlinable
  mutating func trim() {
    guard plain.postponesTrim else { return }
    plain.postponesTrim = false
    plain.trim()
  }

  /// The holes in order of address.
  ///
  /// Looks at the whole arena: not for every event.
  public var holes: [Range<Address>] { plain.holes }

  /// What the arena holds.
  public var held: Range<Address> { plain.held }

  /// The free run at the top of what it holds.
  public var wilderness: Range<Address> { plain.wilderness }

  /// How many holes there are.
  public var holeCount: Int { plain.holeCount }
}
