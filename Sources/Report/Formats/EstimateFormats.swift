// How estimates are written: the figure, and the range that the truth is likely to be in.

import Analysis
import MemoryUnits

extension Formats {
  /// What stands where too few regions say anything about a range.
  static let noRange = "unknown"

  /// The estimate itself, in bytes.
  static func bytes(_ estimate: Estimate) -> String {
    "\(ByteCount(clamping: max(0, estimate.value)))"
  }

  /// The estimate itself, as a count.
  static func count(_ estimate: Estimate) -> String { count(clamping: max(0, estimate.value)) }

  /// `4.10 MiB – 5.32 MiB`, `exact` for what is known, or that the range is not known.
  static func byteRange(_ estimate: Estimate) -> String {
    range(estimate) { "\(ByteCount(clamping: $0))" }
  }

  /// `1,204 – 1,530`, `exact` for what is known, or that the range is not known.
  static func countRange(_ estimate: Estimate) -> String {
    range(estimate) { count(clamping: $0) }
  }

  /// `4.70 MiB (4.10 MiB – 5.32 MiB)`.
  static func bytesWithRange(_ estimate: Estimate) -> String {
    "\(bytes(estimate)) (\(byteRange(estimate)))"
  }

  /// `1,370 (1,204 – 1,530)`.
  static func countWithRange(_ estimate: Estimate) -> String {
    "\(count(estimate)) (\(countRange(estimate)))"
  }

  private static func range(_ estimate: Estimate, _ text: (Double) -> String) -> String {
    guard let interval = estimate.interval else { return noRange }
    let lower = text(max(0, interval.lowerBound))
    let upper = text(max(0, interval.upperBound))
    return interval.lowerBound == interval.upperBound ? "exact" : "\(lower) – \(upper)"
  }
}
