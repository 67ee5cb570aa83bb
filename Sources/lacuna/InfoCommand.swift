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
      """)

  @OptionGroup var trace: TraceArgument
  @OptionGroup var output: OutputOptions

  func run() throws {
    let file = try trace.open()
    if file.metadata.regions != nil, file.metadata.knowsAddresses { return try runSampled(file) }
    let inventory = TraceInventory(of: file)
    try output.print(
      InfoText.document(
        traceName: trace.name, metadata: file.metadata, summary: file.summary,
        inventory: inventory)
    ) {
      try InfoJSON.render(metadata: file.metadata, summary: file.summary, inventory: inventory)
    }
  }
}
