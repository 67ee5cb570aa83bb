// How the meshing heap and its settings are written.

internal import MemoryUnits

extension MeshParameters {
  static let entry = HeapEntry(
    description: HeapDescription(
      name: "mesh", summary: "spans whose live slots do not collide share their memory",
      parameters: [
        ClassScheme.description(default: .jemalloc),
        ParameterDescription(
          name: "span", values: "<whole pages up to 64k>", defaultValue: "4k",
          help: "the bytes of a span; more where that holds fewer than eight slots"),
        ParameterDescription(
          name: "slots", values: "random|first", defaultValue: "random",
          help: "which free slot of a span is used next"),
        ParameterDescription(
          name: "every", values: "<frees up to 1000000000>", defaultValue: "1000",
          help: "spans are meshed after so many frees; never if 0"),
        ParameterDescription(
          name: "probes", values: "<count from 1 to 4096>", defaultValue: "64",
          help: "how often a span is compared with another in a round"),
        ParameterDescription(
          name: "seed", values: "<number up to 1000000000>", defaultValue: "1",
          help: "what randomness follows from"),
      ], below: .optional("pages"))
  ) { (reader, below) throws(HeapSpecificationError) in
    .mesh(try MeshParameters(reader), on: try reader.ground(below))
  }

  private init(_ reader: SettingReader) throws(HeapSpecificationError) {
    self.init()
    classes = try reader.classes() ?? classes
    span = try reader.size("span", 4096, 1 << 16) ?? span
    if span.rawValue % 4096 != 0, let setting = reader.settings["span"] {
      throw reader.badValue("span", setting)
    }
    let choices = SlotChoice.allCases.map(\.rawValue)
    slots = try reader.word("slots", among: choices).flatMap(SlotChoice.init) ?? slots
    every = try reader.count("every", 0, 1_000_000_000) ?? every
    probes = try reader.count("probes", 1, 4096) ?? probes
    seed = try reader.count("seed", 0, 1_000_000_000) ?? seed
  }

  var texts: [String: String] {
    [
      "classes": classes.text, "span": SizeText.exact(span), "slots": slots.rawValue,
      "every": "\(every)", "probes": "\(probes)", "seed": "\(seed)",
    ]
  }
}
