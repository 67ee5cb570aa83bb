// lacuna import: traces from the files of other tools.

public import ArgumentParser
public import Interchange
import Terminal

struct ImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Make a trace of what another tool has recorded.",
    discussion: """
      What the source does not know (addresses, threads, call stacks, times) the trace does not \
      claim: reports leave out what depends on it. Lines that cannot be read are left out and \
      counted. Packed sources (.gz, .zst, .zip) are unpacked on the way.

      FORMATS
      \(formats)

      EXAMPLES
        lacuna import heaptrack.app.4711.raw.zst
        lacuna import --from malloclab amptjp.rep -o amptjp.trace
        ltrace -f -e malloc+free+calloc+realloc ./app 2>&1 >/dev/null | lacuna import - -o app.trace
        lacuna import surfaceflinger.zip && lacuna compare surfaceflinger.trace
      """)

  private static var formats: String {
    let width = ImportFormat.allCases.map(\.rawValue.count).max() ?? 0
    return ImportFormat.allCases.map { format in
      "  " + format.rawValue + String(repeating: " ", count: width - format.rawValue.count + 2)
        + format.summary
    }.joined(separator: "\n")
  }

  @Option(
    help: ArgumentHelp(
      "The format, one of those below; guessed from the beginning of the source where it is left "
        + "out.", valueName: "format"))
  var from: ImportFormat?

  @Argument(
    help: ArgumentHelp("The file to import; - stands for standard input.", valueName: "in"),
    completion: .file())
  var source: String

  @Option(
    name: [.short, .long],
    help: ArgumentHelp(
      "The trace to write; otherwise the name of the source with .trace, in this directory.",
      valueName: "file"))
  var output: String?

  @Option(
    help: ArgumentHelp(
      "The process to import, of sources that name several; otherwise that of the first request.",
      valueName: "id"))
  var process: UInt64?

  @Flag(help: "Print one JSON object about the import.")
  var json = false

  @Flag(name: .shortAndLong, help: "Say nothing but errors.")
  var quiet = false

  func validate() throws {
    guard output != "" else { throw ValidationError("--output takes the name of a file.") }
    guard output != "-" else {
      throw ValidationError("A trace needs a file: it is not written in one go.")
    }
  }

  func run() throws {
    let path = output ?? defaultName
    do {
      let source = try ImportSource(path: source)
      let format = try format(of: source)
      let file = try NewTraceFile(path)
      var options = ImportOptions()
      options.processID = process
      options.writer = Lacuna.version
      let summary = try run(source, format, options, file)
      try report(summary, path)
    } catch let error as ImportError {
      fail("\(error)")
      throw ExitCode(1)
    }
  }

  private func run(
    _ source: ImportSource, _ format: ImportFormat, _ options: ImportOptions, _ file: NewTraceFile
  ) throws -> ImportSummary {
    do {
      var line = ProgressLine("importing", unit: "bytes", isQuiet: quiet)
      let summary = try TraceImport.run(
        source, format: format, to: file.temporary, options: options
      ) { done, total in
        line.update(done: Int(clamping: done), total: Int(clamping: total ?? 0))
      }
      line.finish()
      try file.keep()
      return summary
    } catch {
      file.discard()
      throw error
    }
  }

  private func format(of source: ImportSource) throws(ImportError) -> ImportFormat {
    if let from { return from }
    guard let guess = try source.guessFormat() else { throw .unknownFormat(path: source.name) }
    if !quiet { note("\(source.name) looks like \(guess.rawValue): \(guess.summary)") }
    return guess
  }

  /// `dir/app.raw.zst` gives `app.trace`.
  private var defaultName: String {
    guard source != "-" else { return "imported.trace" }
    var name = source.split(separator: "/").last.map(String.init) ?? "imported"
    for ending in [
      ".gz", ".zst", ".zip", ".raw", ".rep", ".wl", ".txt", ".log", ".csv", ".ndjson", ".json",
    ] where name.hasSuffix(ending) && name != ending {
      name.removeLast(ending.count)
    }
    return name + ".trace"
  }
}

// MARK: What is said about it

extension ImportCommand {
  private func report(_ summary: ImportSummary, _ path: String) throws {
    if let damage = summary.damage { fail("the source is incomplete: \(damage)") }
    if json {
      try writeResult(try summary.json(trace: path))
      return
    }
    guard !quiet else { return }
    note(
      "\(RecordCommand.grouped(summary.events)) events in \(path). Next: lacuna report \(path)")
    let missing = summary.knowledge.missing
    if !missing.isEmpty { note("the source knows no \(Self.list(missing))") }
    for text in summary.notes { note(text) }
    for reason in SkipReason.allCases {
      guard let count = summary.skipped[reason] else { continue }
      let first = summary.firstSkipped.filter { $0.reason == reason }.map { "\($0.line)" }
      let place = summary.format == .djWorkload ? "byte" : "line"
      note(
        "\(RecordCommand.grouped(count)) \(place == "line" ? "lines" : "records") "
          + reason.explanation
          + (first.isEmpty ? "" : " (\(place) \(first.joined(separator: ", ")))"))
    }
  }

  /// `a, b and c`.
  private static func list(_ words: [String]) -> String {
    guard let last = words.last, words.count > 1 else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " and " + last
  }
}

extension ImportFormat: ExpressibleByArgument {}
