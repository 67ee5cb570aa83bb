// Naming a heap in one string, which the command line, the reports and JSON all use.

/// A heap as users write it: layers from the program's side down, separated by slashes, each a name
/// with the settings that differ from the defaults in parentheses, as in `first-fit`,
/// `best-fit(align=8,trim=always)` or `thread-cache(slots=7)/buddy`.
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
  /// The canonical form: for each layer the name and, in the catalogue's order, the settings that are
  /// not the defaults; without the layer below where it is the one that comes by itself.
  public var description: String {
    var parts: [String] = []
    var implied: String?
    for layer in kind.layers {
      guard let heap = HeapCatalogue.heap(named: layer.name) else { continue }
      let part = Self.text(layer, heap)
      if part != implied { parts.append(part) }
      implied = if case .optional(let name) = heap.below { name } else { nil }
    }
    return parts.joined(separator: "/")
  }

  private static func text(_ layer: LayerText, _ heap: HeapDescription) -> String {
    var settings: [String] = []
    for parameter in heap.parameters {
      guard let value = layer.values[parameter.name], value != parameter.defaultValue else {
        continue
      }
      settings.append("\(parameter.name)=\(value)")
    }
    return settings.isEmpty ? layer.name : "\(layer.name)(\(settings.joined(separator: ",")))"
  }
}
