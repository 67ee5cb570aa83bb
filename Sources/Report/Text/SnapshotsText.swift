// `lacuna info`: the snapshots of a process's memory, in text.

import Analysis
import MemoryUnits
public import Trace

/// What the kernel said of the memory of the process.
public enum SnapshotsText {
  /// The last snapshot, by what the memory is for; nothing where there is none.
  public static func last(_ snapshots: [Snapshot]) -> TextDocument {
    // A light one knows less than a heavy one before it.
    guard let last = snapshots.last(where: { $0.pages.source != .unknown }) ?? snapshots.last else {
      return TextDocument()
    }
    let rows = last.shares.map { share in
      [
        share.kind, Formats.count(share.mappings), "\(share.bytes)",
        share.resident.map { "\($0)" } ?? "?",
      ]
    }
    let memory = last.memory
    return TextDocument([
      .heading("Memory after \(Formats.time(last.time)) (\(last.reason.name))", level: 2),
      .facts([
        TextFact("resident", "\(memory.resident)"),
        TextFact("  anonymous", "\(memory.residentAnonymous)"),
        TextFact("  of files", "\(memory.residentFile)"),
        TextFact("  shared", "\(memory.residentShared)"),
        TextFact("  of Lacuna", memory.tool.map { "\($0), in the figures above" } ?? "?"),
      ]),
      .table(
        TextTable(
          columns: [
            TextColumn("kind", .left), TextColumn("mappings"), TextColumn("mapped"),
            TextColumn("resident"),
          ], rows: rows)),
    ])
  }

  /// All snapshots, a line each.
  public static func list(_ snapshots: [Snapshot]) -> TextDocument {
    let rows = snapshots.map { snapshot in
      [
        Formats.time(snapshot.time), snapshot.reason.name,
        Formats.count(snapshot.steps.lowerBound),
        Formats.count(snapshot.steps.upperBound - snapshot.steps.lowerBound),
        "\(snapshot.memory.resident)", "\(snapshot.memory.residentAnonymous)",
        Formats.count(snapshot.mappings.count),
        snapshot.pages.source == .unknown ? "" : Formats.count(snapshot.pages.present.count),
        snapshot.threadCaches.map { caches in
          Formats.count(caches.reduce(0) { $0 + ($1.blockCount ?? 0) })
        } ?? "",
      ]
    }
    return TextDocument([
      .heading("Snapshots", level: 2),
      .table(
        TextTable(
          columns: [
            TextColumn("time"), TextColumn("reason", .left), TextColumn("after steps"),
            TextColumn("steps meanwhile", isMinor: true), TextColumn("resident"),
            TextColumn("anonymous"), TextColumn("mappings", isMinor: true),
            TextColumn("page ranges"), TextColumn("cached blocks", isMinor: true),
          ], rows: rows)),
    ])
  }
}
