// Fibonacci, weighted and double buddies: the conventions of the binary heap, other sizes.

public import MemoryUnits

/// A heap of Fibonacci, weighted or double buddies.
///
/// * A request takes the smallest size of the system that holds it and whose blocks always are
///   aligned as it asks. The smallest free block that will do is used, of several the one of
///   lowest address. It is cut until it fits: where the smaller part will do, which is the upper one,
///   the larger becomes free, else the smaller.
/// * A freed block joins its buddy as long as that is free as a whole.
/// * When no free block will do, the heap takes one from the system: of the request's size, or the
///   smallest of at least `growth` if that is larger. The address space below the highest block ever
///   taken is used before the space above, smallest fitting piece first, of several the lowest.
///   Nothing is given back.
/// * A block is resized in place when its size stays; when it shrinks (upper parts become free); and
///   when it grows, if it is the lower part all the way up and each upper part is free.
/// * No size of the Fibonacci system, and none beyond 256 MiB in the others, is aligned by itself:
///   such a request takes a block that is larger by the alignment. What lies before the aligned
///   address is of no use to anyone while the block lives.
/// * `Work` counts as for binary buddies.
///
/// The double system has its powers of two at 0x1000_0000, up to 2^38 bytes of them, and the others at
/// 2^39. A block for which a tree has no room left gets a segment of its own.
public struct SystemBuddyHeap: Heap, ~Copyable {
  /// What the heap got since the list was last emptied.
  public var heldChanges: [HeldChange] = []
  /// The settings.
  public let parameters: BuddyParameters

  /// Where the second tree begins: all of the first lies below.
  private static let secondBase = 1 << 39
  private static let treeByteLimit = 3 << 47
  /// Every tree starts at a multiple of it, unless its smallest block is larger.
  private static let baseAlignment = 1 << 28

  private let trees: UnsafeMutablePointer<BuddyTree>
  private let treeCount: Int
  private var distant = DistantSegments()
  private let shift: Int
  private let firstBase: Int
  /// The largest alignment that some class has by itself, and `growth`, in units.
  private let naturalAlignment: Int
  private let growthUnits: Int
  /// What moved: the trees count all else.
  private var moving = Work()

  /// A heap that holds nothing yet.
  ///
  /// The parameters must be in the bounds that `HeapSpecification` checks.
  public init(_ system: BuddySystem, _ parameters: BuddyParameters = BuddyParameters()) {
    let least = parameters.min.int
    precondition(
      least > 0 && least & (least - 1) == 0 && least <= 1 << 30,
      "the smallest block of a buddy heap is a power of two of at most 1 GiB")
    precondition(parameters.header >= 0 && parameters.growth > 0)
    self.parameters = parameters
    shift = least.trailingZeroBitCount
    firstBase = max(Int(Arena.base.rawValue), least)
    naturalAlignment = system == .fibonacci ? 1 : max(Self.baseAlignment >> shift, 1)
    growthUnits = max(parameters.growth.int >> shift, 1)
    treeCount = system == .double ? 2 : 1
    trees = .allocate(capacity: treeCount)
    for tree in 0..<treeCount {
      let limit = (treeCount > 1 && tree == 0 ? 1 << 38 : Self.treeByteLimit) >> shift
      (trees + tree).initialize(to: BuddyTree(BuddyRule(system, tree: tree, limit: limit)))
    }
  }

  deinit {
    trees.deinitialize(count: treeCount)
    trees.deallocate()
  }

  /// The textbook work done so far.
  public var work: Work {
    var sum = moving
    for tree in 0..<treeCount { sum = sum + trees[tree].work }
    return sum
  }

  // MARK: Units

  /// Where a block goes: a tree, a class, and an alignment in units that the class does not have.
  private struct Choice {
    var tree: Int
    var number: Int
    var alignment: Int
  }

  /// The smallest size of all trees that will do; nil where no tree has so large a block.
  @inline(__always)
  private func choice(for request: BlockRequest) -> Choice? {
    let bytes = min(max(request.size.int, 1), Int(Arena.byteLimit)) &+ parameters.header.int
    var units = (bytes &+ (1 << shift) &- 1) >> shift
    var natural = alignmentInUnits(request.alignment)
    var extra = 1
    if natural > naturalAlignment {
      (natural, extra) = (1, natural)
      units += extra - 1
    }
    var best = Choice(tree: 0, number: trees[0].rule.number(for: units, natural), alignment: extra)
    if treeCount > 1 {
      let other = trees[1].rule.number(for: units, natural)
      if other < trees[1].rule.count,
        best.number == trees[0].rule.count
          || trees[1].rule.size(other) < trees[0].rule.size(best.number)
      {
        best.tree = 1
        best.number = other
      }
    }
    return best.number < trees[best.tree].rule.count ? best : nil
  }

  /// What is no power of two counts as the next one.
  @inline(__always)
  private func alignmentInUnits(_ alignment: ByteCount) -> Int {
    let bytes = min(max(alignment.int, 1), Int(Arena.byteLimit))
    let power = Int.bitWidth &- (bytes &- 1).leadingZeroBitCount
    return 1 << max(power &- shift, 0)
  }

  @inline(__always)
  private func base(of tree: Int) -> Int { tree == 0 ? firstBase : Self.secondBase }

  /// The tree of an address, and the place in it.
  @inline(__always)
  private func place(of address: Address) -> (tree: Int, place: Int) {
    let bytes = Int(truncatingIfNeeded: address.rawValue)
    let tree = treeCount == 1 || bytes < Self.secondBase ? 0 : 1
    return (tree, (bytes &- base(of: tree)) >> shift)
  }

  @inline(__always)
  private func address(_ tree: Int, _ place: Int) -> Address {
    Address(UInt64(truncatingIfNeeded: base(of: tree) &+ place << shift))
  }

  @inline(__always)
  private func placement(_ block: Int, _ choice: Choice) -> Placement {
    let start = address(choice.tree, block).alignedUp(to: ByteCount(choice.alignment << shift))
    let end = address(choice.tree, block &+ trees[choice.tree].rule.size(choice.number))
    return Placement(address: start, granted: end - start)
  }

  // MARK: Requests

  /// Places a block of the smallest size that holds the request.
  public mutating func allocate(_ request: BlockRequest) -> Placement {
    guard let choice = choice(for: request) else { return placeDistant(request) }
    let block = trees[choice.tree].take(choice.number)
    guard block < 0 else { return placement(block, choice) }
    return allocateNew(choice, request)
  }

  /// Ends a block, which must live, and joins it with its buddies.
  public mutating func free(_ placement: Placement) {
    guard !DistantSegments.contains(placement.address) else { return freeDistant(placement) }
    var (tree, place) = place(of: placement.address)
    if trees[tree].block(at: place) == nil {
      place = trees[tree].start(ofBlockCovering: place)
    }
    trees[tree].release(place)
  }

  /// Resizes a block, in place where its buddies allow it.
  public mutating func reallocate(
    _ placement: Placement, oldSize: ByteCount, to request: BlockRequest
  ) -> Placement {
    guard !DistantSegments.contains(placement.address), let choice = choice(for: request),
      choice.alignment == 1
    else { return move(placement, oldSize, request) }
    let (tree, place) = place(of: placement.address)
    let mask = UInt64(truncatingIfNeeded: alignmentInUnits(request.alignment) << shift &- 1)
    guard tree == choice.tree, placement.address.rawValue & mask == 0,
      trees[tree].block(at: place) != nil,
      trees[tree].resize(place, to: choice.number)
    else { return move(placement, oldSize, request) }
    return self.placement(place, choice)
  }

  private mutating func move(
    _ placement: Placement, _ oldSize: ByteCount, _ request: BlockRequest
  ) -> Placement {
    let moved = allocate(request)
    let bytes = max(min(oldSize, request.size), .zero)
    moving.bytesMoved &+= UInt64(truncatingIfNeeded: bytes.rawValue)
    free(placement)
    return moved
  }

  // MARK: The system

  @inline(never)
  private mutating func allocateNew(_ choice: Choice, _ request: BlockRequest) -> Placement {
    let growth = trees[choice.tree].rule.number(for: growthUnits)
    let (block, taken) = trees[choice.tree].acquire(choice.number, growth: growth)
    guard block >= 0 else { return placeDistant(request) }
    let range = address(choice.tree, taken.lowerBound)..<address(choice.tree, taken.upperBound)
    heldChanges.append(HeldChange(range: range, isGrowth: true))
    return placement(block, choice)
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
}
