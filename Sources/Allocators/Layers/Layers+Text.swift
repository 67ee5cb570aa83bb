// How the layers and their settings are written.

internal import MemoryUnits

extension HeapEntry {
  static let threadCache = HeapEntry(
    description: HeapDescription(
      name: "thread-cache", summary: "a cache of free blocks for each thread and size class",
      parameters: ThreadCacheParameters.descriptions, below: .required)
  ) { (reader, below) throws(HeapSpecificationError) in
    let parameters = try ThreadCacheParameters(reader)
    return .threadCache(parameters, on: try reader.layerable(below))
  }

  static let arenas = HeapEntry(
    description: HeapDescription(
      name: "arenas", summary: "several heaps side by side, to which threads are bound",
      parameters: ArenasParameters.descriptions, below: .required)
  ) { (reader, below) throws(HeapSpecificationError) in
    let parameters = try ArenasParameters(reader)
    return try reader.inSpace(.arenas(parameters, on: try reader.layerable(below)))
  }

  static let mmapThreshold = HeapEntry(
    description: HeapDescription(
      name: "mmap-threshold", summary: "large blocks as mappings of their own",
      parameters: MmapThresholdParameters.descriptions, below: .required)
  ) { (reader, below) throws(HeapSpecificationError) in
    let parameters = try MmapThresholdParameters(reader)
    return try reader.inSpace(.mmapThreshold(parameters, on: try reader.layerable(below)))
  }
}

extension SettingReader {
  /// The heap below, if it is one that a layer can stand on.
  func layerable(_ below: HeapKind?) throws(HeapSpecificationError) -> HeapKind {
    guard let below else {
      throw parser.error(.bottomless(heap.name), at: 0)
    }
    guard !below.isMadeFromTrace else {
      let name = below.layers.first?.name ?? ""
      let why = "\(name) is made from a trace, so no layer can stand on it"
      throw parser.error(.unfit(why), at: 0)
    }
    return below
  }

  /// The kind, if the parts into which its layers cut the address space are not too many.
  func inSpace(_ kind: HeapKind) throws(HeapSpecificationError) -> HeapKind {
    guard kind.spaceBits <= 47 else {
      let why = "these layers put more than 128 heaps side by side, for which there is no space"
      throw parser.error(.unfit(why), at: 0)
    }
    return kind
  }
}

extension ThreadCacheParameters {
  fileprivate static let descriptions = [
    ParameterDescription(
      name: "slots", values: "<count from 1 to 4096>", defaultValue: "32",
      help: "the most free blocks that a thread keeps of a class"),
    ParameterDescription(
      name: "batch", values: "<count from 1 to 4096>", defaultValue: "16",
      help: "blocks fetched from the heap below, or given back, at once"),
    ParameterDescription(
      name: "largest", values: "<bytes from 1 to 256k>", defaultValue: "1k",
      help: "larger requests go past the caches"),
    ParameterDescription(
      name: "classes", values: "<power of two from 8 to 4k>|" + ClassScheme.values,
      defaultValue: "16",
      help: "the multiples of a size, or the sizes to which requests are rounded"),
    ParameterDescription(
      name: "remote", values: "freeing|owner", defaultValue: "freeing",
      help: "whose cache a block goes to: the freeing thread's, or that which fetched it"),
  ]

  fileprivate init(_ reader: SettingReader) throws(HeapSpecificationError) {
    self.init()
    slots = try reader.count("slots", 1, 4096) ?? slots
    batch = try reader.count("batch", 1, 4096) ?? batch
    largest = try reader.size("largest", 1, 1 << 18) ?? largest
    if let setting = reader.settings["classes"] {
      if let step = ByteCount(parsing: setting.value), CacheClasses.areMultiples(of: step) {
        classes = .multiples(of: step)
      } else if let scheme = try reader.classes() {
        classes = .scheme(scheme)
      }
    }
    let words = RemoteFree.allCases.map(\.rawValue)
    remote = try reader.word("remote", among: words).flatMap(RemoteFree.init) ?? remote
  }

  var texts: [String: String] {
    [
      "slots": "\(slots)", "batch": "\(batch)", "largest": SizeText.exact(largest),
      "classes": classes.text, "remote": remote.rawValue,
    ]
  }
}

extension ArenasParameters {
  fileprivate static let descriptions = [
    ParameterDescription(
      name: "count", values: "<count from 1 to 64>", defaultValue: "4", help: "how many heaps"),
    ParameterDescription(
      name: "by", values: "thread|round-robin", defaultValue: "thread",
      help: "a thread gets its arena by its number, or in turn when it first allocates"),
  ]

  fileprivate init(_ reader: SettingReader) throws(HeapSpecificationError) {
    self.init()
    count = try reader.count("count", 1, 64) ?? count
    let words = ArenaBinding.allCases.map(\.rawValue)
    binding = try reader.word("by", among: words).flatMap(ArenaBinding.init) ?? binding
  }

  var texts: [String: String] { ["count": "\(count)", "by": binding.rawValue] }
}

extension MmapThresholdParameters {
  fileprivate static let descriptions = [
    ParameterDescription(
      name: "bytes", values: "<bytes up to 1T>", defaultValue: "128k",
      help: "requests of at least so much get pages of their own"),
    ParameterDescription(
      name: "dynamic", values: "yes|no", defaultValue: "yes",
      help: "freeing such a block of up to 32 MiB makes its length the threshold"),
  ]

  fileprivate init(_ reader: SettingReader) throws(HeapSpecificationError) {
    self.init()
    bytes = try reader.size("bytes", 0, 1 << 40) ?? bytes
    isDynamic = try reader.word("dynamic", among: ["yes", "no"]).map { $0 == "yes" } ?? isDynamic
  }

  var texts: [String: String] {
    ["bytes": SizeText.exact(bytes), "dynamic": isDynamic ? "yes" : "no"]
  }
}

extension CacheClasses {
  fileprivate var text: String {
    switch self {
    case .multiples(let step): SizeText.exact(step)
    case .scheme(let scheme): scheme.text
    }
  }
}
