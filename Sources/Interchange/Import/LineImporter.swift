// What the importers of text formats have in common.

/// Reads one text format, line by line.
protocol LineImporter {
  /// Begins to import a source.
  init(_ builder: ImportBuilder, _ options: ImportOptions)

  /// Reads one line, which is not empty; says why it is not in the trace, if it is not.
  ///
  /// Throws where nothing that follows can be understood.
  mutating func read(_ line: LineCursor, number: UInt64) throws(ImportError) -> SkipReason?

  /// Does what is left to do after the last line.
  mutating func finish() throws(ImportError)
}

extension LineImporter {
  mutating func finish() throws(ImportError) {}
}

extension ImportBuilder {
  /// Reads all lines of a source; `progress` is called now and then.
  func readLines<Reader: LineImporter>(
    of source: ImportSource, with reader: inout Reader, progress: () -> Void
  ) throws(ImportError) {
    var lines = LineReader(source)
    defer { summary.lines = lines.number }
    while let item = try lines.next() {
      if lines.number & 0xfff == 0 { progress() }
      switch item {
      case .tooLong: skip(lines.number, .tooLong)
      case .line(let bytes):
        guard let line = LineCursor(bytes), !line.isBlank else { continue }
        if let reason = try reader.read(line, number: lines.number) {
          skip(lines.number, reason)
        }
      }
    }
    try reader.finish()
  }
}
