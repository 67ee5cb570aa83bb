// `lacuna compare -o`: heaps side by side as a page of their own.

public import Analysis
import MemoryUnits
public import Trace

/// The comparison of heaps on one trace as a self-contained page.
public enum ComparePage {
  /// The whole page; as the report, it fetches nothing and shows no time of the replay.
  ///
  /// - Parameters:
  ///   - heaps: in any order.
  ///   - trace: the name of the trace file.
  ///   - metadata: where the trace comes from.
  ///   - span: the part of the trace that was replayed; nil for the whole.
  public static func render(
    _ heaps: [HeapMeasures], trace: String, metadata: TraceMetadata, span: TraceSpan? = nil
  ) -> String {
    let command = metadata.command.joined(separator: " ")
    let part = span.map { " Only " + SpanText.fact($0).value + " counts." } ?? ""
    let content: Markup = """
      <h1>\(trace): heaps compared</h1>
      \(command.isEmpty ? .empty : "<p class=\"command\"><code>\(command)</code></p>" as Markup)
      <p class="answer">\(Formats.unbroken(answer(Ranking(heaps)) + part))</p>
      \(CompareSection.content(heaps))
      """
    return DocumentPage.shell("\(trace): heaps compared", content).html
  }

  /// Who needs least, and against what.
  static func answer(_ ranking: Ranking) -> String {
    guard let best = ranking.bestSimulated else { return "There are no heaps to compare." }
    let peak = "\(best.measures.allocator) needs least: \(best.measures.peakResident) at its peak"
    guard let recorded = ranking.recorded, let relative = best.relative else {
      return peak + ", of \(Formats.counted(ranking.simulatedCount, "heap"))."
    }
    return peak
      + ", \(Formats.signedPercent(relative)) to the \(recorded.peakResident) that really were."
  }
}
