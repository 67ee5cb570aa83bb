// lacuna info: what is in a trace.

import Analysis
import ArgumentParser
import Report
import Trace

struct InfoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info",
    abstract: "Show what is in a trace.",
    discussion: """
      EXAMPLES
        lacuna info app.trace
        lacuna info app.trace --json | jq .peakLiveBytes
        lacuna info app.trace --entry-points
        lacuna info app.trace --snapshots
      """)

  @OptionGroup var trace: TraceArgument
  @OptionGroup var range: TimeRangeOptions
  @OptionGroup var output: OutputOptions

  @Flag(
    help: """
      Count the calls of each function, and the blocks that the wrong function released; reads the \
      whole trace.
      """)
  var entryPoints = false

  @Flag(help: "List the snapshots of the program's memory: when, why, and what was resident.")
  var snapshots = false

  @Flag(help: "List the threads: when each began and ended, and how many events it has.")
  var threads = false

  @Flag(help: "Check all of the file; a large one is otherwise opened by its index.")
  var check = false

  func run() throws {
    let file = try trace.open(checking: check ? .always : .whenSmall)
    let slice = try range.slice(of: file, quiet: output.quiet)
    if file.metadata.regions != nil, file.metadata.knowsAddresses {
      return try runSampled(file, slice)
    }
    var inventory = TraceInventory(of: file)
    let family = TraceFamily(of: trace.path, metadata: file.metadata)
    inventory.processes = family?.members.count ?? 1
    let tallies = threads ? try ThreadTally.all(of: file, slice: slice) : nil
    let calls = entryPoints ? try CallFigures(of: file, slice: slice) : nil
    try output.print(
      SpanText.document(
        document(file, slice, inventory, family, tallies, calls), of: slice?.span)
    ) {
      try InfoJSON.render(
        metadata: file.metadata, summary: slice?.summary ?? file.summary, inventory: inventory,
        marks: marks(file, slice), calls: calls, snapshots: snapshots(file, slice),
        listsSnapshots: snapshots, family: family, threads: tallies, slice: slice)
    }
  }

  private func marks(_ file: TraceFile, _ slice: TraceSlice?) -> [MarkDescription] {
    file.marks.filter { slice?.contains($0.time) ?? true }
  }

  private func snapshots(_ file: TraceFile, _ slice: TraceSlice?) -> [Snapshot] {
    file.snapshots.filter { slice?.contains($0.time) ?? true }
  }

  private func document(
    _ file: TraceFile, _ slice: TraceSlice?, _ inventory: TraceInventory, _ family: TraceFamily?,
    _ tallies: [ThreadTally]?, _ calls: CallFigures?
  ) -> TextDocument {
    var document = InfoText.document(
      traceName: trace.name, metadata: file.metadata, summary: slice?.summary ?? file.summary,
      inventory: inventory, snapshots: snapshots(file, slice), listsSnapshots: snapshots)
    document.append(contentsOf: CallsText.marks(marks(file, slice)))
    if let family { document.append(contentsOf: InfoText.family(family)) }
    if let tallies { document.append(contentsOf: InfoText.threads(tallies)) }
    if let calls { document.append(contentsOf: CallsText.calls(calls)) }
    return document
  }
}
