// lacuna compare: many heaps side by side, ranked.

import Allocators
import Analysis
import ArgumentParser
import Report
import Trace

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Replay a trace through many heaps and rank them.",
    discussion: """
      EXAMPLES
        lacuna compare app.trace
        lacuna compare app.trace --allocators 'recorded,best-fit,best-fit(header=8)'
      """)

  @OptionGroup var trace: TraceArgument

  @Option(
    help: ArgumentHelp("The heaps to compare, separated by commas.", valueName: "specs"))
  var allocators: String?

  @Flag(help: "Compare all known heaps, each with its defaults (what is done anyway).")
  var all = false

  @OptionGroup var range: TimeRangeOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let chosen = try allocators.map { try Self.split($0).map(specification) }
    let file = try trace.open()
    noteIfIncomplete(file)
    var heaps = chosen ?? StandardHeaps.all
    if chosen == nil, !file.metadata.knowsAddresses {
      heaps.removeAll { $0.kind == .recorded }
      note("the trace has no addresses, so the recorded heap is left out")
    }
    let slice = try range.slice(of: file, quiet: output.quiet)
    let measures = try measured("comparing", file, quiet: output.quiet) {
      try Measurement.measure(trace: file, specifications: heaps, slice: slice, progress: $0)
    }
    try output.print(SpanText.document(CompareText.document(measures), of: slice?.span)) {
      try CompareJSON.render(measures, span: slice?.span)
    }
  }

  /// Splits at the commas that do not stand inside parentheses.
  private static func split(_ text: String) -> [String] {
    var parts = [""]
    var depth = 0
    for character in text {
      if character == "(" { depth += 1 }
      if character == ")" { depth -= 1 }
      if character == ",", depth == 0 {
        parts.append("")
      } else {
        parts[parts.count - 1].append(character)
      }
    }
    return parts
  }
}
