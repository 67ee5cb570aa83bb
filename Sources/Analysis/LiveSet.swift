// The blocks that live at one moment, with what is free around them.

import MemoryUnits
import Trace

/// The live blocks of a heap at one moment.
struct LiveSet: Sendable {
  /// One block.
  ///
  /// The pages between its first and its last it fills alone, so nothing is free there.
  struct Block: Sendable, Equatable {
    var address: Address
    var granted: ByteCount
    var size: ByteCount
    var stack: StackID
    var freeOnFirstPage: UInt16
    var freeOnLastPage: UInt16

    var firstPage: UInt64 { address.rawValue / 4096 }
    var lastPage: UInt64 { ((address + granted).rawValue - 1) / 4096 }
  }

  var time: Timestamp
  var snapshot: HeapSnapshot
  /// The blocks that cover bytes, in the order of their addresses.
  var blocks: [Block]

  /// Where nothing was recorded.
  static let empty = LiveSet(time: .zero, snapshot: HeapSnapshot(), blocks: [])
}
