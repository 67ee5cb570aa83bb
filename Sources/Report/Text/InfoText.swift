// `lacuna info`: what is in a trace, in text.

public import Analysis
import MemoryUnits
public import Trace

/// The totals and the origin of a trace.
public enum InfoText {
  /// Warnings first, then where the trace comes from, then its totals, then the details.
  public static func document(
    traceName: String, metadata: TraceMetadata, summary: TraceSummary, inventory: TraceInventory,
    details: TraceDetails = TraceDetails()
  ) -> TextDocument {
    var document = TextDocument([.heading(traceName, level: 1)])
    for warning in Warnings.of(metadata: metadata, summary: summary, inventory: inventory) {
      document.append(.warning(warning))
    }
    document.append(.facts(origin(metadata)))
    document.append(
      .facts(
        totals(
          summary, metadata, inventory: inventory, snapshots: details.snapshots.count)))
    document.append(contentsOf: details.document)
    return document
  }

  static func origin(_ metadata: TraceMetadata) -> [TextFact] {
    var facts: [TextFact] = []
    func add(_ name: String, _ value: String) {
      if !value.isEmpty { facts.append(TextFact(name, value)) }
    }
    add("command", metadata.command.joined(separator: " "))
    add("executable", metadata.executable)
    add("process", metadata.processID > 0 ? "\(metadata.processID)" : "")
    add("recorded", Formats.date(secondsSince1970: metadata.startedAt) ?? "")
    add("kernel", metadata.kernel)
    add("malloc of", metadata.allocator)
    add("written by", metadata.writer.isEmpty ? "" : "Lacuna \(metadata.writer)")
    return facts
  }

  static func totals(
    _ summary: TraceSummary, _ metadata: TraceMetadata, inventory: TraceInventory, snapshots: Int
  ) -> [TextFact] {
    let snapshotNanoseconds = metadata.snapshotNanoseconds
    let peak =
      metadata.knowsTimes
      ? Formats.duration(nanoseconds: summary.peakNanoseconds)
      : "step \(Formats.count(summary.peakStep))"
    let each =
      summary.events > 0
      ? Double(inventory.fileBytes.rawValue) / Double(summary.events) : nil
    var facts = [
      TextFact("duration", Formats.length(summary, metadata)),
      TextFact("events", Formats.count(summary.events)),
      TextFact("  allocations", Formats.count(summary.allocations)),
      TextFact("  frees", Formats.count(summary.frees)),
      TextFact("  reallocations", Formats.count(summary.reallocations)),
      TextFact("processes", Formats.count(inventory.processes)),
      TextFact("threads", Formats.count(inventory.threads)),
      TextFact("call stacks", Formats.count(inventory.stacks)),
      TextFact("modules", Formats.count(inventory.modules)),
      TextFact(
        "snapshots",
        Formats.count(snapshots)
          + (snapshotNanoseconds == 0
            ? ""
            : " in \(Formats.duration(nanoseconds: snapshotNanoseconds)) of a processor")),
      TextFact(
        "peak live",
        "\(ByteCount(summary.peakLiveBytes)) after"
          + " \(peak);"
          + " at most \(Formats.count(summary.peakLiveBlocks)) blocks"),
      TextFact(
        "live at end",
        "\(ByteCount(summary.liveBytesAtEnd)) in \(Formats.count(summary.liveBlocksAtEnd)) blocks"),
    ]
    if inventory.fileBytes > .zero {
      let perEvent = each.map { "; \(Formats.decimal($0, places: 2)) bytes an event" } ?? ""
      facts.append(TextFact("file", "\(inventory.fileBytes)\(perEvent)"))
    }
    return facts
  }
}
