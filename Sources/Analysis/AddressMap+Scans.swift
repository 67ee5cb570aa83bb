// What is counted by looking at the whole map, at the few moments that a report shows.

import MemoryUnits
import Replay

/// Free bytes at the tops of held ranges, which are no holes.
struct Wilderness: Equatable {
  /// The held ranges whose top is free.
  var count: Int64 = 0
  var bytes: Int64 = 0
}

/// All holes and all pages of the map.
struct MapCensus: Equatable {
  var holes = 0
  var holeBytes: Int64 = 0
  var largestHole: Int64 = 0
  var wildernessBytes: Int64 = 0
  var occupiedPages = 0
  var pinnedBytes: Int64 = 0
  var freePageBytes: Int64 = 0
  var holeHistogram: [HoleBucket] = []
  var pageOccupancy = [Int](repeating: 0, count: 16)

  mutating func countHole(granules: UInt64) {
    let bytes = Int64(granules) * 8
    holes += 1
    holeBytes += bytes
    largestHole = max(largestHole, bytes)
    let power = 63 - bytes.leadingZeroBitCount
    while holeHistogram.count <= power { holeHistogram.append(HoleBucket()) }
    holeHistogram[power].count += 1
    holeHistogram[power].bytes = holeHistogram[power].bytes + ByteCount(bytes)
  }

  mutating func countPages(_ count: Int, _ state: PageState) {
    if state.live == 0 {
      freePageBytes += Int64(state.free) * Int64(count)
    } else {
      occupiedPages += count
      pinnedBytes += Int64(state.free) * Int64(count)
      pageOccupancy[Int(state.live - 1) / 256] += count
    }
  }
}

extension AddressMap {
  /// Brings the list of used entries into the order of their addresses.
  private mutating func sortLeaves() {
    guard !seenIsSorted else { return }
    var used: [UInt32] = []
    for index in seen {
      if directory.base[Int(index)] == .notHeld {
        directory.base[Int(index)] = .unseen
      } else {
        used.append(index)
      }
    }
    seen = used.sorted()
    seenIsSorted = true
  }

  /// Where every held range ends that is free at its top, and how much is free there.
  ///
  /// A held range is maximal: what touches another is one with it.
  ///
  /// - Complexity: O(pages held + pages free at the tops).
  mutating func wilderness() -> Wilderness {
    sortLeaves()
    var result = Wilderness()
    forEachTop { top in
      let granules = freeGranules(below: top)
      if granules > 0 { result.count += 1 }
      result.bytes += Int64(granules) * 8
    }
    return result
  }

  /// Calls `body` with the first granule above each held range, in the order of addresses.
  private func forEachTop(_ body: (UInt64) -> Void) {
    var isHeld = false
    var position: UInt64 = 0
    func meet(_ nextIsHeld: Bool, _ granule: UInt64) {
      if isHeld && !nextIsHeld { body(granule) }
      isHeld = nextIsHeld
    }
    for index in seen {
      let first = UInt64(index) << 19
      if first != position { meet(false, position) }
      position = first + 1 << 19
      guard let leaf = directory.base[Int(index)].leaf else {
        meet(directory.base[Int(index)].uniformState.held > 0, first)
        continue
      }
      for page in 0..<Leaf.pageCount {
        let granule = first + UInt64(page) << 9
        let state = leaf.pages[page]
        if !state.isPartlyHeld && (state.held > 0) == isHeld { continue }
        if let bits = leaf.heldBits(page) {
          for bit in 0..<512 {
            meet(bits[bit >> 6] >> UInt64(bit & 63) & 1 == 1, granule + UInt64(bit))
          }
        } else {
          meet(state.held > 0, granule)
        }
      }
    }
    meet(false, position)
  }

  /// The length in granules of the free run that ends at this granule.
  private func freeGranules(below end: UInt64) -> UInt64 {
    var granule = end
    while granule > 0 {
      let below = granule - 1
      let entry = directory.base[Int(below >> 19)]
      let page = Int(below >> 9) & 1023
      let state = entry.leaf?.pages[page] ?? entry.uniformState
      if entry.leaf == nil && state.free == 4096 && granule & (1 << 19 - 1) == 0 {
        granule -= 1 << 19
      } else if state.free == 4096 {
        granule = below & ~511
      } else if state.free == 0 || isFree(below) == 0 {
        break
      } else {
        granule = below
      }
    }
    return end - granule
  }

  /// Looks at every hole and every page.
  ///
  /// - Complexity: O(pages held + holes).
  mutating func census() -> MapCensus {
    sortLeaves()
    var result = MapCensus()
    var run: UInt64 = 0
    func close(isHeld: Bool) {
      if run > 0 {
        if isHeld {
          result.countHole(granules: run)
        } else {
          result.wildernessBytes += Int64(run) * 8
        }
      }
      run = 0
    }
    var position: UInt64 = 0
    for index in seen {
      let first = UInt64(index)
      if first != position { close(isHeld: false) }
      position = first + 1
      let entry = directory.base[Int(index)]
      guard let leaf = entry.leaf else {
        let state = entry.uniformState
        result.countPages(Leaf.pageCount, state)
        if state.free > 0 { run += 1 << 19 } else { close(isHeld: state.live > 0) }
        continue
      }
      for page in 0..<Leaf.pageCount {
        let state = leaf.pages[page]
        result.countPages(1, state)
        if state.free == 4096 {
          run += 512
        } else if state.free == 0 && !state.isPartlyHeld {
          close(isHeld: state.live > 0)
        } else {
          Self.scan(leaf, page, &run, close)
        }
      }
    }
    close(isHeld: false)
    return result
  }

  /// Follows the free runs over a page in mixed states.
  private static func scan(
    _ leaf: Leaf, _ page: Int, _ run: inout UInt64, _ close: (Bool) -> Void
  ) {
    let bits = leaf.freeBits(page)
    let heldBits = leaf.heldBits(page)
    for word in 0..<8 {
      var free = bits[word]
      var held = heldBits?[word] ?? .max
      var left: UInt64 = 64
      while left > 0 {
        let ones = min(left, UInt64((~free).trailingZeroBitCount))
        run += ones
        if ones == left { break }
        close(held >> ones & 1 == 1)
        free >>= ones
        held >>= ones
        left -= ones
        let zeros = min(left, UInt64(free.trailingZeroBitCount))
        free = zeros == 64 ? 0 : free >> zeros
        held = zeros == 64 ? 0 : held >> zeros
        left -= zeros
      }
    }
  }
}
