// The options that choose a part of a trace: --from and --to.

import ArgumentParser
import Report
import Trace

/// The part of the trace that a command looks at.
struct TimeRangeOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Begin there: a time (12.5s, 350ms), a share of the trace (40%) or a mark (mark:NAME).",
      discussion: "Blocks that live at that moment are there; nothing before it counts.",
      valueName: "time"))
  var from: String?

  @Option(
    help: ArgumentHelp("End before that moment; as --from.", valueName: "time"))
  var to: String?

  func validate() throws {
    for (name, text) in [("from", from), ("to", to)] {
      guard let text, !text.hasPrefix("mark:") else { continue }
      guard TimePoint(parsing: text) != nil else {
        throw ValidationError(
          "'--\(name) \(text)' is no moment: write a time such as 12.5s or 350ms, a share such as "
            + "40%, or mark:NAME.")
      }
    }
  }

  /// The part of the trace that was asked for, with its totals; nil where it is the whole.
  ///
  /// Says why and exits where there is no such part.
  func slice(of file: TraceFile, quiet: Bool) throws -> TraceSlice? {
    guard from != nil || to != nil else { return nil }
    let lower = try from.map { try position($0, "from", file) } ?? 0
    let upper = try to.map { try position($0, "to", file) }
    let end = Self.end(of: file)
    if lower > end, let from {
      try refuse("--from \(from) is after the end of the trace, \(Self.length(of: file))")
    }
    if let upper, let to, upper <= lower {
      try refuse("--to \(to) is not after --from \(from ?? "0s"): nothing lies between them")
    }
    // The whole of a trace has its last step, too.
    let range = TraceRange(from: lower, to: upper.flatMap { $0 >= end && isShare(to) ? nil : $0 })
    return try measured("looking for the range", file, quiet: quiet) { _ in
      try TraceSlice(of: file, range)
    }
  }

  private func isShare(_ text: String?) -> Bool { text?.hasSuffix("%") ?? false }

  private func position(
    _ text: String, _ option: String, _ file: TraceFile
  ) throws -> UInt64 {
    if text.hasPrefix("mark:") {
      let name = String(text.dropFirst(5))
      if let mark = file.marks.first(where: { $0.name == name }), file.usesTimes {
        return mark.time.nanoseconds
      }
      try refuse("--\(option) \(text): the trace has no mark of that name; lacuna info lists them")
    }
    switch TimePoint(parsing: text) {
    case .share(let share): return TimePoint.position(share, of: Self.end(of: file))
    case .nanoseconds(let nanoseconds) where file.usesTimes: return nanoseconds
    default:
      try refuse("--\(option) \(text): the trace has no times; name a share of it, such as 40%")
    }
  }

  private static func end(of file: TraceFile) -> UInt64 {
    file.usesTimes ? file.summary.durationNanoseconds : file.summary.steps
  }

  private static func length(of file: TraceFile) -> String {
    file.usesTimes
      ? "which takes \(Timestamp(nanoseconds: file.summary.durationNanoseconds).seconds) s"
      : "which has \(file.summary.steps) steps"
  }

  private func refuse(_ message: String) throws -> Never {
    fail(message)
    throw ExitCode(64)
  }
}

/// A moment as users write it.
enum TimePoint {
  case nanoseconds(UInt64)
  /// A part of the trace, from 0 to 1 for moments inside it.
  case share(Double)

  /// Reads a time such as `12.5s` or `350ms`, or a share such as `40%`.
  init?(parsing text: String) {
    let units: [(suffix: String, factor: Double)] = [
      ("%", 0.01), ("ns", 1), ("us", 1e3), ("µs", 1e3), ("ms", 1e6), ("s", 1e9), ("min", 6e10),
      ("h", 3.6e12),
    ]
    for unit in units where text.hasSuffix(unit.suffix) {
      guard let value = Double(text.dropLast(unit.suffix.count)), value >= 0 else { continue }
      let result = value * unit.factor
      guard result < 9e18 else { return nil }
      self = unit.suffix == "%" ? .share(result) : .nanoseconds(UInt64(result))
      return
    }
    return nil
  }

  /// Where a share of a trace lies; the whole of it must not come out later than its end.
  static func position(_ share: Double, of end: UInt64) -> UInt64 {
    let position = share * Double(end)
    if share <= 1 { return min(UInt64(position), end) }
    return position < 1.8e19 ? UInt64(position) : .max
  }
}
