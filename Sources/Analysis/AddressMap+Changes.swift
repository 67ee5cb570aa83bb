// Every case of a change: any range, pages and leaves in any state.

import Replay

extension AddressMap {
  private static var granulesPerLeaf: UInt64 { 1 << 19 }
  private static var granulesPerPage: UInt64 { 512 }

  /// Makes a change happen to those bytes of a range to which it can happen.
  ///
  /// - Complexity: O(1) for each leaf that the range covers whole and that is in one state, for
  ///   each page at its ends, and for each page of the other leaves.
  @inline(never)
  mutating func apply(_ change: ByteChange, _ granules: Range<UInt64>) {
    var lower = granules.lowerBound
    while lower < granules.upperBound {
      let index = lower / Self.granulesPerLeaf
      let upper = min(granules.upperBound, (index + 1) * Self.granulesPerLeaf)
      if upper - lower == Self.granulesPerLeaf {
        applyToWholeLeaf(change, Int(index))
      } else {
        applyToPart(change, Int(index), lower..<upper)
      }
      lower = upper
    }
  }

  private mutating func applyToWholeLeaf(_ change: ByteChange, _ index: Int) {
    let entry = directory.base[index]
    let granules =
      UInt64(index) * Self.granulesPerLeaf..<UInt64(index + 1) * Self.granulesPerLeaf
    if let leaf = entry.leaf {
      guard applyToPages(change, leaf, index, 0..<Leaf.pageCount) else { return }
      pool.giveBack(leaf)
    } else {
      let state = entry.uniformState
      guard change.applies(toAllOf: state) else {
        conflicts &+= 1
        return
      }
      account(change, granules)
      if change == .begin && !state.isTouched { touchedPages += Int64(Leaf.pageCount) }
      if change == .release && state.isTouched { touchedPages -= Int64(Leaf.pageCount) }
    }
    note(Entry(all: change.wholePage), at: index)
  }

  private mutating func applyToPart(
    _ change: ByteChange, _ index: Int, _ granules: Range<UInt64>
  ) {
    let leaf: Leaf
    if let known = directory.base[index].leaf {
      leaf = known
    } else {
      let state = directory.base[index].uniformState
      guard change.applies(toAllOf: state) else {
        conflicts &+= 1
        return
      }
      leaf = pool.take(filledWith: state)
      note(Entry(rawValue: UInt(bitPattern: leaf.base)), at: index)
    }
    var lower = granules.lowerBound
    while lower < granules.upperBound {
      let page = Int(lower / Self.granulesPerPage) & 1023
      let inPage = lower % Self.granulesPerPage
      let left = granules.upperBound - lower
      if inPage == 0 && left >= Self.granulesPerPage {
        let count = min(Int(left / Self.granulesPerPage), Leaf.pageCount - page)
        _ = applyToPages(change, leaf, index, page..<page + count)
        lower += UInt64(count) * Self.granulesPerPage
      } else {
        let count = min(left, Self.granulesPerPage - inPage)
        applyWithinPage(change, leaf, index, page, Int(inPage)..<Int(inPage + count))
        lower += count
      }
    }
  }

  /// Changes whole pages of one leaf.
  ///
  /// True when the change could happen to all their bytes.
  private mutating func applyToPages(
    _ change: ByteChange, _ leaf: Leaf, _ index: Int, _ pages: Range<Int>
  ) -> Bool {
    var applies = true
    for page in pages { applies = applies && change.applies(toAllOf: leaf.pages[page]) }
    guard applies else {
      for page in pages { applyWithinPage(change, leaf, index, page, 0..<512) }
      return false
    }
    let firstPage = UInt64(index) << 10
    account(
      change,
      (firstPage + UInt64(pages.lowerBound)) << 9..<(firstPage + UInt64(pages.upperBound)) << 9)
    var touched = 0
    for page in pages {
      touched &+= leaf.pages[page].isTouched ? 1 : 0
      leaf.pages[page] = change.wholePage
    }
    if change == .begin { touchedPages += Int64(pages.count - touched) }
    if change == .release { touchedPages -= Int64(touched) }
    return true
  }

  /// Notes in the sums that a range changes all of whose bytes are in the right state, before the
  /// map says so.
  private mutating func account(_ change: ByteChange, _ granules: Range<UInt64>) {
    let runs = 1 - isFree(granules.lowerBound &- 1) - isFree(granules.upperBound)
    let bytes = Int64(granules.upperBound - granules.lowerBound) * 8
    freeRuns &+= change.makesFree ? runs : -runs
    freeBytes &+= change.makesFree ? bytes : -bytes
  }

  private mutating func note(_ entry: Entry, at index: Int) {
    if directory.base[index] == .unseen {
      seen.append(UInt32(index))
      seenIsSorted = false
    }
    directory.base[index] = entry
  }

  /// Changes some of the granules of one page, whatever their states are.
  private mutating func applyWithinPage(
    _ change: ByteChange, _ leaf: Leaf, _ index: Int, _ page: Int, _ granules: Range<Int>
  ) {
    addDetail(change, leaf, page)
    let bits = leaf.freeBits(page)
    let heldBits = leaf.heldBits(page)
    let isHeld: UInt64 = leaf.pages[page].held == 0 ? 0 : .max
    let firstGranule = UInt64(index) << 19 | UInt64(page) << 9
    var changed: UInt32 = 0
    for word in granules.lowerBound >> 6...(granules.upperBound - 1) >> 6 {
      let lower = max(0, granules.lowerBound - word * 64)
      let upper = min(64, granules.upperBound - word * 64)
      let mask = (UInt64.max >> UInt64(64 - (upper - lower))) << UInt64(lower)
      let free = bits[word]
      let held = heldBits?[word] ?? isHeld
      let source: UInt64
      switch change {
      case .hold: source = mask & ~held
      case .release, .begin: source = mask & free
      case .end: source = mask & held & ~free
      }
      if source != mask { conflicts &+= 1 }
      bits[word] = free ^ source
      if change == .hold || change == .release { heldBits?[word] = held ^ source }
      changed &+= UInt32(source.nonzeroBitCount) * 8
      let firstOfWord = firstGranule + UInt64(word) * 64
      freeRuns &+= Self.runsStarted(
        from: free, to: free ^ source, before: isFree(firstOfWord &- 1),
        after: isFree(firstOfWord + 64))
    }
    noteChange(change, bytes: changed, leaf, page)
  }

  /// How many more runs of ones there are after a word of bits changed, given the bits before and
  /// after the word: a run starts where a one follows a zero.
  private static func runsStarted(
    from old: UInt64, to new: UInt64, before: Int64, after: Int64
  ) -> Int64 {
    let carry = UInt64(before)
    let oldStarts = (old & ~(old << 1 | carry)).nonzeroBitCount
    let newStarts = (new & ~(new << 1 | carry)).nonzeroBitCount
    return Int64(newStarts - oldStarts) + after * (Int64(old >> 63) - Int64(new >> 63))
  }

  /// Makes the bits of a page say what its state said, and those of its mask of held bytes where
  /// the change is about to make some of them differ.
  private mutating func addDetail(_ change: ByteChange, _ leaf: Leaf, _ page: Int) {
    let state = leaf.pages[page]
    if state.isUniform {
      leaf.freeBits(page).update(repeating: state.free == 0 ? 0 : .max, count: 8)
      leaf.pages[page].set(PageState.uniformBit, false)
    }
    guard change == .hold || change == .release, !state.isPartlyHeld else { return }
    pool.addHeldMasks(to: leaf)
    leaf.pages[page].set(PageState.partlyHeldBit, true)
    leaf.heldBits(page)?.update(repeating: state.held == 0 ? 0 : .max, count: 8)
  }

  /// Brings the state of a page and the sums up to date after its bits changed.
  private mutating func noteChange(
    _ change: ByteChange, bytes: UInt32, _ leaf: Leaf, _ page: Int
  ) {
    var state = leaf.pages[page]
    freeBytes &+= change.makesFree ? Int64(bytes) : -Int64(bytes)
    switch change {
    case .hold:
      state.rawValue &+= bytes &* PageState.freeUnit
    case .release:
      state.rawValue &-= bytes &* PageState.freeUnit
    case .begin:
      state.rawValue &+= bytes &* (PageState.liveUnit &- PageState.freeUnit)
    case .end:
      state.rawValue &-= bytes &* (PageState.liveUnit &- PageState.freeUnit)
    }
    if change == .begin && bytes > 0 && !state.isTouched {
      state.set(PageState.touchedBit, true)
      touchedPages += 1
    }
    if state.held == 0 && state.isTouched {
      state.set(PageState.touchedBit, false)
      touchedPages -= 1
    }
    if state.held == 0 || state.held == 4096 { state.set(PageState.partlyHeldBit, false) }
    leaf.pages[page] = state
  }
}
