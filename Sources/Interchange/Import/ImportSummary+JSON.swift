// `lacuna import --json`: what an import brought in, for scripts.

import FoundationEssentials

extension ImportSummary {
  /// One JSON object, with the path of the trace that was written.
  public func json(trace path: String) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    let document = Document(
      allocations: allocations, damage: damage.map { "\($0)" }, events: events,
      firstSkipped: firstSkipped.map { Line(line: $0.line, reason: $0.reason.rawValue) },
      format: format.rawValue, frees: frees, knowsAddresses: knowledge.addresses,
      knowsStacks: knowledge.stacks, knowsThreads: knowledge.threads, knowsTimes: knowledge.times,
      lines: lines, lostEvents: lostEvents, notes: notes, reallocations: reallocations,
      skipped: Dictionary(uniqueKeysWithValues: skipped.map { ($0.key.rawValue, $0.value) }),
      trace: path)
    return String(decoding: try encoder.encode(document), as: UTF8.self) + "\n"
  }

  private struct Line: Encodable {
    var line: UInt64
    var reason: String
  }

  private struct Document: Encodable {
    var schema = 1
    var allocations: UInt64
    var damage: String?
    var events: UInt64
    var firstSkipped: [Line]
    var format: String
    var frees: UInt64
    var knowsAddresses: Bool
    var knowsStacks: Bool
    var knowsThreads: Bool
    var knowsTimes: Bool
    var lines: UInt64
    var lostEvents: UInt64
    var notes: [String]
    var reallocations: UInt64
    var skipped: [String: UInt64]
    var trace: String
  }
}
