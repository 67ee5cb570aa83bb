// Cutting blocks out of free runs, and giving runs back.

public import MemoryUnits

extension FitHeap where Policy: ~Copyable {
  // MARK: Taking

  /// Takes `length` granules at `start` out of a hole.
  ///
  /// Returns the length that the block gets.
  @inlinable
  mutating func cut(_ length: Int, at start: Int, from hole: Int, _ holeLength: Int) -> Int {
    let end = hole &+ holeLength
    let rest = end &- start &- length
    let keepsRest = rest >= shortestRest
    if start == hole {
      if keepsRest {
        tally.splits &+= 1
        moveHole(hole, holeLength, to: start &+ length, rest)
      } else {
        removeHole(hole, holeLength)
      }
    } else {
      tally.splits &+= keepsRest ? 2 : 1
      moveHole(hole, holeLength, to: hole, start &- hole)
      if keepsRest { insertHole(start &+ length, rest) }
    }
    return keepsRest ? length : length &+ rest
  }

  /// Places a block that fits no hole: in one that joining makes, or at the top.
  @usableFromInline
  mutating func placeWithoutHole(_ query: FitQuery, _ request: BlockRequest) -> Placement {
    guard parameters.coalesce == .deferred else { return placeAtTop(query, request) }
    let isJoined = joinTouching()
    let hole = isJoined ? policy.choose(query, in: map, inspected: &tally.holesInspected) : -1
    let placement = hole < 0 ? placeAtTop(query, request) : place(query, in: hole)
    if isJoined { trim() }
    return placement
  }

  /// Places a block in the wilderness, extending the heap for what is missing.
  @usableFromInline
  mutating func placeAtTop(_ query: FitQuery, _ request: BlockRequest) -> Placement {
    let start = query.position(from: wildernessStart)
    let end = start + query.length
    guard start >= 0, end <= limit else { return placeDistant(request) }
    extend(to: end)
    if start > wildernessStart {
      tally.splits &+= 1
      insertHole(wildernessStart, start - wildernessStart)
    }
    wildernessStart = end
    policy.placed(endingAt: end)
    return placement(start, query.length)
  }

  /// Gets what is missing up to `end` from the system.
  @usableFromInline
  mutating func extend(to end: Int) {
    guard end > breakGranule else { return }
    let missing = end - breakGranule
    let newBreak = breakGranule + (missing + growth - 1) / growth * growth
    heldChanges.append(
      HeldChange(range: address(of: breakGranule)..<address(of: newBreak), isGrowth: true))
    breakGranule = newBreak
    // Dense: on average a block in each 1024 granules, 16 KiB by default.
    map.extend(to: newBreak, isDense: newBreak >> 10 < blocksPlaced)
  }

  // MARK: Giving back

  /// Makes a run free that no block covers any more, and joins it with its free neighbours.
  @inlinable
  mutating func release(_ start: Int, _ length: Int) {
    guard joinsAtOnce else { return releaseAlone(start, length) }
    let end = start &+ length
    let before = map.length(ofHoleEndingBefore: start)
    guard end != wildernessStart else { return releaseAtTop(start, before) }
    guard map.startsHole(end) else {
      if before == 0 { return insertHole(start, length) }
      tally.merges &+= 1
      return joinHole(start &- before, before, to: start &- before, before &+ length)
    }
    let after = map.length(at: end)
    if before == 0 {
      tally.merges &+= 1
      return joinHole(end, after, to: start, length &+ after)
    }
    tally.merges &+= 2
    removeHole(end, after)
    joinHole(start &- before, before, to: start &- before, before &+ length &+ after)
  }

  /// Makes everything from `start`, and the hole of length `before` below it, wilderness.
  @usableFromInline
  mutating func releaseAtTop(_ start: Int, _ before: Int) {
    if wildernessStart < breakGranule { tally.merges &+= 1 }
    wildernessStart = start
    if before > 0 {
      tally.merges &+= 1
      removeHole(start - before, before)
      wildernessStart -= before
    }
    trim()
  }

  /// Gives back what the wilderness has beyond what the trim rule allows.
  @usableFromInline
  mutating func trim() {
    let free = breakGranule - wildernessStart
    let surplus = free / growth * growth
    guard free > trimAbove, surplus > 0, !postponesTrim else { return }
    let newBreak = breakGranule - surplus
    heldChanges.append(
      HeldChange(range: address(of: newBreak)..<address(of: breakGranule), isGrowth: false))
    breakGranule = newBreak
  }

  // MARK: Holes

  @inlinable
  mutating func insertHole(_ start: Int, _ length: Int) {
    tally.listOperations &+= 1
    map.insert(start, length)
    policy.holeAppeared(start, length, in: map)
  }

  @inlinable
  mutating func removeHole(_ start: Int, _ length: Int) {
    tally.listOperations &+= 1
    map.remove(start, length)
    policy.holeVanished(start, length)
  }

  /// Gives a hole new bounds; it keeps its place in the list, if there is but one.
  @inlinable
  mutating func moveHole(_ start: Int, _ length: Int, to newStart: Int, _ newLength: Int) {
    if Policy.filesBySize {
      removeHole(start, length)
      return insertHole(newStart, newLength)
    }
    map.replace(start, length, with: newStart, newLength)
    policy.holeMoved(start, length, to: newStart, newLength, in: map)
  }

  /// Lengthens a hole by what it joins, which makes it a new piece of a list that is not in order
  /// of address.
  @inlinable
  mutating func joinHole(_ start: Int, _ length: Int, to newStart: Int, _ newLength: Int) {
    guard Policy.isListed else { return moveHole(start, length, to: newStart, newLength) }
    removeHole(start, length)
    insertHole(newStart, newLength)
  }

  // MARK: Segments beyond the arena

  @usableFromInline
  mutating func placeDistant(_ request: BlockRequest) -> Placement {
    let placement = distant.place(
      size: request.size + parameters.header, alignment: request.alignment)
    heldChanges.append(HeldChange(range: placement.address..<placement.end, isGrowth: true))
    return placement
  }

  @usableFromInline
  mutating func freeDistant(_ placement: Placement) {
    heldChanges.append(HeldChange(range: placement.address..<placement.end, isGrowth: false))
  }
}

extension HoleMap {
  @usableFromInline
  func length(ofHoleEndingBefore granule: Int) -> Int { length(ofHoleEndingAt: granule) }

  @usableFromInline
  func startsHole(_ granule: Int) -> Bool { isHoleStart(granule) }
}

extension FitHeap where Policy: ~Copyable {
  /// The holes in order of address, touching ones apart.
  ///
  /// Looks at the whole arena: not for every event.
  public var holes: [Range<Address>] {
    var holes: [Range<Address>] = []
    map.forEachHole(below: wildernessStart) { start, length in
      holes.append(address(of: start)..<address(of: start + length))
    }
    return holes
  }

  /// What the arena holds.
  public var held: Range<Address> { address(of: 0)..<address(of: breakGranule) }

  /// The free run at the top of what it holds.
  public var wilderness: Range<Address> {
    address(of: wildernessStart)..<address(of: breakGranule)
  }

  /// How many holes there are.
  public var holeCount: Int { map.count }
}
