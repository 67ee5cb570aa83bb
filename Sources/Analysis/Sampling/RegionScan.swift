// Counting what sampled regions hold.

import MemoryUnits
import Trace

/// One look at the sampled regions of a map.
///
/// Whether a free run that leaves its region is a hole depends on what lies above it, of which the
/// sample may know nothing; see ``isHole(reaching:above:_:)``.
struct RegionScan {
  let sampling: RegionSampling
  let dataSegment: Range<UInt64>
  /// The known blocks that cover bytes, in the order of their addresses.
  let blocks: [LiveSet.Block]

  /// Looks at all of them.
  ///
  /// - Complexity: O(regions × their size + blocks).
  func census(of map: borrowing AddressMap, at time: Timestamp) -> RegionCensus {
    var census = RegionCensus(
      time: time, sampling: sampling,
      knownTotal: Int64(dataSegment.upperBound - dataSegment.lowerBound), regions: [])
    var next = blocks.startIndex
    // Blocks that began below and may reach further up: one, unless the trace is damaged.
    var open: [LiveSet.Block] = []
    for base in map.sampledRegions(sampling) {
      let range = sampling.range(base: base)
      while next < blocks.endIndex, blocks[next].address.rawValue < range.upperBound {
        if blocks[next].end > range.lowerBound { open.append(blocks[next]) }
        next += 1
      }
      open.removeAll { $0.end <= range.lowerBound }
      var tally = self.tally(of: range, map)
      let pieces = open.map { piece(of: $0, in: range, map) }
      tally.live = pieces.reduce(0) { $0 + $1.block.size.rawValue }
      tally.blocks = pieces.count { $0.begins }
      census.regions.append((tally, pieces))
      open.removeAll { $0.end <= range.upperBound }
      if open.count > Self.mostOpen { open.removeFirst(open.count - Self.mostOpen) }
    }
    return census
  }

  /// No byte belongs to two blocks; only a damaged trace claims it, and may not make this slow.
  private static let mostOpen = 16

  /// The part of a block that lies in a region.
  private func piece(
    of block: LiveSet.Block, in range: Range<UInt64>, _ map: borrowing AddressMap
  ) -> RegionPiece {
    let lower = max(block.address.rawValue, range.lowerBound)
    let upper = min(block.end, range.upperBound)
    let asked = min(block.address.rawValue + UInt64(max(0, block.size.rawValue)), upper)
    let part = LiveSet.Block(
      address: Address(lower), granted: ByteCount(Int64(upper - lower)),
      size: ByteCount(asked > lower ? Int64(asked - lower) : 0), stack: block.stack,
      freeOnFirstPage: UInt16(clamping: map.freeBytes(onPage: lower >> 12)),
      freeOnLastPage: UInt16(clamping: map.freeBytes(onPage: (upper - 1) >> 12)))
    return RegionPiece(block: part, begins: block.address.rawValue >= range.lowerBound)
  }

  /// Everything but what is known of blocks alone.
  private func tally(of range: Range<UInt64>, _ map: borrowing AddressMap) -> RegionTally {
    var tally = RegionTally()
    let known = range.clamped(to: dataSegment)
    tally.known = Int64(known.upperBound - known.lowerBound)
    for page in range.lowerBound >> 12..<range.upperBound >> 12 where page < AddressMap.limit >> 12
    {
      tally.countPage(map.state(ofPage: page))
    }
    guard tally.free > 0 else { return tally }
    var lives = false
    var last: AddressMap.Run?
    // A free run is judged by what follows it.
    func judge(_ run: AddressMap.Run, next: ByteUse) {
      guard run.use == .free, next != .notHeld else { return }
      let lower = run.range.lowerBound
      let begins = lower > range.lowerBound || lower == 0 || map.use(at: lower - 1) != .free
      let isHole =
        next == .live ? true : self.isHole(reaching: range.upperBound, above: lives, map)
      if isHole == nil { tally.unsure += Int64(run.range.upperBound - lower) }
      guard isHole == true else { return }
      tally.holeBytes += Int64(run.range.upperBound - lower)
      if begins { tally.holes += 1 }
      if begins, next == .live { tally.countWholeHole(run.range, regionSize: sampling.size) }
    }
    map.forEachRun(in: range) { run in
      if let last { judge(last, next: run.use) }
      lives = lives || run.use == .live
      last = run
      return true
    }
    if let last { judge(last, next: map.use(at: range.upperBound)) }
    return tally
  }

  /// Whether a free run that reaches the end of its region is part of a hole, and not of the free
  /// top of the held range; nil where nothing tells.
  ///
  /// As far as the regions above are sampled too, they tell. Beyond them it is a hole if a block is
  /// known to live further up in the same held range, or, else, if a block lives in the run's own
  /// region: it is not likely to be the highest of all.
  private func isHole(
    reaching end: UInt64, above lives: Bool, _ map: borrowing AddressMap
  ) -> Bool? {
    var position = end
    while sampling.samples(base: sampling.base(of: position)) {
      let region = position..<position + UInt64(sampling.size)
      var runs: [AddressMap.Run] = []
      map.forEachRun(in: region) { run in
        runs.append(run)
        return run.use == .free
      }
      guard let next = runs.first(where: { $0.use != .free }) else {
        position = region.upperBound
        continue
      }
      return next.use == .live
    }
    return lives || livesAbove(position, map) ? true : nil
  }

  /// Whether a block is known to live further up in the same held range.
  private func livesAbove(_ position: UInt64, _ map: borrowing AddressMap) -> Bool {
    var lower = blocks.startIndex
    var upper = blocks.endIndex
    while lower < upper {
      let middle = (lower + upper) / 2
      if blocks[middle].address.rawValue < position { lower = middle + 1 } else { upper = middle }
    }
    guard lower < blocks.endIndex else { return false }
    let block = blocks[lower].address.rawValue
    if dataSegment.contains(position) { return dataSegment.contains(block) }
    // A heap of a thread arena has 64 MiB at most (arena.c 2.36).
    guard block - position < 64 << 20 else { return false }
    return (position >> 12..<block >> 12).allSatisfy { map.state(ofPage: $0).held == 4096 }
  }
}

extension LiveSet.Block {
  /// The first address behind the block.
  fileprivate var end: UInt64 { (address + granted).rawValue }
}
