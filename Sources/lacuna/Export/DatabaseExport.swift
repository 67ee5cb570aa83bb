// The SQLite export.

import Analysis
import Glibc
import Interchange
import MemoryUnits
import Terminal
import Trace

extension ExportRequest {
  /// Writes a database.
  func writeDatabase() throws {
    defer { interruption.unfinished = nil }
    if let output {
      let file = try OutputFile(output)
      interruption.unfinished = file.unfinished
      return try file.create { try fillDatabase(at: $0) }
    }
    // SQLite cannot write to a pipe.
    let directory = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(directory)/lacuna-XXXXXX".utf8CString)
    let descriptor = mkstemp(&template)
    guard descriptor >= 0 else {
      throw ExportError.database("\(directory): \(String(cString: strerror(errno)))")
    }
    close(descriptor)
    let path = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    interruption.unfinished = path
    defer { unlink(path) }
    try fillDatabase(at: path)
    try copyToStandardOutput(path)
  }

  private func copyToStandardOutput(_ path: String) throws {
    let console = Console(.standardOutput)
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw ExportError.database(String(cString: strerror(errno))) }
    defer { close(descriptor) }
    try withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 16) { buffer in
      while true {
        let count = read(descriptor, buffer.baseAddress, buffer.count)
        guard count > 0 else { return }
        try console.write(bytes: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      }
    }
  }

  private func fillDatabase(at path: String) throws {
    let database = try TraceDatabase(path: path)
    try addFacts(to: database)
    try addStacks(to: database)
    try addSteps(to: database)
    try addMoments(to: database)
    if trace.metadata.regions == nil { try addCourse(to: database) }
    try database.finish()
  }

  private func addFacts(to database: TraceDatabase) throws {
    let metadata = trace.metadata
    let summary = trace.summary
    try database.add(key: "schema", 1)
    try database.add(key: "writer", Self.creator)
    try database.add(key: "command", metadata.command.joined(separator: " "))
    try database.add(key: "executable", metadata.executable)
    try database.add(key: "process_id", Int64(metadata.processID))
    try database.add(key: "allocator", metadata.allocator)
    try database.add(key: "started_at_us", Int64(metadata.startedAt.clamped * 1e6))
    try database.add(key: "duration_ns", Int64(clamping: summary.durationNanoseconds))
    try database.add(key: "peak_live_bytes", summary.peakLiveBytes)
    try database.add(key: "lost_events", Int64(clamping: summary.lostEvents))
    try database.add(key: "complete", trace.isComplete ? 1 : 0)
    try database.add(
      key: "region_denominator", Int64(SampleWeights(metadata).denominator))
    try database.add(key: "knows_addresses", metadata.knowsAddresses ? 1 : 0)
    try database.add(key: "knows_stacks", metadata.knowsStacks ? 1 : 0)
    try database.add(key: "knows_threads", metadata.knowsThreads ? 1 : 0)
    try database.add(key: "knows_times", metadata.knowsTimes ? 1 : 0)
    for (index, thread) in trace.threads.enumerated() {
      try database.add(
        thread: UInt32(index), kernelID: thread.kernelID, name: thread.name,
        lived: (thread.began?.nanoseconds, thread.ended?.nanoseconds))
    }
    for (index, mark) in trace.marks.enumerated() {
      try database.add(
        mark: index, nanoseconds: nanoseconds(mark.time), thread: mark.thread.rawValue,
        name: mark.name)
    }
    for sample in trace.samples where metadata.knowsTimes {
      try database.add(
        sampleAt: sample.time.nanoseconds, resident: sample.resident, shared: sample.shared)
    }
  }

  private func addStacks(to database: TraceDatabase) throws {
    let namer = StackNamer(trace, foldsAllocators: foldsAllocators)
    let ids = (1..<max(1, trace.stacks.count)).map { StackID(UInt32($0)) }
    // All locations have to be known before the first stack is written.
    for id in ids { _ = namer.locations(of: id) }
    try database.add(
      modules: namer.modules, locations: namer.locations,
      stacks: ids.lazy.map { id in
        let places = namer.locations(of: id)
        let entry = trace.stacks.entry(of: id)
        return TraceDatabase.Stack(
          id: id.rawValue, function: entry == .unknown ? nil : entry.name, locations: places,
          site: namer.site(among: places))
      })
  }

  private func addSteps(to database: TraceDatabase) throws {
    let records = TraceRecords(trace)
    var ledger = BlockLedger()
    try readSteps("writing events", addresses: trace.metadata.knowsAddresses) { batch in
      for request in batch {
        let step = ledger.stepCount
        let change = ledger.apply(request)
        try database.add(
          records.event(request, change), block: change.began?.number,
          ended: change.ended?.number, id: step)
        if let ended = change.ended {
          try database.add(records.block(ended, endedBy: request, step: step))
        }
      }
    }
    for life in ledger.living { try database.add(records.block(life)) }
  }

  private func addMoments(to database: TraceDatabase) throws {
    let places = try reading("looking for moments") {
      try Measurement.places(of: moments.map(\.moment), in: trace, progress: $0)
    }
    for (id, moment) in moments.enumerated() {
      guard let place = places[moment.moment] else { continue }
      try database.add(
        moment: id, name: moment.name, nanoseconds: nanoseconds(place.time), steps: place.steps)
    }
  }

  /// Figures over time, and the free runs at the moments.
  private func addCourse(to database: TraceDatabase) throws {
    let records = TraceRecords(trace)
    let knowsAddresses = trace.metadata.knowsAddresses
    try reading("looking for holes") { progress in
      try Measurement.course(
        of: trace, points: points, layouts: knowsAddresses ? moments.map(\.moment) : [],
        progress: progress,
        onLayout: { layout in
          guard let id = moments.firstIndex(where: { $0.moment == layout.moment }) else { return }
          for run in layout.runs {
            try database.add(records.hole(run, layout, moment: moments[id].name), moment: id)
          }
        },
        onPoint: { point in
          if !point.isPeak { try database.add(records.course(point, resident: nil)) }
        })
    }
  }
}

extension Double {
  /// The number within what an integer of microseconds can hold; 0 for what is none.
  fileprivate var clamped: Double { isFinite ? Swift.min(Swift.max(self, 0), 9e12) : 0 }
}
