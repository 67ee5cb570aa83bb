// Naming a heap in one string, which the command line, the reports and JSON all use.

/// Which heap, with which settings.
public enum HeapKind: Hashable, Sendable {
  /// The heap of the traced program, as recorded; replay builds it from the trace.
  case recorded
  case fit(FitPolicyName, FitParameters)
  case buddy(BuddyParameters)
}

/// The rules that choose among holes.
public enum FitPolicyName: String, CaseIterable, Hashable, Sendable {
  case firstFit = "first-fit"
  case bestFit = "best-fit"
  case nextFit = "next-fit"
  case worstFit = "worst-fit"
}

/// A heap as users write it: a name, and settings that differ from the defaults in parentheses, as in
/// `first-fit` or `best-fit(align=8,trim=always)`.
///
/// `HeapCatalogue` lists the names and settings. Case and spaces do not matter. Equal specifications
/// have equal descriptions, and a description parses back to an equal specification.
public struct HeapSpecification: Hashable, Sendable {
  /// Which heap, with which settings.
  public let kind: HeapKind

  /// The specification of this heap.
  public init(_ kind: HeapKind) { self.kind = kind }

  /// Reads a specification.
  ///
  /// Throws what is wrong with it and where.
  public init(parsing text: some StringProtocol) throws(HeapSpecificationError) {
    var parser = SpecificationParser(text)
    kind = try parser.parse()
  }
}

extension HeapSpecification: CustomStringConvertible {
  /// The canonical form: the name and, in the catalogue's order, the settings that are not the
  /// defaults.
  public var description: String {
    let (name, values) = Self.nameAndValues(kind)
    guard let heap = HeapCatalogue.heap(named: name) else { return name }
    var settings: [String] = []
    for parameter in heap.parameters {
      guard let value = values[parameter.name], value != parameter.defaultValue else { continue }
      settings.append("\(parameter.name)=\(value)")
    }
    return settings.isEmpty ? name : "\(name)(\(settings.joined(separator: ",")))"
  }

  private static func nameAndValues(_ kind: HeapKind) -> (String, [String: String]) {
    switch kind {
    case .recorded:
      return ("recorded", [:])
    case .fit(let policy, let parameters):
      let values = [
        "header": SizeText.exact(parameters.header), "align": SizeText.exact(parameters.align),
        "min": SizeText.exact(parameters.min), "growth": SizeText.exact(parameters.growth),
        "trim": trimText(parameters.trim),
      ]
      return (policy.rawValue, values)
    case .buddy(let parameters):
      let values = [
        "min": SizeText.exact(parameters.min), "header": SizeText.exact(parameters.header),
        "growth": SizeText.exact(parameters.growth),
      ]
      return ("buddy", values)
    }
  }

  private static func trimText(_ rule: TrimRule) -> String {
    switch rule {
    case .never: "never"
    case .always: "always"
    case .above(let bytes): SizeText.exact(bytes)
    }
  }
}
