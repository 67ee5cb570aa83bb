// From the counts of the sampled regions to estimates.

import MemoryUnits
import Trace

extension SampledMoment {
  /// Estimates every figure.
  ///
  /// - Parameter names: names call sites; nil leaves them out.
  init(_ census: RegionCensus, names: SiteNames?) {
    let estimator = census.estimator
    func total(_ value: (RegionTally) -> Double, isCertain: Bool = true) -> Estimate {
      estimator.estimate(
        census.regions.compactMap { tally, _ in
          let found = value(tally)
          return found == 0 ? nil : RegionEstimator.Part(known: tally.known, found: found)
        }, isCertain: isCertain)
    }
    func whole(_ tally: RegionTally, _ value: (RegionTally.WholeHoles) -> Double) -> Double {
      // In a fixed order, because rounded sums depend on it.
      tally.wholeHoles.sorted { $0.key < $1.key }.reduce(0) { $0 + value($1.value) }
    }
    let powers = Set(census.regions.flatMap(\.tally.wholeHoles.keys)).sorted()
    let holes = total { Double($0.holeBytes) }
    self.init(
      time: census.time, regions: census.regions.count { $0.tally.held > 0 },
      dataSegment: ByteCount(census.knownTotal),
      live: total { Double($0.live) }, blocks: total { Double($0.blocks) },
      granted: total { Double($0.granted) }, held: total { Double($0.held) },
      free: total { Double($0.free) }, holes: total { Double($0.holes) },
      holeBytes: holes.reaching(up: total { Double($0.holeBytes + $0.unsure) }),
      unsure: total { Double($0.unsure) },
      largestHoleSeen: ByteCount(census.regions.map(\.tally.largestHole).max() ?? 0),
      holeSizes: powers.map { power in
        SampledHoles(
          shortest: ByteCount(1 << Int64(power)),
          count: total({ $0.wholeHoles[power]?.count ?? 0 }, isCertain: false),
          bytes: total({ $0.wholeHoles[power]?.bytes ?? 0 }, isCertain: false))
      },
      longHoles: SampledHoles(
        shortest: ByteCount(census.sampling.size),
        count: total({ Double($0.holes) - whole($0, \.count) }, isCertain: false),
        bytes: total({ Double($0.holeBytes) - whole($0, \.bytes) }, isCertain: false)),
      occupiedPages: total { Double($0.occupiedPages) }, pinned: total { Double($0.pinned) },
      freePageBytes: total { Double($0.freePageBytes) },
      sites: names.map { SampledSite.all(in: census, estimator, $0) } ?? [])
  }
}

extension Estimate {
  /// The same estimate where the truth may be as large as another has it.
  fileprivate func reaching(up other: Estimate) -> Estimate {
    guard value != other.value else { return self }
    guard let interval, let most = other.interval?.upperBound else {
      return Estimate(value, interval: nil)
    }
    return Estimate(value, interval: interval.lowerBound...max(interval.upperBound, most))
  }
}

extension SampledSite {
  /// What a site has in each region.
  private struct Parts {
    var pinned: [RegionEstimator.Part] = []
    var sole: [RegionEstimator.Part] = []
    var live: [RegionEstimator.Part] = []
    var blocks: [RegionEstimator.Part] = []

    mutating func add(_ share: PinTally.Share, beginning blocks: Int, known: Int64) {
      func part(_ found: Double) -> [RegionEstimator.Part] {
        found == 0 ? [] : [RegionEstimator.Part(known: known, found: found)]
      }
      pinned += part(share.pinned)
      sole += part(Double(share.sole))
      live += part(Double(share.live))
      self.blocks += part(Double(blocks))
    }
  }

  /// All sites with a block in the sample, largest share first.
  fileprivate static func all(
    in census: RegionCensus, _ estimator: RegionEstimator, _ names: SiteNames
  ) -> [SampledSite] {
    var parts: [SiteIndex: Parts] = [:]
    var regions: [SiteIndex: Int] = [:]
    for (tally, pieces) in census.regions where !pieces.isEmpty {
      // The sites of one region are few, those of the heap many.
      var local: [SiteIndex: Int] = [:]
      for piece in pieces {
        let site = names.site(of: piece.block.stack)
        if local[site] == nil { local[site] = local.count }
      }
      var beginning = [Int](repeating: 0, count: local.count)
      func number(_ stack: StackID) -> Int { local[names.site(of: stack)] ?? 0 }
      for piece in pieces where piece.begins { beginning[number(piece.block.stack)] += 1 }
      let shares = PinTally(
        pieces.map(\.block), siteCount: local.count, siteOf: number
      ).shares
      for (site, number) in local {
        parts[site, default: Parts()].add(
          shares[number], beginning: beginning[number], known: tally.known)
        regions[site, default: 0] += 1
      }
    }
    let heaviest = PinReport.heaviestStacks(
      of: census.regions.flatMap { $0.pieces.map(\.block) }, names)
    let sites = parts.compactMap { site, parts -> SampledSite? in
      guard let stack = heaviest[site] else { return nil }
      return SampledSite(
        pinned: estimator.estimate(parts.pinned), sole: estimator.estimate(parts.sole),
        live: estimator.estimate(parts.live), blocks: estimator.estimate(parts.blocks),
        regions: regions[site] ?? 0, frame: names.userFrame(of: stack),
        stack: names.frames(of: stack))
    }
    // Ties are broken so that the same trace always gives the same report.
    return sites.sorted { a, b in
      (b.pinned.value, b.live.value, a.frame.function, a.frame.module)
        < (a.pinned.value, a.live.value, b.frame.function, b.frame.module)
    }
  }
}
