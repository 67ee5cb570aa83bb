// Counts of what a trace says about blocks of certain sizes, to be held against a program's own.

import Foundation
import MemoryUnits
import Trace

/// Whether the environment asks for the long form of the tests: `LACUNA_LONG_TESTS=1`.
let wantsLongTests = ProcessInfo.processInfo.environment["LACUNA_LONG_TESTS"] != nil

/// Requests about blocks whose size lies in a range.
struct Tally: Equatable {
  /// Blocks of such a size that were allocated anew.
  var allocations = 0
  /// Blocks that became such a size.
  var reallocations = 0
  /// Blocks that had such a size when they were freed.
  var frees = 0

  init(allocations: Int, reallocations: Int, frees: Int) {
    self.allocations = allocations
    self.reallocations = reallocations
    self.frees = frees
  }

  /// Counts the requests of a trace, of all its threads or of those that `counts` names.
  init(
    of file: TraceFile, sizes: ClosedRange<Int64> = 0...Int64.max,
    counts: (ThreadIndex) -> Bool = { _ in true }
  ) throws {
    var sizeOf: [UInt32: Int64] = [:]
    try file.read(addresses: false) { batch in
      for request in batch {
        let slot = request.slot.rawValue
        let size = request.size.rawValue
        let matches = counts(request.thread)
        switch request.operation {
        case .allocate:
          sizeOf[slot] = size
          if matches, sizes.contains(size) { allocations += 1 }
        case .reallocate, .reallocateEnd:
          sizeOf[slot] = size
          if matches, sizes.contains(size) { reallocations += 1 }
        case .free:
          if let old = sizeOf.removeValue(forKey: slot), matches, sizes.contains(old) { frees += 1 }
        case .reallocateBegin, .abandon: sizeOf[slot] = nil
        default: break
        }
      }
    }
  }
}
