// From the live blocks of a moment to the sites that keep its pages.

import MemoryUnits
import Trace

extension PinReport {
  /// Shares the pinned bytes of a moment among the call sites.
  init(_ set: LiveSet, names: SiteNames) {
    for block in set.blocks { _ = names.site(of: block.stack) }
    let tally = PinTally(set.blocks, siteCount: names.count, siteOf: names.site)
    let heaviest = Self.heaviestStacks(of: set.blocks, names)
    var sites: [PinnedSite] = []
    for (site, share) in tally.shares.enumerated() {
      guard share.blocks > 0, let stack = heaviest[site] else { continue }
      sites.append(
        PinnedSite(
          pinned: share.pinned, sole: ByteCount(share.sole), live: ByteCount(share.live),
          blocks: share.blocks, pages: share.pages, frame: names.userFrame(of: stack),
          stack: names.frames(of: stack)))
    }
    // Ties are broken so that the same trace always gives the same report.
    sites.sort { a, b in
      (b.pinned, b.live, a.frame.function, a.frame.module)
        < (a.pinned, a.live, b.frame.function, b.frame.module)
    }
    self.init(
      time: set.time, pinned: set.snapshot.pinned, freePageBytes: set.snapshot.freePageBytes,
      occupiedPages: set.snapshot.occupiedPages, sites: sites)
    countsSteps = set.snapshot.countsSteps
  }

  /// For each site the stack that has the most live bytes, of several the one that was met first
  /// in the trace.
  static func heaviestStacks(
    of blocks: [LiveSet.Block], _ names: SiteNames
  ) -> [SiteIndex: StackID] {
    var liveOfStack: [StackID: Int64] = [:]
    for block in blocks { liveOfStack[block.stack, default: 0] &+= block.size.rawValue }
    var heaviest: [SiteIndex: StackID] = [:]
    for (stack, live) in liveOfStack {
      let site = names.site(of: stack)
      if let best = heaviest[site], let most = liveOfStack[best] {
        let isHeavier = (live, best.rawValue) > (most, stack.rawValue)
        if !isHeavier { continue }
      }
      heaviest[site] = stack
    }
    return heaviest
  }
}
