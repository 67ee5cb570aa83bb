// Feeds the importers.

import Interchange
import Trace

/// Imports the bytes, and reads the trace that comes of it.
enum ImportTarget {
  static func feed(_ bytes: [UInt8], _ format: ImportFormat) {
    let file = MemoryFile()
    guard let source = try? ImportSource(bytes: bytes, name: "fuzz") else { return }
    _ = try? source.guessFormat()
    guard let summary = try? TraceImport.run(source, format: format, to: file.path) else { return }
    guard let trace = try? TraceFile(path: file.path) else {
      preconditionFailure("what was imported is no trace")
    }
    precondition(trace.isComplete)
    precondition(trace.summary.events == summary.events)
    TraceTarget.read(file.path)
    precondition(trace.isComplete)
  }
}
