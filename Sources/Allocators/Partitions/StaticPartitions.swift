// Static partitions: a first-fit heap that cannot grow for each range of sizes, or group of sites.

public import MemoryUnits

/// A heap whose memory was divided before the first request among ranges of sizes, or among groups of
/// call sites.
///
/// * Each region is a first-fit heap in order of address with the defaults of `FitParameters`, of
///   `size` bytes and no more; all regions are held from the beginning.
/// * By size a request goes to the first region whose limit holds it, by site to the one that the
///   site's hash modulo the number of regions names (SplitMix64's finalizer).
/// * What fits into its region no more counts in `Work.failures` and gets a segment of its own, even
///   if another region has room.
/// * A block is resized as first fit does it if it stays in its region, else it moves.
public struct StaticPartitionHeap: Heap, ~Copyable {
  /// What the heap got and gave back since the list was last emptied; all regions at first.
  public var heldChanges: [HeldChange] = []
  /// The settings.
  public let parameters: StaticPartitionParameters

  private let regions: UnsafeMutablePointer<FitHeap<FirstFit>>
  private let count: Int
  private let size: Int
  private let limits: UnsafeMutablePointer<Int>
  private var tally = Work()
  private var distant = DistantSegments()

  /// A heap of free regions.
  public init(_ parameters: StaticPartitionParameters) {
    self.parameters = parameters
    count = parameters.count
    size = parameters.size.int
    precondition(size > 0 && size % 4096 == 0 && count > 0, "a region is of whole pages")
    regions = .allocate(capacity: count)
    for region in 0..<count {
      let base = Arena.base + ByteCount(region * size)
      let heap = FitHeap<FirstFit>(
        FitParameters(growth: parameters.size), base: base, byteLimit: Int64(size))
      (regions + region).initialize(to: heap)
    }
    limits = .allocate(capacity: count)
    limits.initialize(repeating: Int.max, count: count)
    for (region, limit) in parameters.limits.enumerated() where parameters.by == .size {
      limits[region] = limit
    }
    let end = Arena.base + ByteCount(count * size)
    heldChanges.append(HeldChange(range: Arena.base..<end, isGrowth: true))
  }

  deinit {
    regions.deinitialize(count: count)
    regions.deallocate()
    limits.deallocate()
  }

  /// The textbook work done so far.
  public var work: Work {
    var sum = tally
    for region in 0..<count { sum = sum + regions[region].work }
    return sum
  }

  private func region(for request: BlockRequest) -> Int {
    if parameters.by == .site {
      var hash = UInt64(request.site)
      hash = (hash ^ (hash >> 30)) &* 0xbf58_476d_1ce4_e5b9
      hash = (hash ^ (hash >> 27)) &* 0x94d0_49bb_1331_11eb
      return Int((hash ^ (hash >> 31)) % UInt64(count))
    }
    var region = 0
    while region < count - 1, limits[region] < request.size.int { region += 1 }
    return region
  }

  // MARK: Requests

  /// Places a block in its region.
  public mutating func allocate(_ request: BlockRequest) -> Placement {
    let region = region(for: request)
    return settle(regions[region].allocate(request), in: region, request)
  }

  /// Ends a block, which must live.
  public mutating func free(_ placement: Placement) {
    guard !DistantSegments.contains(placement.address) else {
      heldChanges.append(HeldChange(range: placement.address..<placement.end, isGrowth: false))
      return
    }
    regions[region(of: placement)].free(placement)
  }

  /// Resizes a block.
  public mutating func reallocate(
    _ placement: Placement, oldSize: ByteCount, to request: BlockRequest
  ) -> Placement {
    let region = region(for: request)
    if !DistantSegments.contains(placement.address), region == self.region(of: placement) {
      let new = regions[region].reallocate(placement, oldSize: oldSize, to: request)
      return settle(new, in: region, request)
    }
    let moved = allocate(request)
    let bytes = max(min(oldSize, request.size), .zero)
    tally.bytesMoved &+= UInt64(truncatingIfNeeded: bytes.rawValue)
    free(placement)
    return moved
  }

  /// Gives a block a segment of its own if its region had no room for it.
  private mutating func settle(
    _ placement: Placement, in region: Int, _ request: BlockRequest
  ) -> Placement {
    // The region is held as a whole, and its heap's own segments never were.
    if !regions[region].heldChanges.isEmpty { regions[region].heldChanges = [] }
    guard DistantSegments.contains(placement.address) else { return placement }
    tally.failures &+= 1
    let segment = distant.place(size: request.size, alignment: request.alignment)
    heldChanges.append(HeldChange(range: segment.address..<segment.end, isGrowth: true))
    return segment
  }

  private func region(of placement: Placement) -> Int {
    (placement.address - Arena.base).int / size
  }
}
