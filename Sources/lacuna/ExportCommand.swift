// lacuna export: a trace in the formats of other tools.

import Analysis
public import ArgumentParser
import Glibc
public import Interchange
import Trace

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a trace in the format of another tool.",
    discussion: """
      FORMATS
      \(ExportFormat.listing)

      EXAMPLES
        lacuna export --to pprof app.trace -o app.pb.gz && go tool pprof -http=: app.pb.gz
        lacuna export --to folded app.trace | flamegraph.pl > app.svg
        lacuna export --to dhat app.trace -o app.json      # load it in dh_view.html
        lacuna export --to massif app.trace -o app.massif && ms_print app.massif
        lacuna export --to sqlite app.trace -o app.db
        lacuna export --to csv --what holes --at peak --at end app.trace -o holes.csv
        lacuna export --to ndjson app.trace | jq 'select(.size > 1000000)'

      A profile speaks of one moment, peak unless --at says otherwise: what lived then, and what was \
      asked for up to it. pprof, folded and callgrind make a file for each moment, such as \
      app-peak.pb.gz and app-end.pb.gz; speedscope, sqlite and holes have all in one. A block that is \
      resized counts as freed and allocated. Times in tables are nanoseconds since recording began.
      """)

  @OptionGroup var trace: TraceArgument

  @Option(help: ArgumentHelp("The format.", valueName: "format"))
  var to: ExportFormat

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Write to this file; - stands for standard output.", valueName: "file"))
  var output = "-"

  @Option(
    help: ArgumentHelp(
      "A moment: peak, end, a time (12.5s, 350ms) or a share of the trace (40%); may be repeated.",
      valueName: "moment"))
  var at: [String] = []

  @Option(help: "csv, ndjson: the table.")
  var what: ExportedTable?

  @Option(help: "folded: the figure.")
  var metric: HeapMetric?

  @Option(
    help: ArgumentHelp(
      "series, massif, chrome, sqlite: how many moments over time.", valueName: "count"))
  var points: Int?

  @Flag(help: "Leave out the functions of allocators at the inner ends of stacks.")
  var foldAllocators = false

  @Flag(name: .shortAndLong, help: "Show no progress.")
  var quiet = false

  func validate() throws {
    guard output != "" else { throw ValidationError("--output takes the name of a file, or -.") }
    for text in at where Moment(parsing: text, duration: .zero) == nil {
      throw ValidationError(
        "'\(text)' is no moment: write peak, end, a time such as 12.5s or 350ms, or a share such as 40%."
      )
    }
    if Set(at).count < at.count { throw ValidationError("--at names a moment twice.") }
    let table = what ?? .events
    if what != nil, !to.isTable { throw ValidationError("--what goes with --to csv or ndjson.") }
    if metric != nil, to != .folded { throw ValidationError("--metric goes with --to folded.") }
    if points != nil, to.usualPoints(table) == nil {
      throw ValidationError(
        "--points goes with --to massif, chrome or sqlite, and with --what series.")
    }
    if let points, !(2...1_000_000).contains(points) {
      throw ValidationError("--points takes a number from 2 to 1000000.")
    }
    try validateMoments(table)
  }

  private func validateMoments(_ table: ExportedTable) throws {
    guard !at.isEmpty else { return }
    if to.takesMoments == .never || to.isTable && !table.takesMoments {
      throw ValidationError(
        "--at goes with pprof, folded, callgrind, speedscope, sqlite, and with --what holes.")
    }
    if at.count > 1, output == "-", to.takesMoments == .aFileEach {
      throw ValidationError("Several moments need several files: name one with --output.")
    }
  }

  func run() throws {
    if to.isBinary, output == "-", isatty(STDOUT_FILENO) == 1 {
      fail("\(to.rawValue) is no text for a terminal; name a file with -o")
      throw ExitCode(64)
    }
    let file = try trace.open()
    let request = ExportRequest(
      trace: file, format: to, table: what ?? .events, moments: try moments(of: file),
      metric: metric ?? .inuseSpace,
      points: points ?? to.usualPoints(what ?? .events) ?? 2, foldsAllocators: foldAllocators,
      isQuiet: quiet, output: output == "-" ? nil : output)
    noteIfIncomplete(file)
    let wasComplete = file.isComplete
    // Reading may find damage that opening did not.
    defer { if wasComplete { noteIfIncomplete(file) } }
    try request.refuseWhatIsUnknown()
    // Tried first: nobody wants to wait for a file that cannot be written.
    for path in request.paths { _ = try OutputFile(path) }
    try exporting {
      switch to {
      case .pprof, .folded, .callgrind: try request.writeProfiles()
      case .speedscope: try request.writeSpeedscope()
      case .dhat: try request.writeLifetimes()
      case .massif: try request.writeMassif()
      case .chrome: try request.writeChrome()
      case .sqlite: try request.writeDatabase()
      case .minimalloc: try request.writeMinimalloc()
      case .csv: try request.writeTable(as: .csv)
      case .ndjson: try request.writeTable(as: .ndjson)
      }
    }
  }

  private func moments(of file: TraceFile) throws -> [NamedMoment] {
    // Where there are no times, moments are numbers of steps.
    let duration = Timestamp(
      nanoseconds: file.usesTimes ? file.summary.durationNanoseconds : file.summary.steps)
    let usual = to == .sqlite ? ["peak", "end"] : ["peak"]
    return try (at.isEmpty ? usual : at).map { text in
      guard file.metadata.knowsTimes || text == "peak" || text == "end" || text.hasSuffix("%")
      else {
        fail("the trace has no times: --at takes peak, end or a share such as 40% here")
        throw ExitCode(64)
      }
      let moment = Moment(parsing: text, duration: duration) ?? .end
      if case .time(let time) = moment, time > duration {
        fail("--at \(text) is after the end of the trace, which takes \(duration.seconds) s")
        throw ExitCode(64)
      }
      return NamedMoment(name: text, moment: moment)
    }
  }
}

extension HeapMetric: ExpressibleByArgument {}
