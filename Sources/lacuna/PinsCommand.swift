// lacuna pins: which call sites keep pages from being returned.

public import Analysis
public import ArgumentParser
import Report
import Trace

struct PinsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pins",
    abstract: "Show which call sites keep pages from being returned.",
    discussion: """
      A page stays as long as any block on it lives. Its free bytes are shared equally among the \
      call sites with a block there; the shares add up to all pinned bytes. "Sole" are the free \
      bytes of pages that one site keeps alone.

      EXAMPLES
        lacuna pins app.trace
        lacuna pins app.trace --at end --by stack
        lacuna pins app.trace --at 40% --json
      """)

  @OptionGroup var trace: TraceArgument

  @Option(
    help: ArgumentHelp(
      "The moment: peak, end, a time (12.5s, 350ms) or a share of the trace (40%).",
      valueName: "moment"))
  var at = "peak"

  @Option(help: "What a call site is: the first function of yours, or a whole call stack.")
  var by = SiteGrouping.function

  @Option(help: ArgumentHelp("How many sites to show as text.", valueName: "count"))
  var limit = 20

  @OptionGroup var range: TimeRangeOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard Moment(parsing: at, duration: .zero) != nil else {
      throw ValidationError(
        "'\(at)' is no moment: write peak, end, a time such as 12.5s or 350ms, or a share such as 40%."
      )
    }
  }

  func run() throws {
    let file = try trace.open()
    let hasTimes = file.metadata.knowsTimes && file.summary.durationNanoseconds > 0
    guard file.metadata.knowsTimes || at == "peak" || at == "end" || at.hasSuffix("%") else {
      fail("the trace has no times: --at takes peak, end or a share such as 40% here")
      throw ExitCode(64)
    }
    // Where there are no times, moments are numbers of steps.
    let duration = Timestamp(
      nanoseconds: hasTimes ? file.summary.durationNanoseconds : file.summary.steps)
    let moment = Moment(parsing: at, duration: duration) ?? .end
    if case .time(let time) = moment, time > duration {
      fail("--at \(at) is after the end of the trace, which takes \(duration.seconds) s")
      throw ExitCode(64)
    }
    noteIfIncomplete(file)
    let slice = try range.slice(of: file, quiet: output.quiet)
    if case .time(let time) = moment, let slice, !slice.contains(time) {
      fail("--at \(at) is not between --from and --to")
      throw ExitCode(64)
    }
    if let regions = file.metadata.regions {
      return try runSampled(file, regions, at: moment, slice)
    }
    let report = try measured("looking for pins", file, quiet: output.quiet) {
      try Measurement.pins(trace: file, at: moment, grouping: by, slice: slice, progress: $0)
    }
    let document = PinsText.document(report, limit: max(0, limit))
    try output.print(SpanText.document(document, of: slice?.span)) {
      try PinsJSON.render(report, span: slice?.span)
    }
  }
}

extension SiteGrouping: ExpressibleByArgument {}
