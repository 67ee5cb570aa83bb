// The timeline with the moment that matters most in it.

import Analysis

extension HeapMeasures {
  /// The timeline and, in its place among the evenly spaced points, the peak, which lies between
  /// two of them and would be missed by both.
  var course: [TimelinePoint] {
    guard !timeline.isEmpty, atPeak.liveBlocks > 0 else { return timeline }
    let peak = TimelinePoint(
      time: atPeak.time, live: atPeak.live, granted: atPeak.granted, held: atPeak.held,
      resident: atPeak.resident, holeBytes: atPeak.holeBytes, holes: atPeak.holes)
    let place = timeline.firstIndex { $0.time >= peak.time } ?? timeline.endIndex
    var course = timeline
    course.insert(peak, at: place)
    return course
  }
}
