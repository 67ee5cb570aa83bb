// Fit heaps with a list of holes for each range of sizes, and how they are written.

/// How the holes of a fit heap are filed by size, and which one a request takes.
///
/// Everything else is as in the other fit heaps: boundary tags, immediate coalescing, a wilderness
/// at the top. In every list the hole that appeared last stands first; a hole whose bounds change is
/// filed anew.
public enum FilingRule: Hashable, Sendable {
  /// Segregated fits (Wilson et al., IWMM 1995, §3.6): see `SegregatedFit`.
  case segregated(ClassScheme)
  /// TLSF (Masmano et al., ECRTS 2004) with 2^sl lists for each power of two: see `TwoLevelFit`.
  case twoLevel(sl: Int)
  /// Half-fit (Ogasawara, RTCSA 1995): one list for each power of two.
  case halfFit

  /// The name in specifications.
  var name: String {
    switch self {
    case .segregated: "segregated-fit"
    case .twoLevel: "tlsf"
    case .halfFit: "half-fit"
    }
  }

  var texts: [String: String] {
    switch self {
    case .segregated(let classes): ["classes": classes.text]
    case .twoLevel(let sl): ["sl": "\(sl)"]
    case .halfFit: [:]
    }
  }
}

extension FilingRule {
  static let entries = [
    entry(
      .segregated(.powersOfTwo), "a list of holes for each range of sizes: first fit in the list",
      [ClassScheme.description(default: .powersOfTwo)]
    ) { (reader) throws(HeapSpecificationError) in
      .segregated(try reader.classes() ?? .powersOfTwo)
    },
    entry(
      .twoLevel(sl: 5),
      "two-level segregated fit: a hole of the first list where all are large enough",
      [
        ParameterDescription(
          name: "sl", values: "<count up to 6>", defaultValue: "5",
          help: "2 to this power are the lists of holes for each power of two")
      ]
    ) { (reader) throws(HeapSpecificationError) in .twoLevel(sl: try reader.count("sl", 0, 6) ?? 5)
    },
    entry(
      .halfFit, "half-fit: a list of holes for each power of two, of which all are large enough", []
    ) { (_) throws(HeapSpecificationError) in .halfFit },
  ]

  private static func entry(
    _ rule: FilingRule, _ summary: String, _ parameters: [ParameterDescription],
    _ read: @escaping @Sendable (SettingReader) throws(HeapSpecificationError) -> FilingRule
  ) -> HeapEntry {
    let shared = FitParameters.descriptions.filter { !["order", "coalesce"].contains($0.name) }
    let description = HeapDescription(
      name: rule.name, summary: summary, parameters: parameters + shared)
    return HeapEntry(description: description) { (reader, _) throws(HeapSpecificationError) in
      .filed(try read(reader), try FitParameters(reader))
    }
  }

  /// Builds the heap and hands it to the visitor.
  @inlinable
  func build<Visitor: HeapVisitor>(
    _ parameters: FitParameters, _ visitor: inout Visitor
  ) -> Visitor.Result {
    switch self {
    case .segregated(let classes):
      visitor.visit(FitHeap<SegregatedFit>(parameters, classes: classes))
    case .twoLevel(let sl): visitor.visit(FitHeap<TwoLevelFit>(parameters, sl: sl))
    case .halfFit: visitor.visitBoxed(FitHeap<TwoLevelFit>(parameters, sl: 0))
    }
  }
}
