// Everything that is measured while a heap answers, in one flat observer.

import Allocators
import MemoryUnits
import Replay
import Trace

/// Watches one heap: its bytes, its pages, its footprint.
///
/// A page counts as resident, whole, from the moment when a block first covers any part of it
/// until nothing of it is held any more.
struct HeapObserver: Observer, ~Copyable {
  var map = AddressMap()
  private(set) var footprint = FootprintMeter()
  private(set) var resident = ResidentMeter()
  /// The moment of the present step: nanoseconds, or, where times are unknown, the number of
  /// steps before it.
  private(set) var now: UInt64 = 0
  private var steps: UInt64 = 0
  private let usesTimes: Bool
  /// Whether what is held counts as touched although nobody saw who touched it.
  private var takesHeldForTouched = false

  init(usesTimes: Bool) { self.usesTimes = usesTimes }

  @inline(__always)
  mutating func stepBegins(at time: Timestamp) {
    now = usesTimes ? time.nanoseconds : steps
    steps &+= 1
  }

  /// What leads to the beginning of a range follows, up to ``rangeBegins(at:stepsBefore:)``.
  ///
  /// Of a real heap the pages are taken for touched that it holds then: there was time enough.
  mutating func rangeOpens(isRealHeap: Bool) { takesHeldForTouched = isRealHeap }

  /// From here on everything counts.
  mutating func rangeBegins(at moment: UInt64, stepsBefore: UInt64) {
    takesHeldForTouched = false
    now = moment
    steps = stepsBefore
    footprint.restart()
    resident.restart(at: moment)
  }

  mutating func heldChanged(_ change: HeldChange) {
    if change.isGrowth {
      map.hold(change.range)
      if takesHeldForTouched {
        map.begin(change.range.lowerBound, change.range.upperBound)
        map.end(change.range.lowerBound, change.range.upperBound)
        resident.note(map.touchedPages, at: now)
      }
      footprint.heldChanges(by: change.range.byteCount.rawValue)
    } else {
      map.release(change.range)
      footprint.heldChanges(by: -change.range.byteCount.rawValue)
      resident.note(map.touchedPages, at: now)
    }
  }

  @inline(__always)
  mutating func blockBegins(_ block: LiveBlock) {
    map.begin(block.placement.address, block.placement.end)
    footprint.blockBegins(size: block.size, granted: block.placement.granted)
    resident.note(map.touchedPages, at: now)
  }

  @inline(__always)
  mutating func blockEnds(_ block: LiveBlock) {
    map.end(block.placement.address, block.placement.end)
    footprint.blockEnds(size: block.size, granted: block.placement.granted)
  }

  @inline(__always)
  mutating func stepEnds(isEvent: Bool) { footprint.stepEnds(isEvent: isEvent) }

  /// The heap as it is now, looked at closely.
  mutating func snapshot(at time: Timestamp) -> HeapSnapshot {
    let census = map.census()
    var result = HeapSnapshot()
    result.time = time
    result.countsSteps = !usesTimes
    result.live = ByteCount(footprint.live)
    result.liveBlocks = footprint.liveBlocks
    result.granted = ByteCount(footprint.granted)
    result.held = ByteCount(footprint.held)
    result.resident = ByteCount(resident.pages * 4096)
    result.holes = census.holes
    result.holeBytes = ByteCount(census.holeBytes)
    result.largestHole = ByteCount(census.largestHole)
    result.wilderness = ByteCount(census.wildernessBytes)
    result.occupiedPages = census.occupiedPages
    result.pinned = ByteCount(census.pinnedBytes)
    result.freePageBytes = ByteCount(census.freePageBytes)
    result.holeHistogram = census.holeHistogram
    result.pageOccupancy = census.pageOccupancy
    return result
  }

  /// The heap as it is now, in the sums that are always at hand.
  mutating func point(at time: Timestamp) -> TimelinePoint {
    let wilderness = map.wilderness()
    return TimelinePoint(
      time: time, live: ByteCount(footprint.live), granted: ByteCount(footprint.granted),
      held: ByteCount(footprint.held), resident: ByteCount(resident.pages * 4096),
      holeBytes: ByteCount(map.freeBytes - wilderness.bytes),
      holes: Int(map.freeRuns - wilderness.count))
  }
}
