// Shares rounded to whole bytes that still sum to the whole.

/// Rounding by largest remainder (Hamilton's method).
enum LargestRemainder {
  /// The shares as whole numbers that sum to `total`.
  ///
  /// Each share is rounded down; what is then missing from the total goes, one each, to the shares
  /// with the largest fractions, the first of equals first. Where the shares themselves miss the
  /// total by more than the error of their arithmetic (some are not listed, say), the sum is their
  /// own, rounded. Negative and non-finite shares count as zero.
  ///
  /// - Complexity: O(n log n).
  static func round(_ shares: [Double], total: Int64) -> [Int64] {
    let shares = shares.map { $0.isFinite && $0 > 0 ? min($0, 0x1p62) : 0 }
    let sum = shares.reduce(0, +)
    guard sum < 0x1p62 else { return shares.map { Int64($0) } }
    var result = shares.map { Int64($0) }
    let isWhole = (sum - Double(total)).magnitude <= 0.5 + sum * 1e-9
    let target = isWhole ? total : Int64(sum.rounded())
    let missing = Int(target - result.reduce(0, +))
    guard missing != 0, !shares.isEmpty else { return result }
    let byFraction = shares.indices.sorted { a, b in
      let (x, y) = (shares[a] - shares[a].rounded(.down), shares[b] - shares[b].rounded(.down))
      return x != y ? x > y : a < b
    }
    if missing > 0 {
      let (each, rest) = missing.quotientAndRemainder(dividingBy: byFraction.count)
      for (position, index) in byFraction.enumerated() {
        result[index] += Int64(each + (position < rest ? 1 : 0))
      }
    } else {
      // Only the error of a long sum can overshoot, by a few bytes: they come off the largest.
      var excess = Int64(-missing)
      for index in shares.indices.sorted(by: { shares[$0] > shares[$1] }) where excess > 0 {
        let taken = min(excess, result[index])
        result[index] -= taken
        excess -= taken
      }
    }
    return result
  }
}
