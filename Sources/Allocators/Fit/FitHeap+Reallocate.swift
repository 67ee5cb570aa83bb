// Resizing blocks, in place where the neighbourhood allows it.

public import MemoryUnits

extension FitHeap where Policy: ~Copyable {
  /// Resizes a block.
  ///
  /// A block stays where it is when its new rounded size is the old one; when it shrinks (a tail of
  /// at least `min` becomes free, a shorter one stays with it); and when the free run behind it
  /// suffices for the growth, where the wilderness counts as endless. Otherwise, and when its
  /// address does not meet the new alignment, the policy places a new block, the bytes move, and
  /// the old block is freed.
  @inlinable
  public mutating func reallocate(
    _ placement: Placement, oldSize: ByteCount, to request: BlockRequest
  ) -> Placement {
    let length = resizeInPlace(placement, to: request)
    guard length > 0 else { return move(placement, oldSize, request) }
    return self.placement(granule(of: placement.address), length)
  }

  /// The new length of the block, or 0 when it cannot stay where it is.
  @inlinable
  mutating func resizeInPlace(_ placement: Placement, to request: BlockRequest) -> Int {
    guard !DistantSegments.contains(placement.address) else { return 0 }
    let length = granules(for: request.size)
    let start = granule(of: placement.address)
    let oldLength = placement.granted.int >> shift
    guard (start &+ origin) & (alignment(request.alignment) &- 1) == 0 else { return 0 }
    return length <= oldLength
      ? shrink(start, oldLength, to: length) : grow(start, oldLength, to: length)
  }

  @usableFromInline
  mutating func shrink(_ start: Int, _ oldLength: Int, to length: Int) -> Int {
    guard oldLength - length >= shortestRest else { return oldLength }
    tally.splits &+= 1
    release(start + length, oldLength - length)
    return length
  }

  /// The new length, or 0 when the block cannot grow where it is.
  @usableFromInline
  mutating func grow(_ start: Int, _ oldLength: Int, to length: Int) -> Int {
    let end = start + oldLength
    if end == wildernessStart {
      guard start + length <= limit else { return 0 }
      extend(to: start + length)
      wildernessStart = start + length
      return length
    }
    guard map.startsHole(end) else { return 0 }
    let after = map.length(at: end)
    let missing = length - oldLength
    guard missing <= after else { return 0 }
    return oldLength + cut(missing, at: end, from: end, after)
  }

  @usableFromInline
  mutating func move(
    _ placement: Placement, _ oldSize: ByteCount, _ request: BlockRequest
  ) -> Placement {
    let moved = allocate(request)
    let bytes = Swift.max(Swift.min(oldSize, request.size), .zero)
    tally.bytesMoved &+= UInt64(truncatingIfNeeded: bytes.rawValue)
    free(placement)
    return moved
  }
}
