// The common case of a change: a small block on a page that already has detail.

import Replay

extension AddressMap {
  /// Begins or ends a block that lies within one page, all of whose bytes are in the right state.
  ///
  /// False, with nothing changed, for anything else.
  @inline(__always)
  mutating func applyQuickly(_ change: ByteChange, _ granules: Range<UInt64>) -> Bool {
    let lower = granules.lowerBound
    let last = granules.upperBound &- 1
    let pageNumber = Int(truncatingIfNeeded: lower >> 9)
    guard lower <= last, lower >> 9 == last >> 9,
      let leaf = directory.base[pageNumber >> 10].leaf
    else { return false }
    let page = pageNumber & 1023
    let state = leaf.pages[page]
    guard state.rawValue & (PageState.uniformBit | PageState.partlyHeldBit) == 0 else {
      return false
    }
    if change == .end && state.held != 4096 { return false }

    let bits = leaf.freeBits(page)
    let first = Int(truncatingIfNeeded: lower >> 6) & 7
    let final = Int(truncatingIfNeeded: last >> 6) & 7
    let firstMask = UInt64.max &<< (lower & 63)
    let finalMask = UInt64.max &>> (63 &- last & 63)
    if first == final {
      let mask = firstMask & finalMask
      let old = bits[first]
      guard old & mask == (change == .begin ? mask : 0) else { return false }
      bits[first] = old ^ mask
    } else {
      let fill: UInt64 = change == .begin ? .max : 0
      var deviation = (bits[first] ^ fill) & firstMask | (bits[final] ^ fill) & finalMask
      var word = first &+ 1
      while word < final {
        deviation |= bits[word] ^ fill
        word &+= 1
      }
      guard deviation == 0 else { return false }
      bits[first] ^= firstMask
      bits[final] ^= finalMask
      word = first &+ 1
      while word < final {
        bits[word] = ~fill
        word &+= 1
      }
    }

    let left =
      lower & 511 == 0
      ? isFree(lower &- 1)
      : Int64(truncatingIfNeeded: bits[Int((lower &- 1) >> 6) & 7] >> ((lower &- 1) & 63) & 1)
    let next = last &+ 1
    let right =
      next & 511 == 0
      ? isFree(next)
      : Int64(truncatingIfNeeded: bits[Int(next >> 6) & 7] >> (next & 63) & 1)
    let bytes = UInt32(truncatingIfNeeded: (next &- lower) &* 8)
    let moved = bytes &* (PageState.liveUnit &- PageState.freeUnit)
    if change == .begin {
      freeRuns &+= left &+ right &- 1
      freeBytes &-= Int64(bytes)
      touchedPages &+= state.isTouched ? 0 : 1
      leaf.pages[page].rawValue = (state.rawValue &+ moved) | PageState.touchedBit
    } else {
      freeRuns &-= left &+ right &- 1
      freeBytes &+= Int64(bytes)
      leaf.pages[page].rawValue = state.rawValue &- moved
    }
    return true
  }
}
