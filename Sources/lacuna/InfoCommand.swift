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
    let family = TraceFamily(of: trace.path, metadata: file.metadata)
    let details = try details(of: file, slice, family)
    if file.metadata.regions != nil, file.metadata.knowsAddresses {
      return try runSampled(file, details)
    }
    var inventory = TraceInventory(of: file)
    inventory.processes = family?.members.count ?? 1
    let document = InfoText.document(
      traceName: trace.name, metadata: file.metadata, summary: slice?.summary ?? file.summary,
      inventory: inventory, details: details)
    try output.print(SpanText.document(document, of: slice?.span)) {
      try InfoJSON.render(
        metadata: file.metadata, summary: slice?.summary ?? file.summary, inventory: inventory,
        details: details)
    }
  }

  private func details(
    of file: TraceFile, _ slice: TraceSlice?, _ family: TraceFamily?
  ) throws -> TraceDetails {
    var details = TraceDetails()
    details.marks = file.marks.filter { slice?.contains($0.time) ?? true }
    details.snapshots = file.snapshots.filter { slice?.contains($0.time) ?? true }
    details.listsSnapshots = snapshots
    details.family = family
    details.slice = slice
    details.threads = threads ? try ThreadTally.all(of: file, slice: slice) : nil
    details.calls = entryPoints ? try CallFigures(of: file, slice: slice) : nil
    return details
  }
}
