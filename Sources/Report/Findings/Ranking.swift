// Heaps side by side: who needs least, and how far that is from what really happened.

import Analysis
import MemoryUnits

/// One heap of a comparison.
struct RankedHeap {
  var rank: Int
  var measures: HeapMeasures
  /// Peak resident bytes against the recorded heap's; nil where that is unknown, or for itself.
  var difference: ByteCount?
  var relative: Double?
  /// Most held bytes against the least that any heap can need.
  var overBound: Double?

  var isRecorded: Bool { measures.allocator == recordedAllocator }
}

/// The specification of the heap that really was.
let recordedAllocator = "recorded"
/// The beginning of the specification of the heap that knows all lifetimes beforehand.
let optimumAllocator = "offline-optimum"

/// A comparison, the smallest peak of resident memory first.
struct Ranking {
  var heaps: [RankedHeap]
  var recorded: HeapMeasures?
  /// The heap that knows all lifetimes, where it was measured.
  var optimum: HeapMeasures?
  /// The most requested bytes that lived at a time: the lower bound of what a heap holds.
  var peakLive: ByteCount

  /// Ranks by peak resident bytes, then by their mean, then by name; equal figures share a rank.
  init(_ measures: [HeapMeasures]) {
    let recorded = measures.first { $0.allocator == recordedAllocator }
    self.recorded = recorded
    optimum = measures.first { $0.allocator.hasPrefix(optimumAllocator) }
    peakLive = measures.map(\.peakLive).max() ?? .zero
    let bound = peakLive
    let sorted = measures.sorted {
      ($0.peakResident, $0.meanResident, $0.allocator)
        < ($1.peakResident, $1.meanResident, $1.allocator)
    }
    var ranked: [RankedHeap] = []
    for (index, heap) in sorted.enumerated() {
      let difference = recorded.map { heap.peakResident - $0.peakResident }
      let isRecorded = heap.allocator == recordedAllocator
      let previous = ranked.last.map { ($0.measures.peakResident, $0.measures.meanResident) }
      let isTie = previous.map { $0 == (heap.peakResident, heap.meanResident) } ?? false
      ranked.append(
        RankedHeap(
          rank: isTie ? ranked[index - 1].rank : index + 1, measures: heap,
          difference: isRecorded ? nil : difference,
          relative: isRecorded
            ? nil : difference.flatMap { fraction($0, of: recorded?.peakResident ?? .zero) },
          overBound: fraction(heap.peakHeld - bound, of: bound)))
    }
    heaps = ranked
  }

  var bestSimulated: RankedHeap? { heaps.first { !$0.isRecorded } }
  var simulatedCount: Int { heaps.count { !$0.isRecorded } }
}
