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
        lacuna info app.trace --snapshots
      """)

  @OptionGroup var trace: TraceArgument
  @OptionGroup var output: OutputOptions

  @Flag(help: "List the snapshots of the program's memory: when, why, and what was resident.")
  var snapshots = false

  func run() throws {
    let file = try trace.open()
    let inventory = TraceInventory(of: file)
    try output.print(
      InfoText.document(
        traceName: trace.name, metadata: file.metadata, summary: file.summary,
        inventory: inventory, snapshots: file.snapshots, listsSnapshots: snapshots)
    ) {
      try InfoJSON.render(
        metadata: file.metadata, summary: file.summary, inventory: inventory,
        snapshots: file.snapshots, listsSnapshots: snapshots)
    }
  }
}
