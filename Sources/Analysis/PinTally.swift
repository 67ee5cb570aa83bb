// Who keeps pages from being returned: the free bytes of pages, shared among those who live there.

import MemoryUnits
import Trace

/// A call site, numbered for one tally.
typealias SiteIndex = Int

/// What each site keeps, at one moment.
///
/// A page with blocks and holes on it cannot go back to the system while any site has a block
/// there. As a game in which a coalition of sites frees the page only when it has all of them, its
/// free bytes are worth the same to each, so the Shapley value shares them equally among the
/// distinct sites on the page. The shares of a site add up over pages, and those of all sites sum
/// to the pinned bytes.
struct PinTally {
  /// What one site keeps.
  struct Share: Equatable {
    var pinned = 0.0
    var sole: Int64 = 0
    var live: Int64 = 0
    var blocks = 0
    var pages = 0
  }

  private(set) var shares: [Share]
  /// The number of the page that a site was last seen on, plus one.
  private var lastPage: [UInt64]
  private var page: UInt64 = 0
  private var freeOnPage: Int64 = 0
  private var sitesOnPage: [SiteIndex] = []

  /// - Parameters:
  ///   - blocks: in the order of their addresses.
  ///   - siteCount: all sites are below it.
  ///   - siteOf: the site of a stack; the same for all stacks that count as one.
  /// - Complexity: O(blocks).
  init(_ blocks: [LiveSet.Block], siteCount: Int, siteOf: (StackID) -> SiteIndex) {
    shares = Array(repeating: Share(), count: siteCount)
    lastPage = Array(repeating: 0, count: siteCount)
    for block in blocks { add(block, site: siteOf(block.stack)) }
    closePage()
  }

  private mutating func add(_ block: LiveSet.Block, site: SiteIndex) {
    shares[site].live += block.size.rawValue
    shares[site].blocks += 1
    let first = block.firstPage
    let last = block.lastPage
    add(site, page: first, free: block.freeOnFirstPage)
    guard last > first else { return }
    shares[site].pages += Int(last - first) - 1
    add(site, page: last, free: block.freeOnLastPage)
  }

  private mutating func add(_ site: SiteIndex, page newPage: UInt64, free: UInt16) {
    if newPage != page {
      closePage()
      page = newPage
      freeOnPage = Int64(free)
    }
    if lastPage[site] != page + 1 {
      lastPage[site] = page + 1
      shares[site].pages += 1
      sitesOnPage.append(site)
    }
  }

  private mutating func closePage() {
    for site in sitesOnPage {
      shares[site].pinned += Double(freeOnPage) / Double(sitesOnPage.count)
    }
    if let only = sitesOnPage.first, sitesOnPage.count == 1 { shares[only].sole += freeOnPage }
    sitesOnPage.removeAll(keepingCapacity: true)
  }
}
