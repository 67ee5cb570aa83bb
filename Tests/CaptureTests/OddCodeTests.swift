// Programs that do what tracers stumble over: each must run as always, and be recorded in full.

import Foundation
import MemoryUnits
import TestSupport
import Testing
import Trace

@Suite struct OddCodeTests {
  /// Records a program that prints how many blocks of one size it allocated and freed.
  private func record(
    _ workshop: Workshop, _ command: [String], size: Int64,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let (result, trace) = try workshop.record(command)
    try #require(result.exitCode == 0, "\(result.errors)", sourceLocation: sourceLocation)
    let blocks = try #require(result.numbers.first, sourceLocation: sourceLocation)
    #expect(blocks > 1000, sourceLocation: sourceLocation)
    let file = try TraceFile(path: trace)
    try checkSound(file, sourceLocation: sourceLocation)
    let expected = Tally(allocations: blocks, reallocations: 0, frees: blocks)
    let tally = try Tally(of: file, sizes: size...size)
    #expect(tally == expected, sourceLocation: sourceLocation)
  }

  @Test("exceptions through frames that own blocks", arguments: ["-O0", "-O2"])
  func exceptions(optimisation: String) throws {
    let workshop = try Workshop()
    let program = try workshop.compile(
      "exceptions.cpp", optimisation, "-fno-builtin", "-fomit-frame-pointer")
    try record(workshop, [program, "300"], size: 901)
  }

  @Test("threads that load, unload and search libraries, and allocate under the loader's lock")
  func loader() throws {
    let workshop = try Workshop()
    let program = try workshop.compile("loader.c", "-O1", "-fno-builtin")
    let library = try workshop.compile(
      "loaded.c", "-O1", "-fno-builtin", "-shared", "-fPIC", as: "libloaded.so")
    try record(workshop, [program, library, "200"], size: 902)
  }

  @Test("code without unwind information, or with a lie for it, ends the stack and nothing else")
  func liars() throws {
    let workshop = try Workshop()
    let program = try workshop.compile("odd-code.c", "-O1", "-fno-builtin", "-fomit-frame-pointer")
    let (result, trace) = try workshop.record([program])
    try #require(result.exitCode == 0, "\(result.errors)")
    let file = try TraceFile(path: trace)
    try checkSound(file)
    // An address is handed out once: nothing is freed.
    var stacks: [UInt64: [UInt64]] = [:]
    try file.read(addresses: true) { batch in
      for request in batch where request.operation == .allocate && request.size == 77 {
        stacks[request.address.rawValue] = file.stacks.returnAddresses(of: request.stack)
      }
    }
    let lines = result.output.split(separator: "\n").map { line in
      line.split(separator: " ").compactMap { UInt64($0) }
    }
    #expect(lines.count == 300)
    for line in lines {
      try #require(line.count == 3)
      let stack = try #require(stacks[line[0]])
      let innermost = try #require(stack.first)
      #expect((line[1]..<line[2]).contains(innermost))
    }
    // Nothing is known of what called code that was made at run time.
    for line in lines.prefix(200) { #expect(stacks[line[0]]?.count == 1) }
  }

  @Test("requests before the tracer is ready, and inside of dlsym while it looks for malloc")
  func early() throws {
    let workshop = try Workshop()
    let library = try workshop.compile(
      "early.c", "-O1", "-fno-builtin", "-shared", "-fPIC", as: "libearly.so")
    for program in ["/bin/true", "/bin/ls"] {
      let (result, trace) = try workshop.record([program], environment: ["LD_PRELOAD": library])
      #expect(result.exitCode == 0)
      let file = try TraceFile(path: trace)
      #expect(file.isComplete)
      #expect(file.summary.allocations > 5)
      #expect(file.summary.allocationsOfLiveAddress == 0)
    }
  }

  @Test("every way to start another program leaves that alone")
  func spawns() throws {
    let workshop = try Workshop()
    let program = try workshop.compile("spawns.c", "-O1", "-fno-builtin")
    let plain = try workshop.run(program)
    try #require(plain.exitCode == 0)
    let (result, trace) = try workshop.record([program])
    #expect(result.exitCode == 0)
    #expect(result.output == plain.output)
    let file = try TraceFile(path: trace)
    try checkSound(file)
    let own = try Tally(of: file, sizes: 904...904)
    #expect(own == Tally(allocations: 6000, reallocations: 0, frees: 6000))
    // A child of vfork works in its parent's memory.
    let borrowed = try Tally(of: file, sizes: 905...905)
    #expect(borrowed == Tally(allocations: 1, reallocations: 0, frees: 1))
  }

  @Test("a sandbox that kills for any unusual system call, while the recorder is stopped")
  func sandbox() throws {
    let workshop = try Workshop()
    let program = try workshop.compile("sandbox.c", "-O1", "-fno-builtin")
    let (result, trace) = try workshop.record([program, "300000", "stop"])
    #expect(result.exitCode == 0, "\(result.errors)")
    #expect(result.output == "fine\n")
    let file = try TraceFile(path: trace)
    try checkSound(file)
    let tally = try Tally(of: file, sizes: 90...90)
    #expect(tally == Tally(allocations: 600_101, reallocations: 0, frees: 600_101))
  }
}
