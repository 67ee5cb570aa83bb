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
      All heaps are measured in one pass, on all cores. Without --allocators and --all those are the \
      classic policies and what really happened.

      EXAMPLES
        lacuna compare app.trace
        lacuna compare app.trace --all -o app.html
        lacuna compare app.trace --allocators 'recorded,best-fit,best-fit(header=8)'

      WHAT --all COMPARES
      \(StandardHeaps.wide.map { "  \($0)" }.joined(separator: "\n"))
      """)

  @OptionGroup var trace: TraceArgument

  @Option(
    help: ArgumentHelp("The heaps to compare, separated by commas.", valueName: "specs"))
  var allocators: String?

  @Flag(help: "Compare heaps of every kind, those listed below.")
  var all = false

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Write an HTML page to this file; - stands for standard output.", valueName: "file.html"))
  var output: String?

  @OptionGroup var range: TimeRangeOptions
  @OptionGroup var options: OutputOptions

  func validate() throws {
    guard output != "" else { throw ValidationError("--output takes the name of a file, or -.") }
    guard !all || allocators == nil else {
      throw ValidationError("--all and --allocators name different heaps; give one of them.")
    }
  }

  func run() throws {
    let chosen = try allocators.map { try Self.split($0).map(specification) }
    let file = try trace.open()
    noteIfIncomplete(file)
    var page: OutputFile?
    // Opened first: nobody wants to wait for a page that cannot be written.
    if let output, output != "-" { page = try OutputFile(output) }
    var heaps = chosen ?? (all ? StandardHeaps.wide : StandardHeaps.usual)
    if chosen == nil, !file.metadata.knowsAddresses {
      heaps.removeAll { $0.kind == .recorded }
      if !output.quiet { note("the trace has no addresses, so the recorded heap is left out") }
    }
    let slice = try range.slice(of: file, quiet: options.quiet)
    let measures = try measured("comparing", file, quiet: options.quiet) {
      try Measurement.measure(trace: file, specifications: heaps, slice: slice, progress: $0)
    }
    if output != nil {
      let html = ComparePage.render(
        measures, trace: trace.name, metadata: file.metadata, span: slice?.span)
      if let page {
        try page.write(html)
        if !options.quiet { note("the comparison is in \(page.path)") }
      } else {
        try writeResult(html)
      }
    }
    guard output == nil || options.json else { return }
    try options.print(SpanText.document(CompareText.document(measures), of: slice?.span)) {
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
