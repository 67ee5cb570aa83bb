// How the fit heaps and their settings are written.

internal import MemoryUnits

extension FitPolicyName {
  private var summary: String {
    switch self {
    case .firstFit: "the hole of lowest address that is large enough"
    case .bestFit: "the smallest hole that is large enough"
    case .nextFit: "the first hole that is large enough behind the last placement"
    case .worstFit: "the largest hole"
    }
  }

  var entry: HeapEntry {
    HeapEntry(
      description: HeapDescription(
        name: rawValue, summary: summary, parameters: FitParameters.descriptions)
    ) { (reader, _) throws(HeapSpecificationError) in .fit(self, try FitParameters(reader)) }
  }
}

extension FitParameters {
  static let descriptions = plainDescriptions + Compaction.descriptions

  private static let plainDescriptions = [
    ParameterDescription(
      name: "header", values: "<bytes up to 1M>", defaultValue: "0",
      help: "bytes that each block costs on top of its size"),
    ParameterDescription(
      name: "align", values: "<power of two up to 256M>", defaultValue: "16",
      help: "addresses and granted sizes are multiples of this"),
    ParameterDescription(
      name: "min", values: "<bytes from 1 to 1G>", defaultValue: "16",
      help: "smallest piece left over by a split; a smaller rest stays with the block"),
    ParameterDescription(
      name: "growth", values: "<bytes from 1 to 1T>", defaultValue: "4k",
      help: "the heap is extended by multiples of this"),
    ParameterDescription(
      name: "trim", values: "never|always|<bytes>", defaultValue: "never",
      help: "free space at the top goes back to the system at once, or when it exceeds so much"),
    ParameterDescription(
      name: "order", values: HoleOrder.words, defaultValue: "address",
      help: "the list of holes: by address, or new pieces at its front, or at its back"),
    ParameterDescription(
      name: "coalesce", values: CoalesceRule.words, defaultValue: "immediate",
      help: "when freed blocks join free neighbours; deferred: once a request fits no hole"),
  ]

  init(_ reader: SettingReader) throws(HeapSpecificationError) {
    self.init()
    header = try reader.size("header", 0, 1 << 20) ?? header
    align = try reader.powerOfTwo("align", 1 << 28) ?? align
    min = try reader.size("min", 1, 1 << 30) ?? min
    growth = try reader.size("growth", 1, 1 << 40) ?? growth
    trim = try Self.trim(reader) ?? trim
    order = try reader.word("order", among: HoleOrder.allCases) ?? order
    coalesce = try reader.word("coalesce", among: CoalesceRule.allCases) ?? coalesce
    compaction = try Compaction(reader)
    if compaction.method != .none { try requirePlainList(reader) }
  }

  private func requirePlainList(_ reader: SettingReader) throws(HeapSpecificationError) {
    guard order != .address || coalesce != .immediate else { return }
    let position = reader.settings["compact"]?.position ?? 0
    let reason = "compact works with order=address and coalesce=immediate only"
    throw reader.parser.error(.unfit(reason), at: position)
  }

  private static func trim(_ reader: SettingReader) throws(HeapSpecificationError) -> TrimRule? {
    switch reader.settings["trim"]?.value {
    case nil: nil
    case "never": .never
    case "always": .always
    default: try reader.size("trim", 0, 1 << 62).map { .above($0) }
    }
  }

  var texts: [String: String] {
    let plain = [
      "header": SizeText.exact(header), "align": SizeText.exact(align),
      "min": SizeText.exact(min), "growth": SizeText.exact(growth), "trim": trim.text,
      "order": order.rawValue, "coalesce": coalesce.rawValue,
    ]
    return plain.merging(compaction.texts) { first, _ in first }
  }
}

extension TrimRule {
  fileprivate var text: String {
    switch self {
    case .never: "never"
    case .always: "always"
    case .above(let bytes): SizeText.exact(bytes)
    }
  }
}
