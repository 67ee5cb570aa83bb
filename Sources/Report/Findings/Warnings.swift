// What makes a report doubtful, said before its figures.

import Analysis
import MemoryUnits
import Trace

/// Sentences about what is missing or contradictory in a trace.
enum Warnings {
  static func of(_ story: Story) -> [String] {
    of(metadata: story.metadata, summary: story.summary, inventory: story.inventory)
      + story.wrongReleases.map(wrongRelease) + story.symbolProblems
  }

  private static func wrongRelease(_ wrong: WrongRelease) -> String {
    let one = wrong.blocks == 1
    return
      "\(Formats.count(wrong.blocks)) \(one ? "block" : "blocks") from \(wrong.allocation.name)"
      + " \(one ? "was" : "were") released by \(wrong.release.name), which is undefined;"
      + " \(one ? "it was" : "most were") asked for in \(wrong.frame.function)."
  }

  static func of(
    metadata: TraceMetadata, summary: TraceSummary, inventory: TraceInventory
  ) -> [String] {
    var warnings: [String] = []
    if !inventory.isComplete {
      warnings.append(
        "The trace is incomplete: the figures speak of the part that could be read, and \"the end\""
          + " is where that part ends.")
    }
    warnings += inventory.damage
    func note(_ count: UInt64, _ singular: String, _ plural: String, _ rest: String) {
      guard count > 0 else { return }
      warnings.append("\(Formats.count(count)) \(count == 1 ? singular : plural) \(rest)")
    }
    if metadata.startsInMidst {
      let freed = Formats.count(summary.freesOfEarlierBlocks)
      warnings.append(
        "Recording began while the program ran: nothing is known of the blocks that lived then, of"
          + " which \(freed) were freed since. What looks free may be theirs: holes and pinned bytes"
          + " are upper bounds.")
    }
    note(
      summary.lostEvents, "request was", "requests were",
      "made and not recorded: live bytes may be wrong from there on.")
    note(
      summary.allocationsOfLiveAddress, "request", "requests",
      "returned an address at which a block already lived; the older block was taken as ended.")
    note(
      summary.freesOfUnknownAddress, "free", "frees",
      "named an address at which no known block lived; most often the block is older than the"
        + " recording.")
    note(
      summary.truncatedStacks, "call stack was", "call stacks were",
      "deeper than the limit and lack their outermost frames.")
    if summary.events > 0 {
      if !metadata.knowsStacks {
        warnings.append("The trace carries no call stacks: blame falls on one unknown site.")
      }
      if !metadata.knowsTimes {
        warnings.append(
          "The trace carries no times: charts show the order of requests, and means over time mean little."
        )
      }
      if !metadata.knowsThreads {
        warnings.append("The trace does not say which thread made a request.")
      }
    }
    return warnings
  }
}
