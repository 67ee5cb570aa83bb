// The engine of first, best, next and worst fit: one arena, boundary tags, a policy.

public import MemoryUnits

/// A heap of one contiguous arena whose free runs are holes chosen by a policy.
///
///     base                                     wilderness      break
///      | block | block |  hole  | block | hole | block |  free  |
///
/// * The arena starts at 0x1000_0000 and grows upwards. The free run at its top, the wilderness, is
///   no hole: it is used when the block fits no hole, and extended by multiples of `growth` for
///   what is missing. (For first fit that is the plain scan, in which the top comes last.)
/// * Freed blocks join their free neighbours at once, or as `CoalesceRule` says. The list of holes
///   is in the order of their addresses, or as `HoleOrder` says.
/// * A block takes the low end of its hole. A rest shorter than `min` stays with the block. For an
///   alignment above the heap's own, the block goes to the lowest aligned address of the hole that
///   leaves no gap, or one of at least `min`, which stays a hole.
/// * When a freed run makes the wilderness longer than the trim rule allows, all whole multiples of
///   `growth` at its end go back to the system.
/// * `Work.splits` counts the pieces of a hole that stay free when a block is cut out, the gaps
///   that an alignment leaves in the wilderness, and the tails cut off shrinking blocks;
///   `Work.merges` counts the free neighbours (wilderness included) that a freed run joins.
///   `Work.listOperations` counts the holes put on the list and taken off it: a rest that keeps its
///   place costs none, and in order of address neither does the hole that a freed run lengthens.
///
/// Requests of up to 2^47 bytes work while the arena stays below 2^49 bytes; what goes beyond gets
/// a segment of its own.
public struct FitHeap<Policy: FitPolicy & ~Copyable>: Heap, ~Copyable {
  /// What the heap got and gave back since the list was last emptied.
  public var heldChanges: [HeldChange] = []
  @usableFromInline var tally = Work()
  /// The settings.
  public let parameters: FitParameters

  @usableFromInline var policy: Policy
  @usableFromInline var map: HoleMap
  @usableFromInline var touching = TouchingPlaces()
  @usableFromInline var distant = DistantSegments()
  /// The first granule of the wilderness, and the first behind what the heap holds.
  @usableFromInline var wildernessStart = 0
  @usableFromInline var breakGranule = 0
  @usableFromInline var blocksPlaced = 0
  /// Whether somebody else says when to trim.
  @usableFromInline var postponesTrim = false
  // The parameters in granules.
  @usableFromInline let shift: Int
  @usableFromInline let origin: Int
  @usableFromInline let shortestRest: Int
  @usableFromInline let growth: Int
  @usableFromInline let trimAbove: Int
  @usableFromInline let limit: Int
  @usableFromInline let joinsAtOnce: Bool

  /// A heap that holds nothing yet.
  ///
  /// The parameters must be in the bounds that `HeapSpecification` checks.
  public init(_ parameters: FitParameters = FitParameters()) {
    self.init(parameters, base: Arena.base, byteLimit: Arena.byteLimit)
  }

  /// The same with an arena of its own place, which ends after so many bytes, a multiple of `growth`.
  init(_ parameters: FitParameters, base: Address, byteLimit: Int64) {
    let align = parameters.align.rawValue
    precondition(
      align > 0 && align & (align - 1) == 0 && align <= Int64(Arena.base.rawValue),
      "the alignment of a heap is a power of two of at most 256 MiB")
    precondition(parameters.header >= 0 && parameters.min >= 0 && parameters.growth > 0)
    precondition(
      Policy.isListed == (parameters.order != .address), "a policy for another order of the list")
    self.parameters = parameters
    policy = Policy(order: parameters.order)
    joinsAtOnce = parameters.coalesce == .immediate
    shift = align.trailingZeroBitCount
    origin = Int(base.rawValue) >> shift
    shortestRest = max(parameters.min.roundedUp(to: parameters.align).int >> shift, 1)
    growth = parameters.growth.roundedUp(to: parameters.align).int >> shift
    switch parameters.trim {
    case .never: trimAbove = Int.max
    case .above(let bytes): trimAbove = bytes.int >> shift
    }
    limit = Int(byteLimit) >> shift
    let compacts = parameters.compaction.method != .none
    map = HoleMap(indexes: compacts ? Policy.indexes.union(.maxima) : Policy.indexes)
  }

  /// The textbook work done so far.
  @inlinable
  public var work: Work { tally }

  // MARK: Requests

  /// Places a block where the policy says, else in the wilderness.
  @inlinable
  public mutating func allocate(_ request: BlockRequest) -> Placement {
    let query = query(for: request)
    blocksPlaced &+= 1
    let hole = policy.choose(query, in: map, inspected: &tally.holesInspected)
    guard hole >= 0 else { return placeWithoutHole(query, request) }
    return place(query, in: hole)
  }

  /// Places a block in a hole into which it fits.
  @inlinable
  mutating func place(_ query: FitQuery, in hole: Int) -> Placement {
    let start = query.position(from: hole)
    let length = cut(query.length, at: start, from: hole, map.length(at: hole))
    policy.placed(endingAt: start &+ length)
    return placement(start, length)
  }

  /// Ends a block, which must live, and joins it with its free neighbours.
  @inlinable
  public mutating func free(_ placement: Placement) {
    guard !DistantSegments.contains(placement.address) else { return freeDistant(placement) }
    release(granule(of: placement.address), placement.granted.int >> shift)
  }

  // MARK: Units

  @inlinable
  func query(for request: BlockRequest) -> FitQuery {
    FitQuery(
      length: granules(for: request.size), alignment: alignment(request.alignment),
      shortestGap: shortestRest, origin: origin)
  }

  /// The granules that a block takes, its header included.
  ///
  /// A size of zero counts as one byte.
  @inlinable
  func granules(for size: ByteCount) -> Int {
    let bytes = Swift.min(Swift.max(size.int, 1), Int(Arena.byteLimit)) &+ parameters.header.int
    return (bytes &+ (1 << shift) &- 1) >> shift
  }

  /// An alignment beyond the heap's own in granules, else 1.
  ///
  /// What is no power of two counts as the next one.
  @inlinable
  func alignment(_ bytes: ByteCount) -> Int {
    guard bytes > parameters.align else { return 1 }
    let bounded = Swift.min(bytes.int, Int(Arena.byteLimit))
    return 1 << (Int.bitWidth - (bounded - 1).leadingZeroBitCount - shift)
  }

  @inlinable
  func granule(of address: Address) -> Int { Int(address.rawValue) >> shift &- origin }

  @inlinable
  func address(of granule: Int) -> Address {
    Address(UInt64(truncatingIfNeeded: (granule &+ origin) << shift))
  }

  @inlinable
  func placement(_ start: Int, _ length: Int) -> Placement {
    Placement(address: address(of: start), granted: ByteCount(length << shift))
  }
}

/// Bounds of every simulated arena.
@usableFromInline
enum Arena {
  /// Where every simulated heap begins.
  @inlinable static var base: Address { Address(0x1000_0000) }
  /// The bytes that an arena may span.
  ///
  /// Beyond it, blocks get segments of their own.
  @inlinable static var byteLimit: Int64 { 1 << 49 }
}
