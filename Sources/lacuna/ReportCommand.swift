// lacuna report: the whole story, as text, JSON or one HTML page.

import Analysis
import ArgumentParser
import Glibc
import Report
import Terminal
import Trace

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Tell the whole story of a trace.",
    discussion: """
      Where the memory went, who keeps it, whether trimming or another heap would help, and whether \
      it gets worse: as text, or with -o as one HTML page that needs nothing else.

      EXAMPLES
        lacuna report app.trace
        lacuna report app.trace -o app.html
      """)

  @OptionGroup var trace: TraceArgument

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Write an HTML page to this file; - stands for standard output.", valueName: "file.html"))
  var output: String?

  @OptionGroup var range: TimeRangeOptions
  @OptionGroup var options: OutputOptions

  func validate() throws {
    guard output != "" else { throw ValidationError("--output takes the name of a file, or -.") }
  }

  func run() throws {
    let file = try trace.open()
    var page: OutputFile?
    // Opened first: nobody wants to wait for a report that cannot be written.
    if let output, output != "-" { page = try OutputFile(output) }
    let slice = try range.slice(of: file, quiet: options.quiet)
    if file.metadata.regions != nil { return try runSampled(file, page, slice) }
    var story = try measured("reading", file, quiet: options.quiet) {
      try Measurement.story(of: file, heaps: StandardHeaps.usual, slice: slice, progress: $0)
    }
    story.version = Lacuna.version
    if let page {
      try page.write(HTMLReport.render(story))
      if !options.quiet { note("the report is in \(page.path)") }
    } else if output == "-" {
      try writeResult(HTMLReport.render(story))
    }
    guard output == nil || options.json else { return }
    try options.print(SpanText.document(TextReport.document(story), of: story.span)) {
      try ReportJSON.render(story)
    }
  }
}
