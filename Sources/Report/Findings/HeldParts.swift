// What held memory is made of: the parts that close to the whole.

import Analysis
import MemoryUnits

/// The held bytes of one moment, divided.
struct HeldParts {
  var live: ByteCount
  /// Headers and rounding of live blocks.
  var overhead: ByteCount
  /// Free bytes on pages on which something lives.
  var pinned: ByteCount
  /// Whole pages on which nothing lives.
  var freePages: ByteCount
  /// What is held beyond these, negative where they exceed it.
  ///
  /// Zero when the measures close.
  var unexplained: ByteCount
  var held: ByteCount

  init(_ snapshot: HeapSnapshot) {
    live = snapshot.live
    overhead = snapshot.granted - snapshot.live
    pinned = snapshot.pinned
    freePages = snapshot.freePageBytes
    held = snapshot.held
    unexplained = held - snapshot.granted - pinned - freePages
  }

  /// Name and size of each part, in the order in which they are drawn.
  var named: [(name: String, kind: Kind, bytes: ByteCount)] {
    var parts: [(String, Kind, ByteCount)] = [
      ("live data", .live, live), ("headers and rounding", .overhead, overhead),
      ("pinned free bytes", .pinned, pinned), ("whole free pages", .freePages, freePages),
    ]
    if unexplained != .zero { parts.append(("unexplained", .unexplained, unexplained)) }
    return parts
  }

  enum Kind: String { case live, overhead, pinned, freePages, unexplained }
}
