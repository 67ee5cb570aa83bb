// The settings of slab caches, and how they are written.

/// The settings of a layer of slab caches.
public struct SlabParameters: Hashable, Sendable {
  /// Which free object of a slab is used next.
  public enum ObjectOrder: String, CaseIterable, Hashable, Sendable {
    /// The one that was freed last; then those that were never used, lowest first.
    case lifo
    /// The one of lowest address.
    case address
  }

  /// Which partial slab of a cache is used next.
  public enum PartialOrder: String, CaseIterable, Hashable, Sendable {
    /// The one of which an object was allocated or freed last.
    case recent
    /// The one that has been partial for the longest time.
    case oldest
    /// The one of lowest address.
    case address
  }

  /// The sizes of the objects: one cache for each.
  public var classes = ClassScheme.jemalloc
  /// A slab is the fewest pages that hold so many objects.
  public var objects = 8
  /// Which free object of a slab is used next.
  public var order = ObjectOrder.lifo
  /// Which partial slab of a cache is used next.
  public var partial = PartialOrder.recent
  /// A cache keeps at most so many slabs without live objects.
  public var keep = 1

  /// The defaults.
  public init() {}

  /// The defaults but for what is named.
  public init(
    classes: ClassScheme = .jemalloc, objects: Int = 8, order: ObjectOrder = .lifo,
    partial: PartialOrder = .recent, keep: Int = 1
  ) {
    self.classes = classes
    self.objects = objects
    self.order = order
    self.partial = partial
    self.keep = keep
  }
}

extension SlabParameters {
  static let objectLimit = 4096
  static let keepLimit = 1 << 20

  static let entry = HeapEntry(
    description: HeapDescription(
      name: "slab", summary: "slab caches: full, partial and empty slabs of one size each",
      parameters: [
        ClassScheme.description(default: .jemalloc),
        ParameterDescription(
          name: "objects", values: "<count from 1 to 4096>", defaultValue: "8",
          help: "a slab is the fewest pages that hold so many objects"),
        ParameterDescription(
          name: "order", values: "lifo|address", defaultValue: "lifo",
          help: "which free object of a slab is used next"),
        ParameterDescription(
          name: "partial", values: "recent|oldest|address", defaultValue: "recent",
          help: "which partial slab is used next: the one used last, the one partial for the "
            + "longest time, or the lowest"),
        ParameterDescription(
          name: "keep", values: "<count up to 1048576>", defaultValue: "1",
          help: "a cache keeps at most so many slabs without live objects"),
      ], below: .optional("pages"))
  ) { (reader, below) throws(HeapSpecificationError) in
    .slab(try SlabParameters(reader), on: try reader.ground(below))
  }

  private init(_ reader: SettingReader) throws(HeapSpecificationError) {
    self.init()
    classes = try reader.classes() ?? classes
    objects = try reader.count("objects", 1, Self.objectLimit) ?? objects
    let orders = ObjectOrder.allCases.map(\.rawValue)
    order = ObjectOrder(rawValue: try reader.word("order", among: orders) ?? "") ?? order
    let partials = PartialOrder.allCases.map(\.rawValue)
    partial = PartialOrder(rawValue: try reader.word("partial", among: partials) ?? "") ?? partial
    keep = try reader.count("keep", 0, Self.keepLimit) ?? keep
  }

  var texts: [String: String] {
    [
      "classes": classes.text, "objects": "\(objects)", "order": order.rawValue,
      "partial": partial.rawValue, "keep": "\(keep)",
    ]
  }
}
