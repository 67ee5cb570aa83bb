// The least that any heap can do with, over time.

import Allocators
public import MemoryUnits
import Replay
import Trace

/// What no heap can do with less of, wherever it places blocks: the live bytes, each block rounded up
/// to 16 bytes, all together rounded up to pages.
public struct LowerBound: Sendable, Equatable {
  /// The most at a time.
  public var peakResident: ByteCount
  /// Time-weighted mean; times the length of the trace these are byte-seconds.
  public var meanResident: ByteCount
}

/// Sums up what lives, and nothing else.
struct LoadMeter: Observer {
  private var live: Int64 = 0
  private var pages = ResidentMeter()
  private var now: UInt64 = 0
  private var steps: UInt64 = 0
  private let usesTimes: Bool

  init(usesTimes: Bool) { self.usesTimes = usesTimes }

  /// From here on everything counts.
  mutating func rangeBegins(at moment: UInt64, stepsBefore: UInt64) {
    now = moment
    steps = stepsBefore
    pages.restart(at: moment)
  }

  /// The bound of everything from the beginning to a moment.
  func bound(until end: UInt64) -> LowerBound {
    LowerBound(
      peakResident: ByteCount(pages.peakPages * 4096),
      meanResident: ByteCount(Int64((pages.meanPages(until: end) * 4096).rounded())))
  }

  mutating func stepBegins(at time: Timestamp) {
    now = usesTimes ? time.nanoseconds : steps
    steps &+= 1
  }
  mutating func heldChanged(_ change: HeldChange) {}
  mutating func blockBegins(_ block: LiveBlock) { live &+= Self.rounded(block.size) }
  mutating func blockEnds(_ block: LiveBlock) { live &-= Self.rounded(block.size) }
  mutating func stepEnds(isEvent: Bool) { pages.note((live &+ 4095) >> 12, at: now) }

  private static func rounded(_ size: ByteCount) -> Int64 { (max(size.rawValue, 1) + 15) & ~15 }
}
