// What really happened, as one heap among the others.

public import Allocators
public import MemoryUnits

/// The heap that answers every request with the address that the recorded process got.
///
/// A block covers `headerBytes` in front of its address and the usable bytes behind it. With
/// glibc (8 bytes of header) a block that lies 16 bytes into a page and ends with one is a mapping
/// of its own (`mmap_chunk`, malloc.c 2.36) and covers its pages whole, unless it lies in the data
/// segment.
///
/// Of what the process held the trace has the break and, where glibc answered, the heaps of thread
/// arenas; the rest is inferred: see ``BreakSegment`` and ``RegionTable``. Whatever a trace claims, held ranges never overlap, and
/// every live block is held. A block outside the lower 2^47 bytes, where user space ends on
/// x86-64, or partly in the data segment, has no place: it covers no bytes and is counted.
public struct RecordedHeap: Heap, ~Copyable {
  private let headerBytes: UInt64
  private var segment: BreakSegment
  private var regions = RegionTable()
  /// What changed in the held ranges since the list was last emptied, oldest first.
  public var heldChanges: [HeldChange] = []
  /// Blocks that no process can have had.
  public private(set) var misplacedBlocks = 0
  /// Nothing: what the recorded allocator had to do for its answers is not known.
  public private(set) var work = Work()

  /// - Parameters:
  ///   - headerBytes: what the allocator keeps in front of every block.
  ///   - breakStart: where the data segment starts; zero until the trace says so.
  public init(headerBytes: ByteCount, breakStart: Address = .zero) {
    self.headerBytes = UInt64(max(0, min(headerBytes.rawValue, 4096)))
    segment = BreakSegment(start: .zero)
    if breakStart != .zero { breakStarted(at: breakStart) }
  }

  /// The data segment: what is held from its start to the break.
  public var dataSegment: Range<Address> { Address(segment.start)..<Address(segment.end) }

  /// Answers with the recorded place.
  public mutating func allocate(_ request: BlockRequest) -> Placement {
    let address = request.recordedAddress.rawValue
    let usable = UInt64(max(0, max(request.recordedUsable.rawValue, request.size.rawValue)))
    guard address >= 8192, address < 1 << 47, usable <= 1 << 47 &- address else {
      return misplaced()
    }
    let range = address &- headerBytes..<address &+ usable
    if range.isEmpty { return Placement(address: Address(address), granted: .zero) }
    let isInSegment = segment.covers(range.lowerBound)
    guard isInSegment == segment.covers(range.upperBound &- 1) else { return misplaced() }
    if isInSegment {
      segment.blockBegins(range, &heldChanges)
    } else if isMapping(address, usable),
      regions.mappingBegins(address &- 16..<range.upperBound, &heldChanges)
    {
      return Placement(address: Address(address &- 16), granted: ByteCount(Int64(usable) + 16))
    } else {
      regions.blockBegins(range, &heldChanges)
    }
    return Placement(
      address: Address(range.lowerBound),
      granted: ByteCount(Int64(range.upperBound &- range.lowerBound)))
  }

  /// Ends a block that began here.
  public mutating func free(_ placement: Placement) {
    guard placement.granted.rawValue > 0 else { return }
    let range = placement.address.rawValue..<placement.end.rawValue
    if segment.covers(range.lowerBound), segment.blockEnds(range) { return }
    if range.lowerBound & 4095 == 0, regions.mappingEnds(range, &heldChanges) { return }
    regions.blockEnds(range, &heldChanges)
  }

  /// Answers with the recorded place of the block after the change.
  public mutating func reallocate(
    _ placement: Placement, oldSize: ByteCount, to request: BlockRequest
  ) -> Placement {
    let new = allocate(request)
    free(placement)
    // The system moves the pages of a mapping; both places never exist at the same time.
    if (new.address.rawValue | placement.address.rawValue) & 4095 == 0 { heldChanges.shrinkFirst() }
    return new
  }

  /// The data segment of a new program image; ignored where blocks live that say otherwise.
  public mutating func breakStarted(at start: Address) {
    guard segment.liveBlocks == 0, start > Address(8192),
      start <= Address(1 << 47) - ByteCount(Int64(BreakSegment.reach)),
      regions.isEmpty(between: start.rawValue, and: start.rawValue &+ BreakSegment.reach)
    else { return }
    segment.restart(at: start.rawValue, &heldChanges)
  }

  /// Without a known start the segment begins where the break is first seen.
  public mutating func breakMoved(to end: Address) {
    if segment.covers(end.rawValue) {
      segment.breakMoved(to: end.rawValue, &heldChanges)
    } else {
      breakStarted(at: end)
    }
  }

  /// Held is what the trace says, from the first report on; ignored where the data segment may be.
  public mutating func arenaHeapResized(to range: Range<Address>, isFirst: Bool) {
    let base = range.lowerBound.rawValue
    guard base < 1 << 47, !segment.covers(base), !segment.covers(base &+ RegionTable.bytes &- 1)
    else { return }
    regions.heapResized(at: base, to: range.upperBound.rawValue &- base, &heldChanges)
  }

  /// Whether glibc mapped the block on its own.
  ///
  /// Its threshold is 128 KiB unless set otherwise, and a mapping may later shrink below it, where
  /// arenas have blocks that look the same.
  private func isMapping(_ address: UInt64, _ usable: UInt64) -> Bool {
    headerBytes == 8 && address & 0xfff == 0x10 && usable & 0xfff == 0xff0
      && !regions.isInHeap(address)
      && (usable >= 0x1fff0 || !regions.hasBlocks(at: address))
  }

  private mutating func misplaced() -> Placement {
    misplacedBlocks += 1
    return Placement(address: .zero, granted: .zero)
  }
}
