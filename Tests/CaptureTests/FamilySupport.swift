// Recording a family of processes, and what each said of itself.

import Foundation
import MemoryUnits
import TestSupport
import Testing
import Trace

/// What one process of `family.c` reports of itself.
struct ProcessReport {
  let role: String
  let process: Int
  /// The recorded process from which it comes; 0 for the first.
  let parent: Int
  let allocations: UInt64
  let frees: UInt64
}

/// A recording that followed children.
struct FamilyRecording {
  let workshop: Workshop
  let result: ProgramResult
  /// What the processes wrote to descriptor 3.
  let reports: [ProcessReport]

  /// Records a command with descriptor 3 open for reports.
  init(
    _ workshop: Workshop, _ command: [String], environment: [String: String] = [:],
    follow: Bool = true
  ) throws {
    self.workshop = workshop
    let script = "exec \"$0\" record -q \(follow ? "--follow" : "") -o a.trace -- \"$@\" 3>reports"
    // Signals are as a shell has them, whatever the thread that runs this test blocks: shells wait
    // for SIGCHLD, and Python ends its workers by SIGTERM.
    result = try workshop.run(
      "/usr/bin/env",
      ["--default-signal", "/bin/bash", "-c", script, Workshop.buildDirectory + "/lacuna"]
        + command,
      environment: environment)
    let text = try String(contentsOfFile: workshop.file("reports"), encoding: .utf8)
    reports = text.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard words.count == 5, let process = Int(words[1]), let parent = Int(words[2]),
        let allocations = UInt64(words[3]), let frees = UInt64(words[4])
      else { return nil }
      return ProcessReport(
        role: String(words[0]), process: process, parent: parent, allocations: allocations,
        frees: frees)
    }
  }

  func report(_ role: String, sourceLocation: SourceLocation = #_sourceLocation) throws
    -> ProcessReport
  {
    try #require(reports.first { $0.role == role }, "\(role)", sourceLocation: sourceLocation)
  }

  /// All traces of the recording.
  func traces() throws -> [TraceFile] {
    try FileManager.default.contentsOfDirectory(atPath: workshop.path)
      .filter { $0.hasSuffix(".trace") }.sorted().map { try TraceFile(path: workshop.file($0)) }
  }

  /// The trace of a process.
  func trace(of process: Int) throws -> TraceFile? {
    let own = workshop.file("a.\(process).trace")
    if FileManager.default.fileExists(atPath: own) { return try TraceFile(path: own) }
    let first = try TraceFile(path: workshop.file("a.trace"))
    return first.metadata.processID == process ? first : nil
  }
}

/// The requests of a trace that `family.c` counts: known by their sizes.
struct CountedRequests {
  var allocations: UInt64 = 0
  var frees: UInt64 = 0

  init(_ file: TraceFile, sizes: Range<Int64>) throws {
    var counted: Set<UInt32> = []
    try file.read(addresses: false) { batch in
      for request in batch {
        switch request.operation {
        case .allocate where sizes.contains(request.size.rawValue):
          allocations += 1
          counted.insert(request.slot.rawValue)
        case .free:
          if counted.remove(request.slot.rawValue) != nil { frees += 1 }
        case .abandon: counted.remove(request.slot.rawValue)
        case .freeUnknown: frees += 1
        default: break
        }
      }
    }
  }
}

/// Compares all reports with the traces: counts, parents, nothing lost, nothing odd.
func compare(
  _ family: FamilyRecording, roles: [String], sizes: Range<Int64> = 20_011..<21_011,
  tolerance: (String) -> UInt64 = { _ in 0 },
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  #expect(family.result.exitCode == 0, "\(family.result)", sourceLocation: sourceLocation)
  #expect(Set(family.reports.map(\.role)) == Set(roles + ["first"]), sourceLocation: sourceLocation)
  for report in family.reports {
    let file = try #require(
      try family.trace(of: report.process), "no trace of \(report)", sourceLocation: sourceLocation)
    let counted = try CountedRequests(file, sizes: sizes)
    let off = tolerance(report.role)
    let allocations = max(report.allocations, off) - off...report.allocations + off
    let frees = max(report.frees, off) - off...report.frees + off
    #expect(
      allocations.contains(counted.allocations) && frees.contains(counted.frees),
      "\(report): \(counted)", sourceLocation: sourceLocation)
    #expect(
      file.metadata.parentProcessID == report.parent, "\(report)", sourceLocation: sourceLocation)
    let parent = report.parent == 0 ? nil : try family.trace(of: report.parent)
    #expect(
      file.metadata.parentTrace == (parent?.path.split(separator: "/").last.map(String.init) ?? ""),
      "\(report)", sourceLocation: sourceLocation)
  }
  for file in try family.traces() {
    #expect(file.isComplete, "\(file.path): \(file.damage)", sourceLocation: sourceLocation)
    #expect(file.summary.lostEvents == 0, "\(file.path)", sourceLocation: sourceLocation)
    #expect(
      file.summary.allocationsOfLiveAddress == 0, "\(file.path)", sourceLocation: sourceLocation)
    #expect(file.summary.freesOfUnknownAddress == 0, "\(file.path)", sourceLocation: sourceLocation)
    #expect(file.metadata.rootTrace == "a.trace", "\(file.path)", sourceLocation: sourceLocation)
  }
}
