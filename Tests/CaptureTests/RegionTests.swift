// Sampled recordings: exactly what a full recording has of the same regions.

import Foundation
import MemoryUnits
import TestSupport
import Testing
import Trace

/// The beginning or the end of a block.
///
/// A reallocation is both: whether it stands in a trace as one step depends on what else was noted
/// meanwhile.
private struct Call: Hashable {
  var begins: Bool
  var address: Address
  var size: ByteCount
}

/// The reallocations of a full trace by what a sample has of them.
private struct Reallocations {
  var moved = 0
  var intoSample = 0
  var outOfSample = 0
}

@Suite struct RegionTests {
  let workshop: Workshop

  init() throws { workshop = try Workshop() }

  /// Records with options, at the same addresses each time.
  private func record(
    _ options: [String], _ command: [String], environment: [String: String] = [:],
    location: SourceLocation = #_sourceLocation
  ) throws -> TraceFile {
    let trace = workshop.file("\(options.joined().filter(\.isNumber)).trace")
    let result = try workshop.run(
      "/usr/bin/setarch",
      ["-R", Workshop.buildDirectory + "/lacuna", "record", "-q", "-o", trace] + options + ["--"]
        + command,
      environment: environment)
    try #require(result.exitCode == 0, "\(result)", sourceLocation: location)
    return try TraceFile(path: trace)
  }

  /// The calls of a trace, or those that a sample of it has, in order.
  private func calls(
    _ file: TraceFile, thinnedBy sampling: RegionSampling? = nil
  ) throws -> (calls: [Call], reallocations: Reallocations) {
    var calls: [Call] = []
    var reallocations = Reallocations()
    var counted: [Slot: Address] = [:]
    func end(_ step: Request) -> Bool {
      guard let address = counted.removeValue(forKey: step.slot) else { return false }
      calls.append(Call(begins: false, address: address, size: 0))
      return true
    }
    func begin(_ step: Request) -> Bool {
      guard sampling?.counts(block: step.address, usable: step.usable) ?? true else { return false }
      counted[step.slot] = step.address
      calls.append(Call(begins: true, address: step.address, size: step.size))
      return true
    }
    try file.read(addresses: true) { batch in
      for step in batch {
        switch step.operation {
        case .allocate, .reallocateEnd: _ = begin(step)
        case .free, .reallocateBegin, .abandon: _ = end(step)
        case .reallocate:
          let old = counted[step.slot]
          switch (end(step), begin(step)) {
          case (true, true): reallocations.moved += old == step.address ? 0 : 1
          case (true, false): reallocations.outOfSample += 1
          case (false, true): reallocations.intoSample += 1
          case (false, false): break
          }
        default: break
        }
      }
    }
    return (calls, reallocations)
  }

  @Test(
    "a sample has the calls that a full trace has of its blocks, in the same order",
    arguments: [
      ["--regions", "1/8"], ["--regions", "1/3", "--region-size", "4k"],
      ["--regions", "1/50", "--region-size", "16k"],
    ])
  func agreesWithFullTrace(options: [String]) throws {
    let command = [try workshop.compile("regions.c", "-O2"), "60000"]
    let full = try record([], command)
    let sampled = try record(options, command)
    let sampling = try #require(sampled.metadata.regions)
    #expect(full.metadata.regions == nil)
    #expect("1/\(sampling.denominator)" == options[1])
    try checkSound(sampled)
    let (expected, reallocations) = try calls(full, thinnedBy: sampling)
    let found = try calls(sampled).calls
    #expect(expected.count > 200)
    #expect(found.count == expected.count)
    let difference = zip(found, expected).enumerated().first { $0.element.0 != $0.element.1 }
    #expect(difference == nil)
    // All cases occurred.
    #expect(reallocations.moved > 0)
    #expect(reallocations.intoSample > 0)
    #expect(reallocations.outOfSample > 0)
  }

  @Test("every 1/1 is a full trace")
  func everything() throws {
    let command = [try workshop.compile("regions.c", "-O2"), "5000"]
    let full = try calls(record([], command)).calls
    let all = try record(["--regions", "1/1"], command)
    #expect(all.metadata.regions == nil)
    #expect(try calls(all).calls == full)
  }

  @Test("threads that free each other's blocks leave a sound sample")
  func threads() throws {
    let program = try workshop.compile("handover.c", "-O2")
    let file = try record(["--regions", "1/2", "--region-size", "4k"], [program, "4", "60000"])
    try checkSound(file)
    #expect(file.summary.allocations > 1000)
    #expect(file.threads.count >= 4)
  }

  @Test("of an allocator that is not glibc's nothing is read")
  func foreignAllocator() throws {
    let library = try workshop.compile(
      "guarded.c", "-O2", "-fno-builtin", "-shared", "-fPIC", as: "libguarded.so")
    let program = try workshop.compile("regions.c", "-O2")
    let environment = ["LD_PRELOAD": library]
    let file = try record(["--regions", "1/4"], [program, "4000"], environment: environment)
    let sampling = try #require(file.metadata.regions)
    #expect(file.metadata.allocator == library)
    try checkSound(file)
    #expect(try calls(file).calls.count > 100)
    // Whatever is in the trace counts by the rule, and counting blocks are not rare.
    try file.read(addresses: true) { batch in
      for step in batch where step.operation == .allocate {
        #expect(sampling.counts(block: step.address, usable: step.usable))
        #expect(step.usable.rawValue % 4096 == 0)
      }
    }
  }
}
