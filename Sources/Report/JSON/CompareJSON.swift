// `lacuna compare --json`: many heaps side by side.

public import Analysis
import MemoryUnits
public import Trace

/// Many heaps side by side, for scripts.
public enum CompareJSON {
  /// One JSON object whose `results` are in the order of rank: the smallest peak of resident
  /// memory first.
  ///
  /// Each has what `lacuna replay --json` has, and how far it is from what really happened
  /// (`residentToRecorded`) and from the bound (`heldToBound`), as fractions over 1; null where that is
  /// unknown. `bounds` has the least that any heap can hold, and what is known to be enough.
  public static func render(_ heaps: [HeapMeasures], span: TraceSpan? = nil) throws -> String {
    let ranking = Ranking(heaps)
    let bounds: JSONValue = .object([
      "liveBytes": JSONValue(ranking.peakLive),
      "optimumBytes": ranking.optimum.map { JSONValue($0.peakHeld) } ?? .null,
    ])
    return try JSONValue.document(["bounds": bounds, "results": results(heaps)], span: span).text()
  }

  static func results(_ heaps: [HeapMeasures]) -> JSONValue {
    .array(
      Ranking(heaps).heaps.map { heap in
        var members = ReplayJSON.members(heap.measures)
        members["rank"] = JSONValue(heap.rank)
        members["residentToRecorded"] = JSONValue(heap.relative)
        members["heldToBound"] = JSONValue(heap.overBound)
        return .object(members)
      })
  }
}
