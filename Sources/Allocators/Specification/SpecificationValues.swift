// From settings as written to settings that a heap can work with.

internal import MemoryUnits

extension SpecificationParser {
  /// The heap with its settings, each within its bounds.
  static func kind(
    _ heap: HeapDescription, _ settings: [String: Setting], _ parser: SpecificationParser
  ) throws(HeapSpecificationError) -> HeapKind {
    let reader = ValueReader(heap: heap, settings: settings, parser: parser)
    if let policy = FitPolicyName(rawValue: heap.name) {
      return .fit(policy, try reader.fitParameters())
    }
    return heap.name == "buddy" ? .buddy(try reader.buddyParameters()) : .recorded
  }

  struct ValueReader {
    let heap: HeapDescription
    let settings: [String: Setting]
    let parser: SpecificationParser

    func fitParameters() throws(HeapSpecificationError) -> FitParameters {
      var parameters = FitParameters()
      parameters.header = try size("header", 0, 1 << 20) ?? parameters.header
      parameters.align = try powerOfTwo("align", 1 << 28) ?? parameters.align
      parameters.min = try size("min", 1, 1 << 30) ?? parameters.min
      parameters.growth = try size("growth", 1, 1 << 40) ?? parameters.growth
      parameters.trim = try trim() ?? parameters.trim
      try checkWord("order")
      try checkWord("coalesce")
      return parameters
    }

    func buddyParameters() throws(HeapSpecificationError) -> BuddyParameters {
      var parameters = BuddyParameters()
      parameters.min = try powerOfTwo("min", 1 << 30) ?? parameters.min
      parameters.header = try size("header", 0, 1 << 20) ?? parameters.header
      parameters.growth = try powerOfTwo("growth", 1 << 30) ?? parameters.growth
      return parameters
    }

    private func size(
      _ name: String, _ least: Int64, _ most: Int64
    ) throws(HeapSpecificationError) -> ByteCount? {
      guard let setting = settings[name] else { return nil }
      guard let size = ByteCount(parsing: setting.value), size.rawValue >= least,
        size.rawValue <= most
      else { throw badValue(name, setting) }
      return size
    }

    private func powerOfTwo(
      _ name: String, _ most: Int64
    ) throws(HeapSpecificationError) -> ByteCount? {
      guard let size = try size(name, 1, most), let setting = settings[name] else { return nil }
      guard size.rawValue & (size.rawValue - 1) == 0 else { throw badValue(name, setting) }
      return size
    }

    private func trim() throws(HeapSpecificationError) -> TrimRule? {
      switch settings["trim"]?.value {
      case nil: nil
      case "never": .never
      case "always": .always
      default: try size("trim", 0, 1 << 62).map { .above($0) }
      }
    }

    /// A setting of which this version knows one value only.
    private func checkWord(_ name: String) throws(HeapSpecificationError) {
      guard let setting = settings[name] else { return }
      let allowed = heap.parameters.first { $0.name == name }?.defaultValue
      guard setting.value == allowed else { throw badValue(name, setting) }
    }

    private func badValue(_ name: String, _ setting: Setting) -> HeapSpecificationError {
      let allowed = heap.parameters.first { $0.name == name }?.values ?? ""
      return parser.error(
        .badValue(setting.value, of: name, allowed: allowed), at: setting.position)
    }
  }
}
