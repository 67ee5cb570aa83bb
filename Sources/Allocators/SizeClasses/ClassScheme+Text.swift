// How class schemes are written: a name, a count per doubling, or sizes with colons between.

internal import MemoryUnits

extension ClassScheme {
  static let values =
    "powers|fibonacci|jemalloc|mimalloc|tcmalloc|<n>-per-doubling|<size>:<size>:…"

  private static let named: [(name: String, scheme: ClassScheme)] = [
    ("powers", .powersOfTwo), ("fibonacci", .fibonacci), ("jemalloc", .jemalloc),
    ("mimalloc", .mimalloc), ("tcmalloc", .tcmalloc),
  ]

  /// The description of a setting `classes`.
  static func description(default scheme: ClassScheme) -> ParameterDescription {
    ParameterDescription(
      name: "classes", values: values, defaultValue: scheme.text,
      help: "the sizes to which requests are rounded up")
  }

  /// Nil when the text names no scheme.
  init?(parsing text: String) {
    let suffix = "-per-doubling"
    if let found = Self.named.first(where: { $0.name == text }) {
      self = found.scheme
    } else if text.hasSuffix(suffix) {
      guard let count = Int(text.dropLast(suffix.count)), (1...64).contains(count) else {
        return nil
      }
      self = .perDoubling(count)
    } else {
      guard let sizes = Self.list(text, multiplesOf: 8, upTo: Self.listLimit) else { return nil }
      self = .sizes(sizes)
    }
  }

  /// Ascending sizes with colons between.
  static func list(_ text: String, multiplesOf unit: Int, upTo limit: Int) -> [Int]? {
    var sizes: [Int] = []
    for part in text.split(separator: ":", omittingEmptySubsequences: false) {
      guard let size = ByteCount(parsing: part)?.int, size > sizes.last ?? 0, size <= limit,
        size % unit == 0
      else { return nil }
      sizes.append(size)
    }
    return sizes
  }

  var text: String {
    switch self {
    case .perDoubling(let count): "\(count)-per-doubling"
    case .sizes(let sizes):
      sizes.map { SizeText.exact(ByteCount($0)) }.joined(separator: ":")
    default: Self.named.first { $0.scheme == self }?.name ?? ""
    }
  }
}

extension SettingReader {
  /// The setting `classes`.
  func classes() throws(HeapSpecificationError) -> ClassScheme? {
    guard let setting = settings["classes"] else { return nil }
    guard let scheme = ClassScheme(parsing: setting.value) else {
      throw badValue("classes", setting)
    }
    return scheme
  }
}
