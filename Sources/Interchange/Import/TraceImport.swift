// Imports: from a source in another tool's format to a trace file.

import Trace

/// What a user can say about an import.
public struct ImportOptions: Sendable {
  /// The process whose requests are imported; nil: that of the first request.
  public var processID: UInt64?
  /// The version of Lacuna that writes the trace.
  public var writer = ""

  /// Leaves everything open.
  public init() {}
}

/// Makes traces of what other tools have recorded.
public enum TraceImport {
  /// Reads a source to its end and writes a trace file.
  ///
  /// Memory follows the living blocks and the stacks of the source, not its length; minimalloc's
  /// format, which is not in order of time, and packed workloads are read as a whole.
  /// - Parameters:
  ///   - path: the trace to write. It is overwritten, and of no use where this throws.
  ///   - progress: called now and then with the bytes read of the source and all of them.
  /// - Throws: where nothing at all can be imported. A source that is cut off or damaged yields what
  ///   came before, and ``ImportSummary/damage``.
  public static func run(
    _ source: ImportSource, format: ImportFormat, to path: String,
    options: ImportOptions = ImportOptions(),
    progress: (_ done: UInt64, _ total: UInt64?) -> Void = { _, _ in }
  ) throws(ImportError) -> ImportSummary {
    let builder: ImportBuilder
    do {
      var metadata = TraceMetadata()
      metadata.writer = options.writer
      builder = ImportBuilder(
        try TraceWriter(path: path, metadata: metadata), source: source.name, format: format)
      builder.metadata = metadata
    } catch {
      throw .cannotWrite(error)
    }
    do {
      try builder.read(source, format, options) {
        let (done, total) = source.progress
        progress(done, total)
      }
    } catch {
      // What came before the damage is worth having.
      guard builder.writer.summary.events > 0, error.leavesSomething else { throw error }
      builder.summary.damage = error
    }
    guard !builder.isFruitless else {
      throw .notThisFormat(
        path: source.name, format: format, line: builder.summary.firstSkipped.first?.line ?? 1,
        expected: format.example)
    }
    try builder.finish()
    return builder.summary
  }
}

extension ImportError {
  /// Whether what was read before the error is of use.
  fileprivate var leavesSomething: Bool {
    switch self {
    case .cannotRead, .damagedPacking, .malformedLine, .malformedBytes, .endlessLine: true
    default: false
    }
  }
}

extension ImportBuilder {
  fileprivate func read(
    _ source: ImportSource, _ format: ImportFormat, _ options: ImportOptions,
    progress: () -> Void
  ) throws(ImportError) {
    switch format {
    case .heaptrackRaw: try read(source, HeaptrackImporter.self, options, progress)
    case .malloclab: try read(source, MalloclabImporter.self, options, progress)
    case .mtrace: try read(source, MtraceImporter.self, options, progress)
    case .csv: try read(source, CSVImporter.self, options, progress)
    case .ndjson: try read(source, NDJSONImporter.self, options, progress)
    case .android: try read(source, AndroidImporter.self, options, progress)
    case .valgrind: try read(source, ValgrindImporter.self, options, progress)
    case .ltrace: try read(source, LtraceImporter.self, options, progress)
    case .jemallocUtrace: try read(source, JemallocImporter.self, options, progress)
    case .logalloc: try read(source, LogallocImporter.self, options, progress)
    case .minimalloc: try read(source, MinimallocImporter.self, options, progress)
    case .djWorkload: try readWorkload(source, progress: progress)
    }
  }

  private func read<Reader: LineImporter>(
    _ source: ImportSource, _ type: Reader.Type, _ options: ImportOptions,
    _ progress: () -> Void
  ) throws(ImportError) {
    var reader = Reader(self, options)
    try readLines(of: source, with: &reader, progress: progress)
  }
}
