// pprof: the profile format of Go's and gperftools' tools, Pyroscope, Parca and Perfetto.

import MemoryUnits

/// Writes a profile as `profile.proto` of github.com/google/pprof, packed with gzip.
///
/// The four sample types are Go's, in Go's order, and in-use space is the one to show first. The
/// addresses are those of the calls, not those behind them, and inlined functions are lines of their
/// caller's location.
public enum PprofProfile {
  private static let sampleTypes: [(metric: HeapMetric, unit: String)] = [
    (.allocObjects, "count"), (.allocSpace, "bytes"), (.inuseObjects, "count"),
    (.inuseSpace, "bytes"),
  ]

  /// Writes the profile.
  public static func write(_ profile: HeapProfile, to sink: @escaping ByteSink) throws {
    let packer = GzipPacker(into: sink)
    var encoder = Encoder(to: packer.pack)
    for type in sampleTypes {
      encoder.add(1, encoder.valueType(type.metric.rawValue, type.unit))
    }
    for sample in profile.samples where !sample.figures.areZero {
      encoder.add(2, message(sample))
      try encoder.stream.settle()
    }
    let traits = traits(of: profile)
    for (index, module) in profile.modules.enumerated() {
      encoder.add(3, encoder.mapping(index, module, traits[index]))
    }
    for (index, location) in profile.locations.enumerated() {
      encoder.add(4, encoder.location(index, location))
      try encoder.stream.settle()
    }
    encoder.addFacts(of: profile)
    try encoder.addTables()
    try encoder.stream.flush()
    try packer.finish()
  }

  private static func message(_ sample: HeapProfile.Sample) -> ProtobufMessage {
    var message = ProtobufMessage()
    message.add(1, packed: sample.stack.map { Int64($0 + 1) })
    message.add(2, packed: sampleTypes.map { sample.figures[$0.metric] })
    return message
  }

  /// What is known of the addresses in a module.
  private struct ModuleTraits {
    var hasFunctions = false
    var hasFiles = false
    var hasLines = false
    var hasInlined = false
  }

  private static func traits(of profile: HeapProfile) -> [ModuleTraits] {
    var traits = [ModuleTraits](repeating: ModuleTraits(), count: profile.modules.count)
    for location in profile.locations {
      guard let module = location.module, traits.indices.contains(module) else { continue }
      for line in location.lines {
        if line.isNamed { traits[module].hasFunctions = true }
        if !line.file.isEmpty { traits[module].hasFiles = true }
        if line.line > 0 { traits[module].hasLines = true }
      }
      if location.lines.count > 1 { traits[module].hasInlined = true }
    }
    return traits
  }

  /// Numbers strings and functions while the rest is written; these stand at the end.
  private struct Encoder {
    private struct Function: Hashable {
      var name: Int64
      var file: Int64
    }

    var stream: ByteOutput
    private var strings: [String: Int64] = ["": 0]
    private var stringsInOrder = [""]
    private var functions: [Function: Int64] = [:]
    private var functionsInOrder: [Function] = []

    init(to sink: @escaping ByteSink) { stream = ByteOutput(to: sink) }

    /// Adds a field of the outermost message.
    mutating func add(_ field: UInt64, _ message: ProtobufMessage) {
      var outer = ProtobufMessage()
      outer.add(field, message)
      stream.put(outer.bytes)
    }

    mutating func string(_ text: String) -> Int64 {
      if let known = strings[text] { return known }
      let number = Int64(stringsInOrder.count)
      strings[text] = number
      stringsInOrder.append(text)
      return number
    }

    mutating func valueType(_ type: String, _ unit: String) -> ProtobufMessage {
      var message = ProtobufMessage()
      message.add(1, string(type))
      message.add(2, string(unit))
      return message
    }

    mutating func mapping(
      _ index: Int, _ module: HeapProfile.Module, _ traits: ModuleTraits
    ) -> ProtobufMessage {
      var message = ProtobufMessage()
      message.add(1, Int64(index + 1))
      message.add(2, module.range.lowerBound.rawValue)
      message.add(3, module.range.upperBound.rawValue)
      message.add(5, string(module.path))
      message.add(6, string(module.buildID))
      // Where nothing has a name, the reader may try to find one.
      message.add(7, traits.hasFunctions)
      message.add(8, traits.hasFiles)
      message.add(9, traits.hasLines)
      message.add(10, traits.hasInlined)
      return message
    }

    mutating func location(_ index: Int, _ location: HeapProfile.Location) -> ProtobufMessage {
      var message = ProtobufMessage()
      message.add(1, Int64(index + 1))
      message.add(2, Int64((location.module ?? -1) + 1))
      message.add(3, location.address.rawValue)
      for line in location.lines {
        var part = ProtobufMessage()
        part.add(1, function(line))
        part.add(2, Int64(line.line))
        message.add(4, part)
      }
      return message
    }

    private mutating func function(_ line: HeapProfile.Line) -> Int64 {
      let function = Function(name: string(line.function), file: string(line.file))
      if let known = functions[function] { return known }
      functionsInOrder.append(function)
      let number = Int64(functionsInOrder.count)
      functions[function] = number
      return number
    }

    /// The fields of the outermost message that stand alone.
    mutating func addFacts(of profile: HeapProfile) {
      var facts = ProtobufMessage()
      let began = profile.startedAt * 1e9
      if began > 0, began < 9e18 {
        // To the microsecond: a Double has no more.
        let microseconds = Int64(profile.startedAt * 1e6)
        facts.add(9, microseconds * 1000 + Int64(clamping: profile.nanoseconds ?? 0))
      }
      facts.add(10, Int64(clamping: profile.nanoseconds ?? 0))
      facts.add(11, valueType("space", "bytes"))
      facts.add(12, Int64(profile.period))
      for comment in profile.comments { facts.add(13, string(comment)) }
      facts.add(14, string(HeapMetric.inuseSpace.rawValue))
      stream.put(facts.bytes)
    }

    mutating func addTables() throws {
      for (index, function) in functionsInOrder.enumerated() {
        var message = ProtobufMessage()
        message.add(1, Int64(index + 1))
        message.add(2, function.name)
        message.add(3, function.name)
        message.add(4, function.file)
        add(5, message)
        try stream.settle()
      }
      for text in stringsInOrder {
        var message = ProtobufMessage()
        message.add(6, text)
        stream.put(message.bytes)
        try stream.settle()
      }
    }
  }
}
