// The heaps that there are, with all their settings, for help texts and for the parser.

/// A setting of a heap.
public struct ParameterDescription: Hashable, Sendable {
  /// As it is written.
  public let name: String
  /// What one may write, as in `never|always|<bytes>`.
  public let values: String
  /// In canonical form.
  public let defaultValue: String
  /// What it does, in a phrase.
  public let help: String

  package init(name: String, values: String, defaultValue: String, help: String) {
    self.name = name
    self.values = values
    self.defaultValue = defaultValue
    self.help = help
  }
}

/// A heap, or a layer of one, that a specification may name.
public struct HeapDescription: Hashable, Sendable {
  /// What may be written below it, after a slash.
  public enum Below: Hashable, Sendable {
    /// Nothing: it has its memory from the system.
    case nothing
    /// Any heap; this one if none is written.
    case optional(String)
    /// Any heap, and one must be written.
    case required
  }

  /// As it is written.
  public let name: String
  /// What it does, in a phrase.
  public let summary: String
  /// In the order of the canonical form.
  public let parameters: [ParameterDescription]
  /// What it may stand on.
  public let below: Below

  init(
    name: String, summary: String, parameters: [ParameterDescription] = [],
    below: Below = .nothing
  ) {
    self.name = name
    self.summary = summary
    self.parameters = parameters
    self.below = below
  }
}

/// A heap of the catalogue, and how it is made of its settings and of what is below it.
struct HeapEntry: Sendable {
  let description: HeapDescription
  let make: @Sendable (SettingReader, HeapKind?) throws(HeapSpecificationError) -> HeapKind
}

/// All heaps that specifications may name.
public enum HeapCatalogue {
  static let entries: [HeapEntry] =
    [recorded] + FitPolicyName.allCases.map(\.entry) + [.buddy] + classEntries + layerEntries

  private static let classEntries: [HeapEntry] =
    BuddySystem.allCases.map(\.entry) + FilingRule.entries + [
      PagesParameters.entry, SegregatedParameters.entry, SlabParameters.entry,
      FixedPartitionParameters.entry, StaticPartitionParameters.entry,
    ]

  private static let layerEntries: [HeapEntry] = [
    .threadCache, .arenas, .mmapThreshold, .byLifetime, MeshParameters.entry, .offlineOptimum,
  ]

  /// The heaps, in the order in which help shows them.
  public static let heaps: [HeapDescription] = entries.map(\.description)

  /// The heap of exactly this name.
  public static func heap(named name: String) -> HeapDescription? {
    entry(named: name)?.description
  }

  static func entry(named name: String) -> HeapEntry? {
    entries.first { $0.description.name == name }
  }

  private static let recorded = HeapEntry(
    description: HeapDescription(
      name: "recorded", summary: "the addresses that the traced program really got")
  ) { (_, _) throws(HeapSpecificationError) in .recorded }
}
