// Fixed partitions: memory cut once and for all, a whole partition for every block.

public import MemoryUnits

/// A heap whose memory was divided before the first request, as in the batch systems of the 1960s
/// (OS/360 MFT).
///
/// * A request takes a whole free partition that is large enough and aligned as it asks: the first by
///   address, or the smallest, of several the one of lowest address.
/// * What fits no free partition counts in `Work.failures` and gets a segment of its own.
/// * A block stays where it is when it is resized as long as its partition holds it.
/// * All partitions are held from the beginning. `Work` counts failures and copied bytes alone.
///
/// A request takes O(log n), one for more than a page's alignment O(n).
public struct FixedPartitionHeap: Heap, ~Copyable {
  /// What the heap got and gave back since the list was last emptied; all partitions at first.
  public var heldChanges: [HeldChange] = []
  /// The textbook work done so far.
  public private(set) var work = Work()

  private let count: Int
  /// Where the partitions begin, in order of address, and where the last one ends.
  private let starts: UnsafeMutablePointer<Int>
  /// The partitions in the order in which they are searched, and each one's place in that order.
  private let order: UnsafeMutablePointer<Int>
  private let places: UnsafeMutablePointer<Int>
  /// The different sizes, ascending.
  private let sizes: UnsafeMutablePointer<Int>
  private let sizeCount: Int
  private let usesBest: Bool
  /// A tree of maxima over the places: for a free partition the number of its size from one on.
  private let tree: UnsafeMutableRawPointer
  private var distant = DistantSegments()

  private static let depth = 3
  private static let firstLeaf = SixteenTree.firstLeaf(depth: depth)
  private static let treeByteCount = 4 * SixteenTree.valueCount(depth: depth)
  /// The most partitions.
  static let limit = 1 << (4 * depth)

  /// A heap of free partitions.
  public init(_ parameters: FixedPartitionParameters) {
    let list = parameters.list
    precondition(!list.isEmpty && list.count <= Self.limit, "from 1 to 4096 partitions")
    count = list.count
    usesBest = parameters.fit == .best
    starts = .allocate(capacity: count + 1)
    order = .allocate(capacity: count)
    places = .allocate(capacity: count)
    tree = LazyMemory.map(byteCount: Self.treeByteCount)
    var start = Int(Arena.base.rawValue)
    for (partition, size) in list.enumerated() {
      precondition(size > 0 && size % 4096 == 0, "a partition is of whole pages")
      (starts + partition).initialize(to: start)
      start += size
    }
    (starts + count).initialize(to: start)
    let distinct = Set(list).sorted()
    sizeCount = distinct.count
    sizes = .allocate(capacity: sizeCount)
    for (number, size) in distinct.enumerated() { (sizes + number).initialize(to: size) }
    let searched =
      usesBest ? list.indices.sorted { (list[$0], $0) < (list[$1], $1) } : Array(list.indices)
    for (place, partition) in searched.enumerated() {
      (order + place).initialize(to: partition)
      (places + partition).initialize(to: place)
    }
    for partition in 0..<count { setFree(partition, true) }
    heldChanges.append(
      HeldChange(range: Arena.base..<Address(UInt64(starts[count])), isGrowth: true))
  }

  deinit {
    starts.deallocate()
    order.deallocate()
    places.deallocate()
    sizes.deallocate()
    LazyMemory.unmap(tree, byteCount: Self.treeByteCount)
  }

  // MARK: Requests

  /// Places a block in a partition of its own.
  public mutating func allocate(_ request: BlockRequest) -> Placement {
    let partition = choose(max(request.size.int, 1), request.alignment.int)
    guard partition >= 0 else {
      work.failures &+= 1
      let placement = distant.place(size: request.size, alignment: request.alignment)
      heldChanges.append(HeldChange(range: placement.address..<placement.end, isGrowth: true))
      return placement
    }
    setFree(partition, false)
    return Placement(
      address: Address(UInt64(starts[partition])), granted: ByteCount(size(partition)))
  }

  /// Frees the partition of a block.
  public mutating func free(_ placement: Placement) {
    guard !DistantSegments.contains(placement.address) else {
      heldChanges.append(HeldChange(range: placement.address..<placement.end, isGrowth: false))
      return
    }
    let partition = firstIndex(starts, count) { $0 >= Int(placement.address.rawValue) }
    setFree(partition, true)
  }

  /// Resizes a block: in place if its partition holds it.
  public mutating func reallocate(
    _ placement: Placement, oldSize: ByteCount, to request: BlockRequest
  ) -> Placement {
    if request.size <= placement.granted, !DistantSegments.contains(placement.address),
      Self.isAligned(Int(placement.address.rawValue), request.alignment.int)
    {
      return placement
    }
    let moved = allocate(request)
    let bytes = max(min(oldSize, request.size), .zero)
    work.bytesMoved &+= UInt64(truncatingIfNeeded: bytes.rawValue)
    free(placement)
    return moved
  }

  // MARK: Searching

  private var nodes: SixteenTree.Nodes { tree.assumingMemoryBound(to: UInt32.self) + 16 }

  private func size(_ partition: Int) -> Int { starts[partition + 1] - starts[partition] }

  private static func isAligned(_ address: Int, _ alignment: Int) -> Bool {
    alignment <= 4096 || address & (alignment - 1) == 0
  }

  /// The first of a sorted row of which the predicate holds, by bisection.
  private func firstIndex(
    _ row: UnsafeMutablePointer<Int>, _ count: Int, where holds: (Int) -> Bool
  ) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if holds(row[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }

  private func setFree(_ partition: Int, _ isFree: Bool) {
    let number = firstIndex(sizes, sizeCount) { $0 >= size(partition) }
    _ = SixteenTree.setMaximum(
      nodes, at: Self.firstLeaf + places[partition], to: isFree ? UInt32(number + 1) : 0)
  }

  /// The free partition to use, or -1.
  private func choose(_ bytes: Int, _ alignment: Int) -> Int {
    let key = UInt32(firstIndex(sizes, sizeCount) { $0 >= bytes } + 1)
    guard key <= sizeCount, nodes[-1] >= key else { return -1 }
    // In order of size too, the first that is large enough is the one to use.
    var place = SixteenTree.firstLeaf(nodes, atLeast: key, firstLeaf: Self.firstLeaf)
    while place >= 0, !Self.isAligned(starts[order[place]], alignment) {
      place = SixteenTree.nextLeaf(nodes, after: place, atLeast: key, firstLeaf: Self.firstLeaf)
    }
    return place < 0 ? -1 : order[place]
  }
}
