// What a heap holds against what the program asked for.

import MemoryUnits

/// Live, granted and held bytes, their peaks, and the figures of Johnstone & Wilson.
struct FootprintMeter {
  /// Bytes that live blocks asked for.
  private(set) var live: Int64 = 0
  private(set) var liveBlocks = 0
  /// The same with headers and rounding.
  private(set) var granted: Int64 = 0
  private(set) var held: Int64 = 0

  private(set) var peakLive: Int64 = 0
  private var heldAtPeakLive: Int64 = 0
  private(set) var peakHeld: Int64 = 0
  private var liveAtPeakHeld: Int64 = 0
  private var peakHeldIsNew = false

  /// The sum of held / live over the events after which something lived, and their number.
  private var ratioSum = 0.0
  private var ratioCount = 0

  @inline(__always)
  mutating func blockBegins(size: ByteCount, granted bytes: ByteCount) {
    live &+= size.rawValue
    granted &+= bytes.rawValue
    liveBlocks &+= 1
  }

  @inline(__always)
  mutating func blockEnds(size: ByteCount, granted bytes: ByteCount) {
    live &-= size.rawValue
    granted &-= bytes.rawValue
    liveBlocks &-= 1
  }

  /// Forgets what was before: a range begins.
  mutating func restart() {
    peakLive = live
    heldAtPeakLive = held
    peakHeld = held
    liveAtPeakHeld = live
    peakHeldIsNew = false
    ratioSum = 0
    ratioCount = 0
  }

  mutating func heldChanges(by bytes: Int64) {
    held &+= bytes
    if held > peakHeld {
      peakHeld = held
      peakHeldIsNew = true
    }
  }

  /// A step is done: what is true now counts.
  ///
  /// A peak of held bytes in the middle of a step counts with what lives after the step.
  @inline(__always)
  mutating func stepEnds(isEvent: Bool) {
    if isEvent && live > 0 {
      ratioSum += Double(held) / Double(live)
      ratioCount &+= 1
    }
    if live > peakLive {
      peakLive = live
      heldAtPeakLive = held
    }
    if peakHeldIsNew {
      liveAtPeakHeld = live
      peakHeldIsNew = false
    }
  }

  /// The four figures; see ``FragmentationFigures``.
  var fragmentation: FragmentationFigures {
    func excess(_ held: Int64, over live: Int64) -> Double? {
      live > 0 ? Double(held) / Double(live) - 1 : nil
    }
    return FragmentationFigures(
      jw1: ratioCount > 0 ? ratioSum / Double(ratioCount) - 1 : nil,
      jw2: excess(heldAtPeakLive, over: peakLive),
      jw3: excess(peakHeld, over: liveAtPeakHeld),
      jw4: excess(peakHeld, over: peakLive))
  }
}
