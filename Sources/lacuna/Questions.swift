// Turning what users write into the questions that the analysis answers.

import Allocators
import Analysis
import ArgumentParser
import Terminal
import Trace

/// The heaps that are compared where nobody names any.
enum StandardHeaps {
  /// What really happened, and the classic policies.
  static let usual = parsed([
    "recorded", "first-fit", "best-fit", "next-fit", "worst-fit", "buddy",
  ])

  /// What `compare --all` compares: each family of policies, and of each the settings that change
  /// most.
  static let wide = parsed([
    "recorded", "offline-optimum",
    "first-fit", "first-fit(header=8)", "first-fit(trim=always)", "first-fit(order=lifo)",
    "first-fit(order=fifo)", "first-fit(coalesce=deferred)", "first-fit(coalesce=never)",
    "first-fit(compact=sliding)",
    "best-fit", "best-fit(header=8)", "best-fit(order=lifo)",
    "next-fit", "worst-fit",
    "half-fit", "tlsf", "segregated-fit",
    "segregated", "segregated(classes=powers)", "slab", "slab/buddy",
    "buddy", "fibonacci-buddy", "weighted-buddy", "double-buddy",
    "thread-cache/first-fit", "thread-cache/segregated", "arenas/first-fit",
    "mmap-threshold/first-fit", "mesh/pages",
  ])

  /// Those of the specifications that this version knows.
  private static func parsed(_ texts: [String]) -> [HeapSpecification] {
    texts.compactMap { try? HeapSpecification(parsing: $0) }
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
      switch TimePoint(parsing: text) {
      case .nanoseconds(let nanoseconds): self = .time(Timestamp(nanoseconds: nanoseconds))
      case .share(let share):
        let position = TimePoint.position(share, of: duration.nanoseconds)
        self = .time(Timestamp(nanoseconds: position))
      case nil: return nil
      }
    }
  }
}

/// Runs a measurement with a progress line, and turns what it throws into a message.
func measured<Result>(
  _ title: String, _ trace: TraceFile, quiet: Bool,
  _ body: (@escaping MeasurementProgress) throws -> Result
) throws -> Result {
  let line = ProgressHolder(title, quiet: quiet)
  let wasComplete = trace.isComplete
  // A large file is checked as it is read.
  defer { if wasComplete { noteIfIncomplete(trace) } }
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
