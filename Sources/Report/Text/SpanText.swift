// Which part of a trace the figures are about.

import Analysis
import MemoryUnits
public import Trace

/// The part of a trace that a result is about, in text.
public enum SpanText {
  /// A result with the part of the trace before it that it is about, where that is not the whole.
  public static func document(_ document: TextDocument, of span: TraceSpan?) -> TextDocument {
    guard let span else { return document }
    var result = TextDocument([.facts([fact(span)])])
    result.append(contentsOf: document)
    return result
  }

  /// From when to when.
  static func fact(_ span: TraceSpan) -> TextFact {
    guard span.usesTimes else {
      return TextFact(
        "range",
        "steps \(Formats.count(span.lowerBound)) to \(Formats.count(span.upperBound))")
    }
    return TextFact(
      "range",
      "\(Formats.duration(nanoseconds: span.lowerBound)) to "
        + "\(Formats.duration(nanoseconds: span.upperBound)) of the trace")
  }
}
