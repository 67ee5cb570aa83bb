// A billion events; only where LACUNA_LONG_TESTS asks for it.

import Glibc
import MemoryUnits
import TestSupport
import Testing
import Trace

private func setting(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

/// The most memory that this process ever had, in bytes.
private func peakResident() -> Int {
  var usage = rusage()
  getrusage(RUSAGE_SELF.rawValue, &usage)
  return usage.ru_maxrss * 1024
}

@Suite struct LongTraceTests {
  @Test(
    "a trace of a billion events is written, opened, sought in and read within a gibibyte",
    .enabled(if: setting("LACUNA_LONG_TESTS") == "1"))
  func billion() throws {
    let events = setting("LACUNA_LONG_EVENTS").flatMap(Int.init) ?? 1_000_000_000
    let directory = TemporaryDirectory()
    // Scripts/bench keeps the trace, to measure the commands with it.
    let path = setting("LACUNA_LONG_TRACE") ?? directory.file("trace")
    var metadata = TraceMetadata()
    metadata.headerBytes = 8
    metadata.command = ["long"]
    let writer = try TraceWriter(path: path, metadata: metadata)
    var program = LongTrace(writer: writer, live: 300_000...900_000)
    program.run(events, into: writer)
    try writer.finish()
    #expect(peakResident() < 1 << 30)

    let file = try TraceFile(path: path)
    #expect(file.isComplete && file.summary == writer.summary)
    #expect(file.summary.events == UInt64(events))
    let duration = file.summary.durationNanoseconds
    let range = TraceRange(from: duration / 10 * 9, to: duration / 100 * 91)
    let slice = try TraceSlice(of: file, range)
    #expect(slice.summary.events > 0 && slice.liveBlocksBefore >= 300_000)
    var inside: UInt64 = 0
    var lived: UInt64 = 0
    var mostLived: UInt64 = 0
    try file.read(addresses: true) { batch in
      for request in batch where request.operation != .moveBreak && request.operation != .startBreak
      {
        lived = request.operation == .free ? lived - 1 : lived + 1
        mostLived = max(lived, mostLived)
        let time = request.time.nanoseconds
        if time >= range.lowerBound && time < range.upperBound ?? .max { inside += 1 }
      }
    }
    #expect(inside == slice.summary.events && mostLived == file.summary.peakLiveBlocks)
    #expect(file.isComplete && peakResident() < 1 << 30)
  }
}
