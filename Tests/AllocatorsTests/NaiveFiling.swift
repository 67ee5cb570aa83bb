// Holes in lists by size, as one row with the newest first.

import Allocators
import MemoryUnits

/// All holes, newest first, and a rule that says on which list each would be.
struct NaiveFiling {
  let rule: FilingRule
  var row: [Range<Int>] = []

  /// Brings the row up to date; returns how many holes were put on a list or taken off.
  mutating func update(_ holes: [Range<Int>]) -> Int {
    let old = row
    row.removeAll { !holes.contains($0) }
    let fresh = holes.filter { !row.contains($0) }
    for hole in fresh { row.insert(hole, at: 0) }
    return old.count - (row.count - fresh.count) + fresh.count
  }

  func choose(
    _ size: Int, _ alignment: Int, _ parameters: FitParameters, fits: (Range<Int>) -> Bool
  ) -> (hole: Range<Int>?, inspected: Int) {
    switch rule {
    case .segregated(let scheme):
      func list(_ length: Int) -> Int { scheme.sizes.lastIndex { $0 <= length } ?? 0 }
      var inspected = 0
      for number in list(size)..<max(scheme.sizes.count, list(size) + 1) {
        for hole in row where list(hole.count) == number {
          inspected += 1
          if fits(hole) { return (hole, inspected) }
        }
      }
      return (nil, inspected)
    case .twoLevel(let sl): return firstSufficient(size, alignment, parameters, sl)
    case .halfFit: return firstSufficient(size, alignment, parameters, 0)
    }
  }

  /// The newest hole on the first list of which even the smallest possible hole would do.
  func firstSufficient(
    _ size: Int, _ alignment: Int, _ parameters: FitParameters, _ sl: Int
  ) -> (hole: Range<Int>?, inspected: Int) {
    let unit = parameters.align.int
    let gap = (max(parameters.min.int, 1) + unit - 1) / unit * unit
    let wanted = alignment > 1 ? size + alignment + gap : size
    // The smallest size of a list is 2^power + part 2^power / 2^sl; all times 2^sl.
    for power in 0..<50 {
      for part in 0..<(1 << sl) {
        let least = ((1 << sl) + part) << power
        guard least >= wanted << sl else { continue }
        let next = ((1 << sl) + part + 1) << power
        let here = row.first { $0.count << sl >= least && $0.count << sl < next }
        if let here { return (here, 1) }
      }
    }
    return (nil, 0)
  }
}
