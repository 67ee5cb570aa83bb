// Turning what users write into the questions that the analysis answers.

import Allocators
import Analysis
import ArgumentParser
import Terminal
import Trace

/// The heaps of this version, in the order in which they are compared.
enum StandardHeaps {
  static let all: [HeapSpecification] = HeapCatalogue.heaps.compactMap {
    try? HeapSpecification(parsing: $0.name)
  }

  /// The list that `--list-allocators` prints.
  static var listing: String {
    HeapCatalogue.heaps.map { heap in
      let parameters = heap.parameters.map { parameter in
        "    \(parameter.name)=\(parameter.values)  \(parameter.help) "
          + "(default \(parameter.defaultValue))\n"
      }
      return "\(heap.name)\n  \(heap.summary)\n" + parameters.joined()
    }.joined()
  }
}

extension Moment {
  /// Reads `peak`, `end`, a time such as `12.5s` or `350ms`, or a share of the trace such as `40%`.
  init?(parsing text: String, duration: Timestamp) {
    switch text {
    case "peak": self = .peak
    case "end": self = .end
    default:
      guard let nanoseconds = Self.nanoseconds(text, duration: duration) else { return nil }
      self = .time(Timestamp(nanoseconds: nanoseconds))
    }
  }

  private static func nanoseconds(_ text: String, duration: Timestamp) -> UInt64? {
    let units: [(suffix: String, factor: Double)] = [
      ("%", Double(duration.nanoseconds) / 100), ("ns", 1), ("us", 1e3), ("µs", 1e3),
      ("ms", 1e6), ("s", 1e9), ("min", 6e10), ("h", 3.6e12),
    ]
    for unit in units where text.hasSuffix(unit.suffix) {
      guard let value = Double(text.dropLast(unit.suffix.count)), value >= 0 else { continue }
      let result = value * unit.factor
      guard result < 9e18 else { return nil }
      // The whole of it must not come out a nanosecond later than its end.
      if unit.suffix == "%", value <= 100 { return min(UInt64(result), duration.nanoseconds) }
      return UInt64(result)
    }
    return nil
  }
}

/// Runs a measurement with a progress line, and turns what it throws into a message.
func measured<Result>(
  _ title: String, _ trace: TraceFile, quiet: Bool,
  _ body: (@escaping MeasurementProgress) throws -> Result
) throws -> Result {
  let line = ProgressHolder(title, quiet: quiet)
  defer { line.finish() }
  do {
    let total = Double(trace.summary.steps)
    return try body { part in line.update(done: Int(part * total), total: Int(total)) }
  } catch {
    line.finish()
    fail("\(error)")
    throw ExitCode(1)
  }
}

/// Lets a closure that is called again and again keep the progress line.
final class ProgressHolder {
  private var line: ProgressLine

  init(_ title: String, quiet: Bool) {
    line = ProgressLine(title, unit: "steps", isQuiet: quiet)
  }

  func update(done: Int, total: Int) { line.update(done: done, total: total) }
  func finish() { line.finish() }
}
