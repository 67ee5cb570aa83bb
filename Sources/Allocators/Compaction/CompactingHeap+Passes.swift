// The two ways to move blocks together.

extension CompactingHeap where Policy: ~Copyable {
  /// Moves every block above the lowest hole down, as far as the budget goes.
  ///
  /// Returns whether it came to the top.
  @inlinable
  mutating func slide() -> Bool {
    var place = plain.map.firstHole(from: 0, atLeast: 1)
    guard place >= 0 else { return true }
    // Everything from here to `place` is free, and on no list.
    var free = place
    while place < plain.wildernessStart {
      if plain.map.startsHole(place) {
        let length = plain.map.length(at: place)
        plain.removeHole(place, length)
        place += length
        continue
      }
      let number = blocks.block(startingAt: place)
      let block = blocks[number]
      let start = min(query(block).position(from: free), place)
      if start < place {
        guard block.length <= allowance else { break }
        relocate(number, to: start, block.length)
      }
      if start > free { plain.insertHole(free, start - free) }
      free = start + block.length
      place += block.length
    }
    if place == plain.wildernessStart {
      plain.wildernessStart = free
      return true
    }
    plain.insertHole(free, place - free)
    return false
  }

  /// Moves blocks from the top into the lowest holes into which they fit, as far as the budget goes.
  ///
  /// Returns whether it came to the lowest hole.
  @inlinable
  mutating func fillFromTop() -> Bool {
    var end = plain.wildernessStart
    while end > 0 {
      let lowest = plain.map.firstHole(from: 0, atLeast: 1)
      guard lowest >= 0, lowest < end else { return true }
      let free = plain.map.length(ofHoleEndingBefore: end)
      guard free == 0 else {
        end -= free
        continue
      }
      let number = blocks.block(endingAt: end)
      let block = blocks[number]
      end = block.start - plain.map.length(ofHoleEndingBefore: block.start)
      guard block.pass != passNumber else { continue }
      let query = query(block)
      let hole = plain.map.firstFitting(query, from: 0)
      guard hole >= 0, hole < block.start else { continue }
      guard block.length <= allowance else { return false }
      let start = query.position(from: hole)
      let length = plain.cut(block.length, at: start, from: hole, plain.map.length(at: hole))
      relocate(number, to: start, length)
      plain.release(block.start, block.length)
    }
    return true
  }

  /// Says that a block is somewhere else now.
  @inlinable
  mutating func relocate(_ number: UInt32, to start: Int, _ length: Int) {
    let old = blocks[number]
    blocks.move(number, to: start, length, inPass: passNumber)
    relocations.append(
      Relocation(
        handle: old.handle, from: placement(old), to: plain.placement(start, length)))
    liveGranules += length - old.length
    movedGranules &+= old.length
    plain.tally.blocksRelocated &+= 1
    plain.tally.bytesRelocated &+= UInt64(truncatingIfNeeded: old.length << plain.shift)
  }

  @inlinable
  func query(_ block: MovableBlocks.Block) -> FitQuery {
    FitQuery(
      length: block.length, alignment: block.alignment, shortestGap: plain.shortestRest,
      origin: plain.origin)
  }
}
