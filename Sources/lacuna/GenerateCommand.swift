// lacuna generate: traces that no program made.

import Allocators
import ArgumentParser
import MemoryUnits
import Report
import Terminal
import Trace
import Workload

struct GenerateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate",
    abstract: "Make a trace of requests drawn from distributions, or of an adversary.",
    discussion: """
      For checking theory, and for what no program at hand does. The same workload and seed give the \
      same trace on every machine. Such a trace has sizes, an order and threads; it has no addresses, \
      times and call stacks, and moments in it are numbers of steps.

      EXAMPLES
        lacuna generate --workload plateau -o plateau.trace
        lacuna generate --workload 'peaks(live=64M,sizes=exponential(mean=300),lifetimes=phases)'
        lacuna generate --workload 'ramp(sizes=9*uniform(from=16,to=64)+constant(size=4k))' --seed 7
        lacuna generate --workload 'plateau(sizes=empirical(file=s.csv),lifetimes=empirical)'
        lacuna generate --workload 'robson(live=1024,largest=64,against=best-fit)' -o worst.trace
        lacuna generate --list-workloads
      """)

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("What to generate; --list-workloads says what there is.", valueName: "spec"))
  var workload: String?

  @Option(help: ArgumentHelp("Where the random numbers begin.", valueName: "n"))
  var seed: UInt64 = 1

  @Option(
    name: [.short, .long],
    help: ArgumentHelp(
      "The trace to write; otherwise the name of the workload with .trace, in this directory.",
      valueName: "file"))
  var output: String?

  @Flag(help: "List the workloads with their settings and defaults.")
  var listWorkloads = false

  @Flag(help: "Print one JSON object about the trace.")
  var json = false

  @Flag(name: .shortAndLong, help: "Say nothing but errors.")
  var quiet = false

  func validate() throws {
    guard workload != nil || listWorkloads else {
      throw ValidationError("Missing expected argument '--workload <spec>'")
    }
    guard output != "" else { throw ValidationError("--output takes the name of a file.") }
    guard output != "-" else {
      throw ValidationError("A trace needs a file: it is not written in one go.")
    }
  }

  func run() throws {
    if listWorkloads {
      try writeResult(Self.listing)
      return
    }
    guard let workload else { return }
    let specification = try Self.specification(workload)
    let path = output ?? specification.name + ".trace"
    let file = try NewTraceFile(path)
    do {
      let line = ProgressHolder("generating", quiet: quiet)
      defer { line.finish() }
      let summary = try Workload.generate(
        specification, seed: seed, to: file.temporary, writer: Lacuna.version
      ) { part in line.update(done: Int(part * 1000), total: 1000) }
      line.finish()
      try file.keep()
      try report(specification, summary, path)
    } catch let error as WorkloadError {
      file.discard()
      fail("\(error)")
      throw ExitCode(1)
    }
  }

  /// Parses a workload; says where it is wrong and exits with 64.
  private static func specification(_ text: String) throws -> WorkloadSpecification {
    do {
      return try WorkloadSpecification(parsing: text)
    } catch {
      fail(lines: "\(error)")
      throw ExitCode(64)
    }
  }

  private func report(
    _ specification: WorkloadSpecification, _ summary: WorkloadSummary, _ path: String
  ) throws {
    if json {
      let facts = GeneratedFacts(
        workload: "\(specification)", seed: seed, trace: path, totals: summary.totals,
        bound: summary.bound, heldByHeap: summary.heldByHeap)
      try writeResult(GenerateJSON.render(facts))
      return
    }
    guard !quiet else { return }
    let totals = summary.totals
    note(
      "\(RecordCommand.grouped(totals.events)) events in \(path), at most \(ByteCount(totals.peakLiveBytes))"
        + " live. Next: lacuna compare \(path)")
    if let bound = summary.bound, let held = summary.heldByHeap {
      note(
        "the heap that it was played against held \(held); no heap that moves no block can hold less"
          + " than \(bound) against its adversary")
    }
  }

  // MARK: What there is

  private static var listing: String {
    """
    WORKLOADS
    \(list(WorkloadCatalogue.workloads))
    DISTRIBUTIONS, for sizes=; several with weights make a mixture: 3*uniform(...)+constant(...)
    \(list(WorkloadCatalogue.distributions))
    LIFETIMES, for lifetimes=
    \(list(WorkloadCatalogue.lifetimes))
    """
  }

  private static func list(_ descriptions: [WorkloadDescription]) -> String {
    descriptions.map { item in
      let parameters = item.parameters.map { parameter in
        let ending =
          parameter.defaultValue.isEmpty ? "" : " (default \(parameter.defaultValue))"
        return "    \(parameter.name)=\(parameter.values)  \(parameter.help)\(ending)\n"
      }
      return "\(item.name)\n  \(item.summary)\n" + parameters.joined()
    }.joined()
  }
}
