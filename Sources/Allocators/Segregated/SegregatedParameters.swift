// The settings of segregated storage, and how they are written.

public import MemoryUnits

/// The settings of a layer of segregated storage.
public struct SegregatedParameters: Hashable, Sendable {
  /// Which free cell of a class is used next.
  public enum Order: String, CaseIterable, Hashable, Sendable {
    /// The one that was freed last; then those that were never used, lowest first.
    case lifo
    /// The one of lowest address.
    case address
  }

  /// The sizes of the cells.
  public var classes = ClassScheme.jemalloc
  /// A run has as many cells as this holds, one at least, and ends with a page.
  public var slab: ByteCount = 65536
  /// Whether a run without live cells goes back to the heap below at once; else never.
  public var returnsRuns = true
  /// Which free cell of a class is used next.
  public var order = Order.lifo

  /// The defaults.
  public init() {}

  /// The defaults but for what is named.
  public init(
    classes: ClassScheme = .jemalloc, slab: ByteCount = 65536, returnsRuns: Bool = true,
    order: Order = .lifo
  ) {
    self.classes = classes
    self.slab = slab
    self.returnsRuns = returnsRuns
    self.order = order
  }
}

extension SegregatedParameters {
  static let entry = HeapEntry(
    description: HeapDescription(
      name: "segregated",
      summary: "segregated storage: runs cut into cells of one size, a free list for each size",
      parameters: [
        ClassScheme.description(default: .jemalloc),
        ParameterDescription(
          name: "slab", values: "<bytes from 4k to 1M>", defaultValue: "64k",
          help: "a run has as many cells as this holds, one at least"),
        ParameterDescription(
          name: "return", values: "always|never", defaultValue: "always",
          help: "whether a run without live cells goes back to the heap below"),
        ParameterDescription(
          name: "order", values: "lifo|address", defaultValue: "lifo",
          help: "which free cell of a class is used next"),
      ], below: .optional("pages"))
  ) { (reader, below) throws(HeapSpecificationError) in
    .segregated(try SegregatedParameters(reader), on: try reader.ground(below))
  }

  private init(_ reader: SettingReader) throws(HeapSpecificationError) {
    self.init()
    classes = try reader.classes() ?? classes
    slab = try reader.size("slab", 4096, 1 << 20) ?? slab
    returnsRuns = try reader.word("return", among: ["always", "never"]) != "never"
    order = Order(rawValue: try reader.word("order", among: ["lifo", "address"]) ?? "") ?? order
  }

  var texts: [String: String] {
    [
      "classes": classes.text, "slab": SizeText.exact(slab),
      "return": returnsRuns ? "always" : "never", "order": order.rawValue,
    ]
  }
}

extension SettingReader {
  /// The heap below a layer.
  func ground(_ below: HeapKind?) throws(HeapSpecificationError) -> HeapKind {
    guard let below, below != .recorded else {
      throw parser.error(
        .unfit("\(heap.name) cannot stand on the recorded heap, whose answers are fixed"), at: 0)
    }
    return try layerable(below)
  }
}
