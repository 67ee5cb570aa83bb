// How figures are written: decimals, counts, shares, durations, dates. No locale, no surprises.

import MemoryUnits
import Trace

/// Figures as text, the same in every report.
enum Formats {
  /// A number with a fixed count of decimals (0 to 6); `–` for what is no finite number.
  static func decimal(_ value: Double, places: Int) -> String {
    guard value.isFinite else { return "–" }
    let places = min(max(places, 0), 6)
    var scale = 1.0
    for _ in 0..<places { scale *= 10 }
    let scaled = (value.magnitude * scale).rounded()
    guard scaled < 9e18 else { return "\(value)" }
    let digits = UInt64(scaled)
    let sign = value < 0 && digits > 0 ? "-" : ""
    guard places > 0 else { return sign + String(digits) }
    let divisor = UInt64(scale)
    let fraction = String(digits % divisor)
    let padding = String(repeating: "0", count: places - fraction.count)
    return "\(sign)\(digits / divisor).\(padding)\(fraction)"
  }

  /// A number without needless zeros: `0.5`, `20`, `1.25`.
  static func shortest(_ value: Double) -> String {
    var text = decimal(value, places: 3)
    guard text.contains(".") else { return text }
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return text
  }

  /// A whole number in groups of three digits: `1,234,567`.
  static func count(_ value: some BinaryInteger) -> String {
    let digits = String(value.magnitude)
    var result = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { result.append(",") }
      result.append(digit)
    }
    return (value < 0 ? "-" : "") + result
  }

  /// A number rounded to a whole one, in groups of three digits.
  static func count(clamping value: Double) -> String {
    guard value.isFinite else { return "–" }
    return count(Int64(max(min(value.rounded(), 0x1p62), -0x1p62)))
  }

  /// A part of a whole: `7.3 %`, `42 %`, `<0.1 %`; `–` where there is no whole.
  static func percent(_ fraction: Double?) -> String {
    guard let fraction, fraction.isFinite else { return "–" }
    let percent = fraction * 100
    if percent == 0 { return "0 %" }
    if percent.magnitude < 0.05 { return percent < 0 ? "-<0.1 %" : "<0.1 %" }
    return decimal(percent, places: percent.magnitude < 9.95 ? 1 : 0) + " %"
  }

  /// A difference: with its sign, `+7.3 %`, `-42 %`, `±0 %`.
  static func signedPercent(_ fraction: Double?) -> String {
    guard let fraction, fraction.isFinite else { return "–" }
    if fraction.magnitude < 0.0005 { return "±0 %" }
    return (fraction > 0 ? "+" : "") + percent(fraction)
  }

  /// A difference of bytes, with its sign.
  static func signedBytes(_ bytes: ByteCount) -> String {
    bytes > .zero ? "+\(bytes)" : bytes < .zero ? "\(bytes)" : "±0 B"
  }

  /// A span of time: `850 ns`, `12.5 ms`, `3.20 s`, `4 min 05 s`, `2 h 10 min`.
  static func duration(nanoseconds: UInt64) -> String {
    let value = Double(nanoseconds)
    switch value {
    case ..<1e3: return "\(nanoseconds) ns"
    case ..<999.5e3: return threeDigits(value / 1e3) + " µs"
    case ..<999.5e6: return threeDigits(value / 1e6) + " ms"
    case ..<99.95e9: return threeDigits(value / 1e9) + " s"
    default: break
    }
    let seconds = nanoseconds / 1_000_000_000
    if seconds < 3600 { return "\(seconds / 60) min \(twoDigits(seconds % 60)) s" }
    if seconds < 48 * 3600 { return "\(seconds / 3600) h \(twoDigits(seconds / 60 % 60)) min" }
    return "\(count(seconds / 86400)) d \(seconds / 3600 % 24) h"
  }

  static func time(_ time: Timestamp) -> String {
    time == .zero ? "0 s" : duration(nanoseconds: time.nanoseconds)
  }

  /// A moment of a trace: a time, or, where the trace has none, `step 1,234`.
  static func moment(_ time: Timestamp, countsSteps: Bool) -> String {
    countsSteps ? "step " + count(time.nanoseconds) : self.time(time)
  }

  /// How long a trace is, for a list of facts.
  static func length(_ summary: TraceSummary, _ metadata: TraceMetadata) -> String {
    metadata.knowsTimes ? duration(nanoseconds: summary.durationNanoseconds) : "not known"
  }

  /// A date and time of day in UTC; nil for what no calendar of this millennium holds.
  ///
  /// The calendar is Howard Hinnant's `civil_from_days` (public domain).
  static func date(secondsSince1970: Double) -> String? {
    guard secondsSince1970 > 0, secondsSince1970 < 32_503_680_000 else { return nil }
    let seconds = Int(secondsSince1970)
    let days = seconds / 86400 + 719_468
    let era = days / 146_097
    let dayOfEra = days - era * 146_097
    let yearOfEra =
      (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    let clock = [seconds / 3600 % 24, seconds / 60 % 60, seconds % 60].map(twoDigits)
    return "\(year)-\(twoDigits(month))-\(twoDigits(day)) \(clock.joined(separator: ":")) UTC"
  }

  /// The text with no line break possible between a number and its unit.
  static func unbroken(_ text: String) -> String {
    let units: Set<Substring> = [
      "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "%", "ns", "µs", "ms", "s", "min", "h", "d",
    ]
    var result = ""
    for (index, word) in text.split(separator: " ", omittingEmptySubsequences: false).enumerated() {
      let bare = word.prefix { $0.isLetter || $0 == "%" }
      let isUnit = units.contains(bare) && result.last?.isNumber == true
      if index > 0 { result.append(isUnit ? "\u{A0}" : " ") }
      result += word
    }
    return result
  }

  /// `one page`, `2 pages`, `1,024 pages`.
  static func counted(_ value: Int, _ noun: String, plural: String? = nil) -> String {
    value == 1 ? "one \(noun)" : "\(count(value)) \(plural ?? noun + "s")"
  }

  private static func threeDigits(_ value: Double) -> String {
    decimal(value, places: value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2)
  }

  private static func twoDigits(_ value: some BinaryInteger) -> String {
    value < 10 ? "0\(value)" : "\(value)"
  }
}

/// `part` of `whole` as a fraction over 1; nil where the whole is nothing.
func fraction(_ part: ByteCount, of whole: ByteCount) -> Double? {
  whole > .zero ? Double(part.rawValue) / Double(whole.rawValue) : nil
}
