// The one place that turns steps into totals, for the writer and for the reader alike.

import MemoryUnits

/// Keeps the totals of a trace, step by step.
///
/// Whoever drives it knows the sizes of the blocks that end. A reallocation in two halves counts
/// when the second half comes; one whose first half never came (its old address was unknown) counts
/// as an unknown address too. Which halves belong together does not matter for the totals.
struct SummaryBuilder {
  private(set) var summary = TraceSummary()
  private(set) var openReallocations: UInt64 = 0
  /// Whether blocks of which nothing is known may live from before recording began.
  private(set) var hasEarlierBlocks = false
  private(set) var hasImage = false

  init() {}

  /// Goes on from a moment at which so much lives; the peak so far is that.
  init(
    liveBytes: Int64, liveBlocks: UInt64, nanoseconds: UInt64, openReallocations: UInt64,
    hasEarlierBlocks: Bool, hasImage: Bool
  ) {
    summary.liveBytesAtEnd = liveBytes
    summary.liveBlocksAtEnd = liveBlocks
    summary.peakLiveBytes = liveBytes
    summary.peakLiveBlocks = liveBlocks
    summary.peakNanoseconds = nanoseconds
    summary.durationNanoseconds = nanoseconds
    self.openReallocations = openReallocations
    self.hasEarlierBlocks = hasEarlierBlocks
    self.hasImage = hasImage
  }

  /// Says that blocks from before recording began may live, until another program image begins.
  mutating func startInMidst() { hasEarlierBlocks = true }

  @inline(never)
  private mutating func noteUnknown() {
    if hasEarlierBlocks {
      summary.freesOfEarlierBlocks &+= 1
    } else {
      summary.freesOfUnknownAddress &+= 1
    }
  }

  @inline(__always)
  mutating func allocate(_ size: Int64, _ nanoseconds: UInt64) {
    summary.allocations &+= 1
    step(nanoseconds)
    begin(size)
    notePeak()
  }

  @inline(__always)
  mutating func free(_ size: Int64, _ nanoseconds: UInt64) {
    summary.frees &+= 1
    step(nanoseconds)
    end(size)
  }

  @inline(__always)
  mutating func freeUnknown(_ nanoseconds: UInt64) {
    summary.frees &+= 1
    noteUnknown()
    step(nanoseconds)
  }

  @inline(__always)
  mutating func reallocate(from old: Int64, to new: Int64, _ nanoseconds: UInt64) {
    summary.reallocations &+= 1
    step(nanoseconds)
    end(old)
    begin(new)
    notePeak()
  }

  mutating func reallocateBegin(_ size: Int64, _ nanoseconds: UInt64) {
    openReallocations &+= 1
    step(nanoseconds)
    end(size)
  }

  mutating func reallocateEnd(_ size: Int64, _ nanoseconds: UInt64) {
    if openReallocations > 0 {
      openReallocations &-= 1
    } else {
      noteUnknown()
    }
    summary.reallocations &+= 1
    step(nanoseconds)
    begin(size)
    notePeak()
  }

  mutating func abandon(_ size: Int64, _ nanoseconds: UInt64) {
    step(nanoseconds)
    end(size)
  }

  mutating func moveBreak(_ nanoseconds: UInt64) { step(nanoseconds) }

  mutating func startBreak(_ nanoseconds: UInt64) {
    if hasImage { hasEarlierBlocks = false }
    hasImage = true
    step(nanoseconds)
  }

  /// A step that is about no block.
  mutating func sideStep(_ nanoseconds: UInt64) { step(nanoseconds) }

  /// Allocations that returned an address on which a block lived.
  mutating func noteLiveAddresses(_ count: UInt64) { summary.allocationsOfLiveAddress &+= count }

  mutating func setLostEvents(_ count: UInt64) { summary.lostEvents = count }

  mutating func setTruncatedStacks(_ count: UInt64) { summary.truncatedStacks = count }

  @inline(__always)
  private mutating func step(_ nanoseconds: UInt64) {
    summary.steps &+= 1
    summary.durationNanoseconds = nanoseconds
  }

  @inline(__always)
  private mutating func begin(_ size: Int64) {
    summary.liveBytesAtEnd &+= size
    summary.liveBlocksAtEnd &+= 1
  }

  @inline(__always)
  private mutating func end(_ size: Int64) {
    summary.liveBytesAtEnd &-= size
    summary.liveBlocksAtEnd &-= 1
  }

  @inline(__always)
  private mutating func notePeak() {
    if summary.liveBlocksAtEnd > summary.peakLiveBlocks {
      summary.peakLiveBlocks = summary.liveBlocksAtEnd
    }
    if summary.liveBytesAtEnd > summary.peakLiveBytes {
      summary.peakLiveBytes = summary.liveBytesAtEnd
      summary.peakStep = summary.steps
      summary.peakNanoseconds = summary.durationNanoseconds
    }
  }
}
