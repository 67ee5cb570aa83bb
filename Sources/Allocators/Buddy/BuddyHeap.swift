// The binary buddy system (Knowlton 1965; Knuth, TAOCP 1 §2.5): powers of two, halved and rejoined.

public import MemoryUnits

/// A heap whose blocks are naturally aligned powers of two.
///
/// * A request takes the smallest order that holds it (and its alignment). The smallest free block
///   of at least that order is used, of several the one of lowest address; it is halved until it
///   fits, the lower half going on, the upper becoming free.
/// * A freed block joins its buddy, the other half of the block one order up, as long as that is
///   free as a whole.
/// * When no free block will do, the heap takes one from the system: of the request's order, or of
///   `growth` if that is larger. The address space below the highest block ever taken is used before
///   the space above, smallest fitting piece first, of several the lowest; buddies join whatever they
///   were taken as. Nothing is given back.
/// * A block is resized in place when its order stays; when it shrinks (the upper halves become
///   free); and when it grows, if it is the lower half all the way up and each upper half is free.
/// * `Work.holesInspected` counts the free lists looked at: from the request's order to the one
///   that has a block, none when no list has. `Work.splits` counts halvings of held blocks,
///   `Work.merges` joinings, `Work.listOperations` free blocks put on a list or taken off.
///
/// The space starts at 0x1000_0000, or at `min` where that is larger. A block that would end above 2^49 gets a segment of its own.
public struct BuddyHeap: Heap, ~Copyable {
  /// What the heap got since the list was last emptied.
  public var heldChanges: [HeldChange] = []
  /// The textbook work done so far.
  public private(set) var work = Work()
  /// The settings.
  public let parameters: BuddyParameters

  @usableFromInline var free = FreeBlocks()
  /// Address space below `frontier` that is not held.
  @usableFromInline var reserve = FreeBlocks()
  /// No block was ever taken at or above this place.
  private var frontier: Int
  private var distant = DistantSegments()
  private let shift: Int
  private let growthOrder: Int
  private let limit: Int

  /// A heap that holds nothing yet.
  ///
  /// The parameters must be in the bounds that `HeapSpecification` checks.
  public init(_ parameters: BuddyParameters = BuddyParameters()) {
    let min = parameters.min.rawValue
    precondition(
      min > 0 && min & (min - 1) == 0 && min <= 1 << 30,
      "the smallest block of a buddy heap is a power of two of at most 1 GiB")
    precondition(parameters.header >= 0 && parameters.growth > 0)
    self.parameters = parameters
    shift = min.trailingZeroBitCount
    growthOrder = Self.order(of: parameters.growth.int, shift)
    frontier = (Int(Arena.base.rawValue) + Int(min) - 1) >> shift
    limit = Int(Arena.byteLimit) >> shift
  }

  /// The order of the smallest block of at least so many bytes.
  @inline(__always)
  private static func order(of bytes: Int, _ shift: Int) -> Int {
    max(Int.bitWidth &- (bytes &- 1).leadingZeroBitCount &- shift, 0)
  }

  @inline(__always)
  private func order(for request: BlockRequest) -> Int {
    let bytes = min(max(request.size.int, 1), Int(Arena.byteLimit)) &+ parameters.header.int
    let alignment = min(max(request.alignment.int, 1), Int(Arena.byteLimit))
    return Self.order(of: max(bytes, alignment), shift)
  }

  private func placement(_ place: Int, _ order: Int) -> Placement {
    Placement(
      address: Address(UInt64(truncatingIfNeeded: place << shift)),
      granted: ByteCount(1 << (order &+ shift)))
  }

  // MARK: Requests

  /// Places a block of the smallest order that holds the request.
  public mutating func allocate(_ request: BlockRequest) -> Placement {
    let order = order(for: request)
    var (place, found) = free.take(atLeast: order)
    if place < 0 {
      (place, found) = takeFromSystem(max(order, growthOrder))
      guard place >= 0 else { return placeDistant(request) }
    } else {
      work.holesInspected &+= UInt64(truncatingIfNeeded: found &- order &+ 1)
      work.listOperations &+= 1
    }
    while found > order {
      found &-= 1
      work.splits &+= 1
      work.listOperations &+= 1
      free.insert(place &+ 1 << found, found)
    }
    return placement(place, order)
  }

  /// Ends a block, which must live, and joins it with its buddies.
  public mutating func free(_ placement: Placement) {
    guard !DistantSegments.contains(placement.address) else { return freeDistant(placement) }
    var place = Int(placement.address.rawValue) >> shift
    var order = placement.granted.int.trailingZeroBitCount &- shift
    while free.contains(place ^ 1 << order, order) {
      free.remove(place ^ 1 << order, order)
      work.merges &+= 1
      work.listOperations &+= 1
      place &= ~(1 << order)
      order &+= 1
    }
    free.insert(place, order)
    work.listOperations &+= 1
  }

  /// Resizes a block, in place where its buddies allow it.
  public mutating func reallocate(
    _ placement: Placement, oldSize: ByteCount, to request: BlockRequest
  ) -> Placement {
    guard !DistantSegments.contains(placement.address) else {
      return move(placement, oldSize, request)
    }
    let place = Int(placement.address.rawValue) >> shift
    let newOrder = order(for: request)
    var order = placement.granted.int.trailingZeroBitCount &- shift
    guard place & (1 << newOrder &- 1) == 0 else { return move(placement, oldSize, request) }
    for upper in order..<max(order, newOrder) {
      guard free.contains(place | 1 << upper, upper) else {
        return move(placement, oldSize, request)
      }
    }
    while order < newOrder {
      free.remove(place | 1 << order, order)
      work.merges &+= 1
      work.listOperations &+= 1
      order &+= 1
    }
    while order > newOrder {
      order &-= 1
      work.splits &+= 1
      work.listOperations &+= 1
      free.insert(place | 1 << order, order)
    }
    return self.placement(place, newOrder)
  }

  private mutating func move(
    _ placement: Placement, _ oldSize: ByteCount, _ request: BlockRequest
  ) -> Placement {
    let moved = allocate(request)
    let bytes = max(min(oldSize, request.size), .zero)
    work.bytesMoved &+= UInt64(truncatingIfNeeded: bytes.rawValue)
    free(placement)
    return moved
  }

  // MARK: The system

  /// Gets a block of this order from the system; the place is -1 beyond the limit.
  private mutating func takeFromSystem(_ order: Int) -> (place: Int, order: Int) {
    var (place, found) = reserve.take(atLeast: order)
    if place < 0 {
      let aligned = (frontier + 1 << order - 1) & ~(1 << order - 1)
      guard aligned + 1 << order <= limit else { return (-1, 0) }
      free.extend(to: aligned + 1 << order)
      reserve.extend(to: aligned + 1 << order)
      // What lies between is not held; cut it into blocks of natural alignment.
      while frontier < aligned {
        let step = frontier.trailingZeroBitCount
        reserve.insert(frontier, step)
        frontier += 1 << step
      }
      frontier = aligned + 1 << order
      (place, found) = (aligned, order)
    }
    while found > order {
      found -= 1
      reserve.insert(place + 1 << found, found)
    }
    let range = placement(place, order)
    heldChanges.append(HeldChange(range: range.address..<range.end, isGrowth: true))
    return (place, order)
  }

  private mutating func placeDistant(_ request: BlockRequest) -> Placement {
    let placement = distant.place(
      size: request.size + parameters.header, alignment: request.alignment)
    heldChanges.append(HeldChange(range: placement.address..<placement.end, isGrowth: true))
    return placement
  }

  private mutating func freeDistant(_ placement: Placement) {
    heldChanges.append(HeldChange(range: placement.address..<placement.end, isGrowth: false))
  }

  /// The free blocks that the heap holds, in order of address.
  ///
  /// For looking, not for every event.
  public var freeBlocks: [Placement] { free.all.map { placement($0.place, $0.order) } }
}
