// What an export is made from: the trace, the moments, where it goes.

import Analysis
import ArgumentParser
import Glibc
import Interchange
import Terminal
import Trace

/// A moment as it was asked for.
struct NamedMoment {
  /// The words of the user: `peak`, `40%`.
  var name: String
  var moment: Moment
}

/// One export, ready to be made.
struct ExportRequest {
  var trace: TraceFile
  var format: ExportFormat
  var table: ExportedTable
  var moments: [NamedMoment]
  var metric: HeapMetric
  var points: Int
  var foldsAllocators: Bool
  var isQuiet: Bool
  /// The file to write, or nil for standard output.
  var output: String?
  let interruption = Interruption()

  /// A moment on the clock of the trace; nil where that counts steps.
  func nanoseconds(_ time: Timestamp) -> UInt64? { trace.usesTimes ? time.nanoseconds : nil }

  /// Runs something with a progress line.
  func reading<Result>(
    _ title: String, _ body: (@escaping MeasurementProgress) throws -> Result
  ) throws -> Result {
    let line = ProgressHolder(title, quiet: isQuiet)
    defer { line.finish() }
    let total = Double(trace.summary.steps)
    return try body { part in
      interruption.check()
      line.update(done: Int(part * total), total: Int(total))
    }
  }

  /// Reads all steps with a progress line.
  func readSteps(
    _ title: String, addresses: Bool,
    _ body: (UnsafeBufferPointer<Request>) throws -> Void
  ) throws {
    try reading(title) { progress in
      let total = Double(max(trace.summary.steps, 1))
      var steps = 0
      try trace.read(addresses: addresses) { batch in
        try body(batch)
        steps += batch.count
        progress(min(1, Double(steps) / total))
      }
    }
  }

  // MARK: Writing

  /// Writes one file, or standard output.
  func write(to path: String?, _ body: (@escaping ByteSink) throws -> Void) throws {
    guard let path else {
      let console = Console(.standardOutput)
      return try body { try console.write(bytes: $0) }
    }
    let file = try OutputFile(path)
    interruption.unfinished = file.unfinished
    defer { interruption.unfinished = nil }
    try file.write(body)
  }

  /// The files that will be written.
  var paths: [String] {
    guard let output else { return [] }
    return format.takesMoments == .aFileEach ? moments.compactMap(path) : [output]
  }

  /// The file for one of the moments: where there are several, its name has that of the moment in
  /// front of the first dot, `app.pb.gz` becoming `app-peak.pb.gz`.
  func path(of moment: NamedMoment) -> String? {
    guard let output, moments.count > 1 else { return output }
    let slash = output.lastIndex(of: "/").map { output.index(after: $0) } ?? output.startIndex
    // A dot at the start hides a file and begins no extension.
    let dot = output[slash...].dropFirst().firstIndex(of: ".") ?? output.endIndex
    return output[..<dot] + "-" + moment.name + output[dot...]
  }
}

/// Turns what goes wrong during an export into a message and an exit code.
func exporting(_ body: () throws -> Void) throws {
  do {
    try body()
  } catch let code as ExitCode {
    throw code
  } catch ConsoleError.readerGone {
    throw ExitCode.success
  } catch {
    fail("\(error)")
    throw ExitCode(1)
  }
}
