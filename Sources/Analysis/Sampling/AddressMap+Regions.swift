// Looking at a part of the map closely: which bytes are free there, which live.

import MemoryUnits
import Replay
import Trace

/// What a byte of the address space is.
enum ByteUse: Equatable {
  case notHeld
  case free
  case live
}

extension AddressMap {
  /// A maximal run of bytes of one use, within the part that is looked at.
  struct Run: Equatable {
    var use: ByteUse
    var range: Range<UInt64>
  }

  /// What the byte at this address is.
  func use(at address: UInt64) -> ByteUse {
    guard address < Self.limit else { return .notHeld }
    let granule = address >> 3
    if isFree(granule) == 1 { return .free }
    let page = state(ofPage: address >> 12)
    guard page.isPartlyHeld else { return page.held > 0 ? .live : .notHeld }
    guard let leaf = directory.base[Int(granule >> 19)].leaf,
      let held = leaf.heldBits(Int(granule >> 9) & 1023)
    else { return .live }
    return held[Int(granule >> 6) & 7] >> (granule & 63) & 1 == 1 ? .live : .notHeld
  }

  /// The counts of a page below the limit.
  func state(ofPage page: UInt64) -> PageState {
    let entry = directory.base[Int(page >> 10)]
    return entry.leaf?.pages[Int(page & 1023)] ?? entry.uniformState
  }

  /// Calls `body` with the runs in a range of whole pages, in order, until it returns false.
  func forEachRun(in range: Range<UInt64>, _ body: (Run) -> Bool) {
    var open: Run?
    var address = range.lowerBound
    while address < range.upperBound {
      let page = address < Self.limit ? state(ofPage: address >> 12) : .notHeld
      let isWhole = page.free == 4096 || page.live == 4096 || page.held == 0
      let step: UInt64 = isWhole ? 4096 : 8
      let use = use(at: address)
      if let run = open, run.use == use {
        open?.range = run.range.lowerBound..<address + step
      } else {
        if let run = open, !body(run) { return }
        open = Run(use: use, range: address..<address + step)
      }
      address += step
    }
    if let open { _ = body(open) }
  }

  /// The bases of all sampled regions in which anything was ever held, in order.
  ///
  /// - Complexity: O(address space held / size of a region).
  func sampledRegions(_ sampling: RegionSampling) -> [UInt64] {
    var result: [UInt64] = []
    var next: UInt64 = 0
    for index in seen.sorted() where directory.base[Int(index)] != .notHeld {
      let start = UInt64(index) << 22
      var base = max(next, sampling.base(of: start))
      while base < start + 1 << 22 + sampling.grid {
        if sampling.samples(base: base) { result.append(base) }
        base += UInt64(sampling.size)
      }
      next = base
    }
    return result
  }
}
