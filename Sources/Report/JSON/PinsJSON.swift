// `lacuna pins --json`: who keeps pages from being returned.

public import Analysis
import MemoryUnits
public import Trace

/// The blame for pinned pages, for scripts.
public enum PinsJSON {
  /// One JSON object.
  ///
  /// The sites' `pinnedBytes` are whole bytes that sum to the total.
  public static func render(_ report: PinReport, span: TraceSpan? = nil) throws -> String {
    try JSONValue.document(members(report), span: span).text()
  }

  static func members(_ report: PinReport) -> [String: JSONValue] {
    let shares = LargestRemainder.round(
      report.sites.map(\.pinned), total: report.pinned.rawValue)
    return [
      "freePageBytes": JSONValue(report.freePageBytes),
      "occupiedPages": JSONValue(report.occupiedPages),
      "pinnedBytes": JSONValue(report.pinned),
      "sites": .array(zip(report.sites, shares).map { site($0, share: $1) }),
      "step": .step(report.time, countsSteps: report.countsSteps),
      "timeSeconds": .seconds(report.time, countsSteps: report.countsSteps),
    ]
  }

  private static func site(_ site: PinnedSite, share: Int64) -> JSONValue {
    .object([
      "blocks": JSONValue(site.blocks),
      "file": site.frame.file.map { .string($0) } ?? .null,
      "function": .string(site.frame.function),
      "line": site.frame.line.map { JSONValue($0) } ?? .null,
      "liveBytes": JSONValue(site.live),
      "module": .string(site.frame.module),
      "pages": JSONValue(site.pages),
      "pinnedBytes": .integer(share),
      "soleBytes": JSONValue(site.sole),
      "stack": JSONValue(site.stack.map(\.function)),
    ])
  }
}
