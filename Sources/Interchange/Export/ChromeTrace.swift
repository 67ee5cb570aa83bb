// Chrome's trace event format: counters for the Perfetto UI and chrome://tracing.

/// Writes figures over time as counters, and marks as instants.
///
/// The layout is that of the "Trace Event Format" document: an object whose `traceEvents` are
/// counters (`ph` C), instants (`ph` i) and names (`ph` M), with times in microseconds. Where times
/// are unknown, one step counts as a microsecond.
public struct ChromeTrace {
  private var stream: ByteOutput
  private let processID: Int
  private var count = 0

  /// Begins a document about a process.
  public init(processID: Int, name: String, to sink: @escaping ByteSink) {
    stream = ByteOutput(to: sink)
    self.processID = processID
    stream.put("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[" as StaticString)
    begin("process_name", "M")
    stream.put(",\"args\":{\"name\":" as StaticString)
    stream.put(json: name)
    stream.put("}}" as StaticString)
  }

  /// Names a thread.
  public mutating func addThread(kernelID: Int32, name: String) {
    begin("thread_name", "M")
    stream.put(",\"tid\":\(kernelID),\"args\":{\"name\":")
    stream.put(json: name)
    stream.put("}}" as StaticString)
  }

  /// Adds the figures of a moment.
  public mutating func add(_ moment: CourseRecord) throws {
    let time = moment.nanoseconds ?? moment.steps &* 1000
    var parts: [(StaticString, Int64)] = [("live", moment.liveBytes)]
    if let granted = moment.grantedBytes, let holes = moment.holeBytes,
      let wilderness = moment.wildernessBytes
    {
      parts += [
        ("headers and rounding", granted - moment.liveBytes), ("holes", holes),
        ("wilderness", wilderness),
      ]
    }
    addCounter("heap bytes", at: time, parts)
    addCounter("live blocks", at: time, [("blocks", moment.liveBlocks)])
    if let holes = moment.holes { addCounter("holes", at: time, [("holes", holes)]) }
    try stream.settle()
  }

  /// Adds what the kernel said at a moment.
  public mutating func addResident(bytes: Int64, at nanoseconds: UInt64) throws {
    addCounter("resident bytes", at: nanoseconds, [("private", bytes)])
    try stream.settle()
  }

  /// Adds a moment that has a name; without a thread it is one of the whole process.
  public mutating func addInstant(_ name: String, at nanoseconds: UInt64, thread: Int32? = nil) {
    begin(name, "i", at: nanoseconds)
    if let thread { stream.put(",\"tid\":\(thread)") }
    stream.put(",\"s\":\"p\"}" as StaticString)
  }

  /// Ends the document.
  public mutating func finish() throws {
    stream.put("\n]}\n" as StaticString)
    try stream.flush()
  }

  private mutating func addCounter(
    _ name: String, at nanoseconds: UInt64, _ parts: [(StaticString, Int64)]
  ) {
    begin(name, "C", at: nanoseconds)
    stream.put(",\"args\":{" as StaticString)
    for (index, part) in parts.enumerated() {
      stream.putComma(before: index)
      stream.put("\"" as StaticString)
      stream.put(part.0)
      stream.put("\":" as StaticString)
      stream.put(decimal: part.1)
    }
    stream.put("}}" as StaticString)
  }

  private mutating func begin(_ name: String, _ phase: StaticString, at nanoseconds: UInt64? = nil)
  {
    stream.putComma(before: count)
    count += 1
    stream.put("\n{\"name\":" as StaticString)
    stream.put(json: name)
    stream.put(",\"ph\":\"" as StaticString)
    stream.put(phase)
    stream.put("\",\"pid\":" as StaticString)
    stream.put(decimal: Int64(processID))
    guard let nanoseconds else { return }
    stream.put(",\"ts\":" as StaticString)
    stream.put(decimal: nanoseconds / 1000)
    let rest = nanoseconds % 1000
    if rest > 0 {
      stream.put(rest < 10 ? ".00" : rest < 100 ? ".0" : "." as StaticString)
      stream.put(decimal: rest)
    }
  }
}
