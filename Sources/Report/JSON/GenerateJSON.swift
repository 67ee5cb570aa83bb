// `lacuna generate --json`: what was generated.

public import MemoryUnits
public import Trace

/// A trace that was generated.
public struct GeneratedFacts: Sendable {
  var workload: String
  var seed: UInt64
  var trace: String
  var totals: TraceSummary
  var bound: ByteCount?
  var heldByHeap: ByteCount?

  /// - Parameters:
  ///   - workload: its canonical specification.
  ///   - seed: where the random numbers began.
  ///   - trace: the file.
  ///   - totals: of the trace.
  ///   - bound: of Robson's adversary, what any heap must hold at least that moves no block.
  ///   - heldByHeap: of Robson's adversary, what the heap held against which it played.
  public init(
    workload: String, seed: UInt64, trace: String, totals: TraceSummary, bound: ByteCount? = nil,
    heldByHeap: ByteCount? = nil
  ) {
    self.workload = workload
    self.seed = seed
    self.trace = trace
    self.totals = totals
    self.bound = bound
    self.heldByHeap = heldByHeap
  }
}

/// What was generated, for scripts.
public enum GenerateJSON {
  /// One JSON object.
  public static func render(_ facts: GeneratedFacts) throws -> String {
    var members: [String: JSONValue] = [
      "allocations": .unsigned(facts.totals.allocations),
      "events": .unsigned(facts.totals.events),
      "frees": .unsigned(facts.totals.frees),
      "peakLiveBlocks": .unsigned(facts.totals.peakLiveBlocks),
      "peakLiveBytes": .integer(facts.totals.peakLiveBytes),
      "reallocations": .unsigned(facts.totals.reallocations),
      "seed": .unsigned(facts.seed),
      "trace": .string(facts.trace),
      "workload": .string(facts.workload),
    ]
    if let bound = facts.bound { members["boundBytes"] = JSONValue(bound) }
    if let held = facts.heldByHeap { members["heldBytes"] = JSONValue(held) }
    return try JSONValue.document(members).text()
  }
}
