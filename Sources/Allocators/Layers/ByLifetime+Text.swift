// How the layer that keeps long and short lives apart is written.

internal import MemoryUnits

extension HeapEntry {
  static let byLifetime = HeapEntry(
    description: HeapDescription(
      name: "by-lifetime", summary: "two heaps: one for call sites whose blocks live long",
      parameters: ByLifetimeParameters.descriptions, below: .required)
  ) { (reader, below) throws(HeapSpecificationError) in
    let parameters = try ByLifetimeParameters(reader)
    return try reader.inSpace(.byLifetime(parameters, on: try reader.layerable(below)))
  }
}

extension ByLifetimeParameters {
  fileprivate static let descriptions = [
    ParameterDescription(
      name: "split", values: "<bytes from 1 to 1T>", defaultValue: "1M",
      help: "bytes allocated during its life that make a block long-lived"),
    ParameterDescription(
      name: "oracle", values: "yes|no", defaultValue: "no",
      help: "judge the sites by the whole trace from the start"),
    ParameterDescription(
      name: "learn", values: "<1% to 99%>", defaultValue: "10%",
      help: "the first part of the allocations, from which sites are judged afterwards"),
  ]

  fileprivate init(_ reader: SettingReader) throws(HeapSpecificationError) {
    self.init()
    split = try reader.size("split", 1, 1 << 40) ?? split
    isOracle = try reader.word("oracle", among: ["yes", "no"]).map { $0 == "yes" } ?? isOracle
    if let setting = reader.settings["learn"] {
      guard setting.value.hasSuffix("%"), let percent = Int(setting.value.dropLast()),
        percent >= 1, percent <= 99
      else { throw reader.badValue("learn", setting) }
      learnPercent = percent
    }
  }

  var texts: [String: String] {
    [
      "split": SizeText.exact(split), "oracle": isOracle ? "yes" : "no",
      "learn": "\(learnPercent)%",
    ]
  }
}
