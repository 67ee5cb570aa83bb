// speedscope: the file format of speedscope.app.

/// Writes profiles as one file of speedscope, a sampled profile for each moment and figure.
///
/// The layout is that of `file-format-spec.ts` in github.com/jlfwong/speedscope: frames are shared,
/// a sample lists them outermost first, its weight is the figure.
public enum SpeedscopeFile {
  private static let figures: [(metric: HeapMetric, name: String, unit: StaticString)] = [
    (.inuseSpace, "live bytes", "bytes"), (.inuseObjects, "live blocks", "none"),
    (.allocSpace, "bytes allocated", "bytes"), (.allocObjects, "blocks allocated", "none"),
  ]

  /// Writes profiles of the same trace, which share their locations.
  ///
  /// - Parameters:
  ///   - name: what the whole is called.
  ///   - exporter: the program that writes it, with its version.
  public static func write(
    _ profiles: [HeapProfile], name: String, exporter: String, to sink: @escaping ByteSink
  ) throws {
    guard let first = profiles.first else { return }
    var stream = ByteOutput(to: sink)
    let shapes = FunctionStacks(first)
    stream.put(
      "{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\n" as StaticString)
    stream.put("\"name\":" as StaticString)
    stream.put(json: name)
    stream.put(",\"exporter\":" as StaticString)
    stream.put(json: exporter)
    stream.put(",\"activeProfileIndex\":0,\n\"shared\":{\"frames\":[" as StaticString)
    for (index, line) in shapes.lines.enumerated() {
      stream.putComma(before: index)
      put(line, to: &stream)
      try stream.settle()
    }
    stream.put("]},\n\"profiles\":[" as StaticString)
    var count = 0
    for profile in profiles {
      for figure in figures {
        stream.putComma(before: count)
        count += 1
        try put(profile, figure, shapes, to: &stream)
      }
    }
    stream.put("]}\n" as StaticString)
    try stream.flush()
  }

  private static func put(_ line: HeapProfile.Line, to stream: inout ByteOutput) {
    stream.put("\n{\"name\":" as StaticString)
    stream.put(json: line.function)
    let file = line.file.isEmpty ? line.module : line.file
    if !file.isEmpty {
      stream.put(",\"file\":" as StaticString)
      stream.put(json: file)
    }
    if line.line > 0 {
      stream.put(",\"line\":" as StaticString)
      stream.put(decimal: Int64(line.line))
    }
    stream.put(UInt8(ascii: "}"))
  }

  private static func put(
    _ profile: HeapProfile, _ figure: (metric: HeapMetric, name: String, unit: StaticString),
    _ shapes: FunctionStacks, to stream: inout ByteOutput
  ) throws {
    let samples = profile.samples.filter { $0.figures[figure.metric] > 0 }
    stream.put("\n{\"type\":\"sampled\",\"name\":" as StaticString)
    stream.put(json: "\(figure.name) at \(profile.moment)")
    stream.put(",\"unit\":\"" as StaticString)
    stream.put(figure.unit)
    stream.put("\",\"startValue\":0,\"endValue\":" as StaticString)
    stream.put(decimal: samples.reduce(0) { $0 &+ $1.figures[figure.metric] })
    stream.put(",\n\"samples\":[" as StaticString)
    for (index, sample) in samples.enumerated() {
      stream.putComma(before: index)
      stream.put(json: shapes.functions(of: sample.stack).reversed())
      try stream.settle()
    }
    stream.put("],\n\"weights\":[" as StaticString)
    for (index, sample) in samples.enumerated() {
      stream.putComma(before: index)
      stream.put(decimal: sample.figures[figure.metric])
      try stream.settle()
    }
    stream.put("]}" as StaticString)
  }
}
