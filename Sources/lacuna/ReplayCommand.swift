// lacuna replay: one heap, all measures.

import Allocators
import Analysis
import ArgumentParser
import Report
import Terminal
import Trace

struct ReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Replay a trace through one heap and show all measures.",
    discussion: """
      EXAMPLES
        lacuna replay app.trace --allocator recorded
        lacuna replay app.trace --allocator 'first-fit(header=8,align=16)'
        lacuna replay --list-allocators
      """)

  @Argument(help: ArgumentHelp("The trace file.", valueName: "trace"))
  var path: String?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The heap to replay through.", valueName: "spec"))
  var allocator = "recorded"

  @Flag(help: "List the heaps with their parameters and defaults.")
  var listAllocators = false

  @OptionGroup var range: TimeRangeOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard path != nil || listAllocators else {
      throw ValidationError("Missing expected argument '<trace>'")
    }
  }

  func run() throws {
    if listAllocators {
      try writeResult(StandardHeaps.listing)
      return
    }
    guard let path else { return }
    let heap = try specification(allocator)
    var trace = TraceArgument()
    trace.path = path
    let file = try trace.open()
    noteIfIncomplete(file)
    let slice = try range.slice(of: file, quiet: output.quiet)
    let measures = try measured("replaying", file, quiet: output.quiet) {
      try Measurement.measure(trace: file, specifications: [heap], slice: slice, progress: $0)
    }
    guard let measures = measures.first else { return }
    try output.print(SpanText.document(ReplayText.document(measures), of: slice?.span)) {
      try ReplayJSON.render(measures, span: slice?.span)
    }
  }
}

/// Parses a heap specification; says where it is wrong and exits with 64.
func specification(_ text: String) throws -> HeapSpecification {
  do {
    return try HeapSpecification(parsing: text)
  } catch {
    fail(lines: "\(error)")
    throw ExitCode(64)
  }
}
