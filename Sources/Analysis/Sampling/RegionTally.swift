// What one sampled region holds at one moment: everything that is known of it for sure.

import MemoryUnits
import Trace

/// The figures of one region.
///
/// Bytes and pages belong to the region in which they lie, blocks and holes to the one in which
/// they begin. So each is counted in exactly one region, and the figures of all regions add up to
/// those of the heap.
struct RegionTally {
  /// Bytes of the data segment.
  var known: Int64 = 0
  var held: Int64 = 0
  /// Bytes of the blocks with headers and rounding.
  var granted: Int64 = 0
  /// Bytes that blocks asked for, from the start of each on.
  var live: Int64 = 0
  /// Blocks that begin here.
  var blocks = 0
  /// Held bytes that no block covers.
  var free: Int64 = 0
  /// Those of them that belong to holes.
  var holeBytes: Int64 = 0
  /// Those of which the sample does not tell whether they belong to a hole or to the free top of a
  /// held range: no block is known above them.
  var unsure: Int64 = 0
  /// Holes that begin here.
  var holes = 0
  var occupiedPages = 0
  var pinned: Int64 = 0
  var freePageBytes: Int64 = 0
  /// The holes that lie in this region alone, by the power of two of their sizes.
  ///
  /// A hole with b page borders inside lies in one region for a part 1 - b / pages of the grids, so
  /// it counts for the reciprocal, and stands for those that a border cuts.
  var wholeHoles: [Int: WholeHoles] = [:]
  var largestHole: Int64 = 0

  struct WholeHoles {
    var count = 0.0
    var bytes = 0.0
  }

  mutating func countPage(_ page: PageState) {
    held += Int64(page.held)
    granted += Int64(page.live)
    free += Int64(page.free)
    if page.live == 0 {
      freePageBytes += Int64(page.free)
    } else {
      occupiedPages += 1
      pinned += Int64(page.free)
    }
  }

  /// Counts a hole of which nothing lies in other regions.
  mutating func countWholeHole(_ range: Range<UInt64>, regionSize: Int) {
    let bytes = range.upperBound - range.lowerBound
    let borders = (range.upperBound - 1) >> 12 - range.lowerBound >> 12
    let weight = 1 / (1 - Double(borders * 4096) / Double(regionSize))
    let power = 63 - bytes.leadingZeroBitCount
    wholeHoles[power, default: WholeHoles()].count += weight
    wholeHoles[power, default: WholeHoles()].bytes += weight * Double(bytes)
    largestHole = max(largestHole, Int64(bytes))
  }
}

/// The part of a block that lies in one region.
struct RegionPiece {
  /// The part, as if it were a block of its own.
  var block: LiveSet.Block
  /// Whether the block begins in the region.
  var begins: Bool
}

/// All sampled regions at one moment.
struct RegionCensus {
  var time: Timestamp
  var sampling: RegionSampling
  /// Bytes of the data segment, in the sample or not.
  var knownTotal: Int64
  /// The regions of the sample in which anything was ever held, and what of blocks lies there.
  var regions: [(tally: RegionTally, pieces: [RegionPiece])]

  /// Where nothing was recorded.
  static func empty(_ sampling: RegionSampling) -> RegionCensus {
    RegionCensus(time: .zero, sampling: sampling, knownTotal: 0, regions: [])
  }

  /// What totals are estimated with.
  var estimator: RegionEstimator {
    RegionEstimator(
      denominator: sampling.denominator, knownTotal: knownTotal,
      known: regions.lazy.map(\.tally.known))
  }
}
