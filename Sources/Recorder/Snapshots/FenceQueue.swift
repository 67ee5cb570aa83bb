// Moments between the steps of a trace.

import Trace

/// Moments at which something happened beside the rings, until it is known which steps came before.
///
/// The merger stops at each moment on its way through the rings: exactly the steps with older stamps
/// have been written then.
struct FenceQueue {
  /// A moment, placed in the trace.
  struct Crossing {
    var time: Timestamp
    /// Steps written before it.
    var steps: UInt64
  }

  private var waiting: [UInt64] = []
  private var crossings: [Crossing] = []

  /// The oldest moment that was not passed yet.
  var next: UInt64? { waiting.first }

  /// Adds a moment, not older than those before it.
  mutating func add(_ ticks: UInt64) {
    waiting.append(max(ticks, waiting.last ?? 0))
  }

  /// Says that the oldest moment has been reached.
  mutating func cross(at time: Timestamp, after steps: UInt64) {
    waiting.removeFirst()
    crossings.append(Crossing(time: time, steps: steps))
  }

  /// The oldest two crossings, once both are known.
  mutating func takePair() -> (Crossing, Crossing)? {
    guard crossings.count >= 2 else { return nil }
    defer { crossings.removeFirst(2) }
    return (crossings[0], crossings[1])
  }
}
