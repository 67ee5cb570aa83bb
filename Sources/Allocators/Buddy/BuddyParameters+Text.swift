// How the buddy heap and its settings are written.

internal import MemoryUnits

extension HeapEntry {
  static let buddy = HeapEntry(
    description: HeapDescription(
      name: "buddy", summary: "binary buddies: powers of two, halved and rejoined",
      parameters: BuddyParameters.descriptions)
  ) { (reader, _) throws(HeapSpecificationError) in .buddy(try BuddyParameters(reader)) }
}

extension BuddySystem {
  var entry: HeapEntry {
    HeapEntry(
      description: HeapDescription(
        name: rawValue, summary: summary, parameters: BuddyParameters.descriptions)
    ) { (reader, _) throws(HeapSpecificationError) in
      .buddySystem(self, try BuddyParameters(reader))
    }
  }
}

extension BuddyParameters {
  fileprivate static let descriptions = [
    ParameterDescription(
      name: "min", values: "<power of two up to 1G>", defaultValue: "32",
      help: "the smallest block"),
    ParameterDescription(
      name: "header", values: "<bytes up to 1M>", defaultValue: "0",
      help: "bytes that each block costs on top of its size, before rounding"),
    ParameterDescription(
      name: "growth", values: "<power of two up to 1G>", defaultValue: "4k",
      help: "the smallest block that the heap takes from the system"),
  ]

  fileprivate init(_ reader: SettingReader) throws(HeapSpecificationError) {
    self.init()
    min = try reader.powerOfTwo("min", 1 << 30) ?? min
    header = try reader.size("header", 0, 1 << 20) ?? header
    growth = try reader.powerOfTwo("growth", 1 << 30) ?? growth
  }

  var texts: [String: String] {
    [
      "min": SizeText.exact(min), "header": SizeText.exact(header),
      "growth": SizeText.exact(growth),
    ]
  }
}
