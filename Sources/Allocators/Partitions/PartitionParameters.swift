// The settings of fixed and static partitions, and how they are written.

public import MemoryUnits

/// The settings of a heap of fixed partitions.
public struct FixedPartitionParameters: Hashable, Sendable {
  /// Which free partition a request takes.
  public enum Fit: String, CaseIterable, Hashable, Sendable { case first, best }

  /// The sizes from the lowest address up, whole pages; none: all alike.
  public var sizes: [Int] = []
  /// How many there are, if all are alike.
  public var count = 8
  /// The size of each, if all are alike.
  public var size: ByteCount = 1_048_576
  /// Which free partition a request takes.
  public var fit = Fit.first

  /// The defaults.
  public init() {}

  /// The defaults but for what is named.
  public init(
    sizes: [Int] = [], count: Int = 8, size: ByteCount = 1_048_576, fit: Fit = .first
  ) {
    self.sizes = sizes
    self.count = count
    self.size = size
    self.fit = fit
  }

  /// The sizes of all partitions.
  var list: [Int] { sizes.isEmpty ? Array(repeating: size.int, count: count) : sizes }
}

/// The settings of a heap of static partitions.
public struct StaticPartitionParameters: Hashable, Sendable {
  /// What decides to which region a request goes.
  public enum Criterion: String, CaseIterable, Hashable, Sendable { case size, site }

  /// What decides to which region a request goes.
  public var by = Criterion.size
  /// By size: the largest size of each region but the last, which takes all larger ones.
  public var limits = [64, 1024, 32768]
  /// By site: how many regions there are.
  public var regions = 8
  /// The size of each region, whole pages.
  public var size: ByteCount = 16_777_216

  /// The defaults.
  public init() {}

  /// The defaults but for what is named.
  public init(
    by: Criterion = .size, limits: [Int] = [64, 1024, 32768], regions: Int = 8,
    size: ByteCount = 16_777_216
  ) {
    self.by = by
    self.limits = limits
    self.regions = regions
    self.size = size
  }

  /// How many regions there are.
  var count: Int { by == .size ? limits.count + 1 : regions }
}

// MARK: Text

private let pageSizes = "<multiple of 4k up to 16G>"

extension SettingReader {
  fileprivate func pages(_ name: String) throws(HeapSpecificationError) -> ByteCount? {
    guard let setting = settings[name], let size = try size(name, 4096, 1 << 34) else { return nil }
    guard size.rawValue % 4096 == 0 else { throw badValue(name, setting) }
    return size
  }
}

extension FixedPartitionParameters {
  static let entry = HeapEntry(
    description: HeapDescription(
      name: "fixed-partitions", summary: "memory cut in advance: a whole partition for each block",
      parameters: [
        ParameterDescription(
          name: "sizes", values: "equal|<size>:<size>:…", defaultValue: "equal",
          help: "the partitions from the lowest up, in whole pages; equal: see count and size"),
        ParameterDescription(
          name: "count", values: "<count from 1 to 4096>", defaultValue: "8",
          help: "how many equal partitions there are"),
        ParameterDescription(
          name: "size", values: pageSizes, defaultValue: "1M",
          help: "the size of each equal partition"),
        ParameterDescription(
          name: "fit", values: "first|best", defaultValue: "first",
          help: "which free partition that is large enough a request takes"),
      ])
  ) { (reader, _) throws(HeapSpecificationError) in
    .fixedPartitions(try FixedPartitionParameters(reader))
  }

  private init(_ reader: SettingReader) throws(HeapSpecificationError) {
    self.init()
    if let setting = reader.settings["sizes"], setting.value != "equal" {
      for part in setting.value.split(separator: ":", omittingEmptySubsequences: false) {
        guard let size = ByteCount(parsing: part)?.int, size > 0, size % 4096 == 0, size <= 1 << 34
        else { throw reader.badValue("sizes", setting) }
        sizes.append(size)
      }
    }
    count = try reader.count("count", 1, FixedPartitionHeap.limit) ?? count
    size = try reader.pages("size") ?? size
    fit = try reader.word("fit", among: Fit.allCases) ?? fit
  }

  var texts: [String: String] {
    let list = sizes.map { SizeText.exact(ByteCount($0)) }.joined(separator: ":")
    return [
      "sizes": sizes.isEmpty ? "equal" : list, "count": "\(count)", "size": SizeText.exact(size),
      "fit": fit.rawValue,
    ]
  }
}

extension StaticPartitionParameters {
  static let entry = HeapEntry(
    description: HeapDescription(
      name: "static-partitions",
      summary: "memory divided in advance among sizes or call sites: first fit in each region",
      parameters: [
        ParameterDescription(
          name: "by", values: "size|site", defaultValue: "size",
          help: "whether its size or its call site decides to which region a request goes"),
        ParameterDescription(
          name: "limits", values: "<size>:<size>:…", defaultValue: "64:1k:32k",
          help: "by size: the largest size of each region; one more takes all larger ones"),
        ParameterDescription(
          name: "regions", values: "<count from 1 to 256>", defaultValue: "8",
          help: "by site: how many regions there are"),
        ParameterDescription(
          name: "size", values: pageSizes, defaultValue: "16M", help: "the size of each region"),
      ])
  ) { (reader, _) throws(HeapSpecificationError) in
    .staticPartitions(try StaticPartitionParameters(reader))
  }

  private init(_ reader: SettingReader) throws(HeapSpecificationError) {
    self.init()
    by = try reader.word("by", among: Criterion.allCases) ?? by
    if let setting = reader.settings["limits"] {
      guard let list = ClassScheme.list(setting.value, multiplesOf: 1, upTo: 1 << 40),
        list.count < 256
      else { throw reader.badValue("limits", setting) }
      limits = list
    }
    regions = try reader.count("regions", 1, 256) ?? regions
    size = try reader.pages("size") ?? size
  }

  var texts: [String: String] {
    [
      "by": by.rawValue,
      "limits": limits.map { SizeText.exact(ByteCount($0)) }.joined(separator: ":"),
      "regions": "\(regions)", "size": SizeText.exact(size),
    ]
  }
}
