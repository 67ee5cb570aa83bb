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

  func run() throws {
    let file = try trace.open()
    if file.metadata.regions != nil, file.metadata.knowsAddresses { return try runSampled(file) }
    var inventory = TraceInventory(of: file)
    let family = TraceFamily(of: trace.path, metadata: file.metadata)
    inventory.processes = family?.members.count ?? 1
    let tallies = threads ? try ThreadTally.all(of: file) : nil
    let calls = entryPoints ? try CallFigures(of: file) : nil
    try output.print(
      document(file, inventory, family, tallies, calls)
    ) {
      try InfoJSON.render(
        metadata: file.metadata, summary: file.summary, inventory: inventory, marks: file.marks,
        calls: calls, snapshots: file.snapshots, listsSnapshots: snapshots, family: family,
        threads: tallies)
    }
  }

  private func document(
    _ file: TraceFile, _ inventory: TraceInventory, _ family: TraceFamily?,
    _ tallies: [ThreadTally]?, _ calls: CallFigures?
  ) -> TextDocument {
    var document = InfoText.document(
      traceName: trace.name, metadata: file.metadata, summary: file.summary, inventory: inventory,
      snapshots: file.snapshots, listsSnapshots: snapshots)
    document.append(contentsOf: CallsText.marks(file.marks))
    if let family { document.append(contentsOf: InfoText.family(family)) }
    if let tallies { document.append(contentsOf: InfoText.threads(tallies)) }
    if let calls { document.append(contentsOf: CallsText.calls(calls)) }
    return document
  }
}
