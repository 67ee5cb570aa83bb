// One line that says how far a long task is.

import Glibc

/// A line on standard error that is drawn over and over, and gone at the end.
///
/// Nothing is written unless standard error is a terminal and the user wants to hear of progress.
public struct ProgressLine: ~Copyable {
  /// The line is drawn no oftener than once in so many nanoseconds.
  public static let shortestPause: UInt64 = 100_000_000

  private let title: String
  private let unit: String
  private let isShown: Bool
  private let columns: Int
  private let isUnicode: Bool
  private let now: @Sendable () -> UInt64
  private let write: @Sendable (String) -> Void
  private let startedAt: UInt64
  private var drawnAt: UInt64?

  /// - Parameters:
  ///   - title: what is being done, such as `Replaying`.
  ///   - unit: what is being counted, such as `events`.
  ///   - isQuiet: whether the user asked for silence.
  public init(_ title: String, unit: String, isQuiet: Bool) {
    let console = Console(.standardError)
    self.init(
      title, unit: unit, isQuiet: isQuiet, traits: console.traits, now: Self.monotonicNanoseconds
    ) { text in
      // Progress that cannot be shown is no reason to fail.
      try? console.write(text)
    }
  }

  /// The same with a clock, in nanoseconds, and a place to write to.
  package init(
    _ title: String, unit: String, isQuiet: Bool, traits: TerminalTraits,
    now: @escaping @Sendable () -> UInt64, write: @escaping @Sendable (String) -> Void
  ) {
    self.title = escapedForTerminal(title)
    self.unit = unit
    isShown = traits.isTerminal && !isQuiet
    // The last column is left free: some terminals go to the next line when it is filled.
    columns = max(1, (traits.columns ?? 80) - 1)
    isUnicode = traits.isUnicode
    self.now = now
    self.write = write
    startedAt = now()
  }

  deinit { if drawnAt != nil { write("\r\u{1b}[K") } }

  /// Says that `done` of `total` units are done; 0 or less as total means that nobody knows.
  ///
  /// - Complexity: O(1); cheap enough for every few thousand steps of a hot loop.
  public mutating func update(done: Int, total: Int = 0) {
    guard isShown else { return }
    let time = now()
    if let drawnAt, time &- drawnAt < Self.shortestPause { return }
    drawnAt = time
    let seconds = Double(time &- startedAt) / 1e9
    var text = title
    if total > 0 {
      let percent = min(100, max(0, Double(done) / Double(total) * 100))
      text += " \(Int(percent))%"
    }
    text += "  \(shortCount(Double(done))) \(unit)"
    if seconds > 0 { text += "  \(shortCount(Double(done) / seconds)) \(unit)/s" }
    write("\r" + truncated(text, toColumns: columns, isUnicode: isUnicode) + "\u{1b}[K")
  }

  /// Takes the line away.
  ///
  /// Without this it goes when the value does.
  public mutating func finish() {
    guard drawnAt != nil else { return }
    drawnAt = nil
    write("\r\u{1b}[K")
  }

  private static func monotonicNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
  }
}

/// A count with at most three digits and a decimal prefix: `987`, `12.3k`, `1.25M`.
func shortCount(_ count: Double) -> String {
  guard count.isFinite, count >= 0 else { return "?" }
  var value = count
  var prefix = ""
  for next in ["k", "M", "G", "T", "P"] where value >= 999.5 {
    value /= 1000
    prefix = next
  }
  if prefix.isEmpty || value >= 99.95 {
    // What is beyond the last prefix is beyond all counting.
    return value < 1e15 ? "\(Int(value.rounded()))\(prefix)" : "?"
  }
  let scale: Double = value >= 9.995 ? 10 : 100
  let scaled = Int((value * scale).rounded())
  let fraction = String(scaled % Int(scale))
  let zeros = String(repeating: "0", count: (scale == 10 ? 1 : 2) - fraction.count)
  return "\(scaled / Int(scale)).\(zeros)\(fraction)\(prefix)"
}
