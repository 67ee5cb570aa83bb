// All free runs of an address map, one by one.

import MemoryUnits
import Replay

extension AddressMap {
  /// A maximal run of held bytes that no block covers.
  struct FreeRun: Equatable {
    var range: Range<UInt64>
    /// Whether nothing is held behind it: it is wilderness, and no hole.
    var isTop: Bool
  }

  /// All free runs, in the order of their addresses.
  ///
  /// - Complexity: O(pages held + runs).
  func allFreeRuns() -> [FreeRun] {
    var runs: [FreeRun] = []
    var open: Range<UInt64>?
    func close(isTop: Bool) {
      if let range = open { runs.append(FreeRun(range: range, isTop: isTop)) }
      open = nil
    }
    func meet(_ use: ByteUse, _ range: Range<UInt64>) {
      switch use {
      case .free: open = (open?.lowerBound ?? range.lowerBound)..<range.upperBound
      case .live: close(isTop: false)
      case .notHeld: close(isTop: true)
      }
    }
    var position: UInt64 = 0
    for index in seen.sorted() {
      let part = UInt64(index) << 22..<(UInt64(index) + 1) << 22
      if part.lowerBound != position { close(isTop: true) }
      position = part.upperBound
      let entry = directory.base[Int(index)]
      if entry.leaf == nil {
        let state = entry.uniformState
        meet(state.free > 0 ? .free : state.live > 0 ? .live : .notHeld, part)
      } else {
        forEachRun(in: part) { run in
          meet(run.use, run.range)
          return true
        }
      }
    }
    close(isTop: true)
    return runs
  }
}
