// Call stacks: those of the trace equal those that glibc's own unwinder takes.

import Foundation
import MemoryUnits
import TestSupport
import Testing
import Trace

@Suite struct StackTests {
  /// The stack of the last block that each address had.
  private func stacks(of file: TraceFile) throws -> [UInt64: [UInt64]] {
    var stacks: [UInt64: [UInt64]] = [:]
    try file.read(addresses: true) { batch in
      for request in batch where request.operation == .allocate {
        stacks[request.address.rawValue] = file.stacks.returnAddresses(of: request.stack)
      }
    }
    return stacks
  }

  @Test(
    "equal what backtrace() says, with and without frame pointers",
    arguments: ["-fomit-frame-pointer", "-fno-omit-frame-pointer"], ["-O0", "-O2"])
  func agree(framePointers: String, optimisation: String) throws {
    let compared = try compare("stacks.c", optimisation, framePointers, "-fno-builtin")
    #expect(compared > 60)
  }

  @Test(
    "equal what backtrace() says whichever linker wrote the tables",
    arguments: ["bfd", "gold", "lld"])
  func linkers(linker: String) throws {
    #expect(try compare("stacks.c", "-O2", "-fuse-ld=\(linker)", "-fno-builtin") > 60)
  }

  @Test(
    "equal what backtrace() says while exceptions fly, and after jumps", arguments: ["-O0", "-O2"])
  func exceptions(optimisation: String) throws {
    let compared = try compare(
      "throws.cpp", optimisation, "-fno-builtin", "-fno-optimize-sibling-calls")
    #expect(compared > 150)
  }

  /// Records the program and compares the stacks of its blocks with those that it prints.
  ///
  /// Returns how many those are.
  private func compare(
    _ fixture: String, _ flags: String..., sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Int {
    let workshop = try Workshop()
    let program = try workshop.compile(fixture, flags: flags)
    let (result, trace) = try workshop.record([program])
    try #require(result.exitCode == 0)
    let file = try TraceFile(path: trace)
    let taken = try stacks(of: file)
    var compared = 0
    for line in result.output.split(separator: "\n") {
      let words = line.split(separator: " ").compactMap { UInt64($0.dropFirst(2), radix: 16) }
      let address = try #require(words.first)
      let expected = Array(words.dropFirst())
      let stack = try #require(taken[address], "no block at \(line)")
      // The innermost address is another call of the same function; at the other end glibc may
      // add an address 0, and we keep 128 frames.
      let callers = Array(stack.dropFirst())
      let kept = min(expected.count, 127)
      #expect(
        Array(callers.prefix(kept)) == Array(expected.prefix(kept)), "\(line)",
        sourceLocation: sourceLocation)
      #expect(callers.count <= expected.count, sourceLocation: sourceLocation)
      compared += 1
    }
    if fixture == "stacks.c" {
      #expect(file.summary.truncatedStacks > 0, sourceLocation: sourceLocation)
    }
    return compared
  }

  @Test("no stacks are taken when none are wanted")
  func none() throws {
    let workshop = try Workshop()
    let trace = workshop.file("a.trace")
    let result = try workshop.lacuna(
      ["record", "-q", "--stack-depth", "0", "-o", trace, "--", "/bin/ls", "/"])
    #expect(result.exitCode == 0)
    let file = try TraceFile(path: trace)
    #expect(file.summary.allocations > 0)
    try file.read(addresses: false) { batch in
      for request in batch { #expect(file.stacks.returnAddresses(of: request.stack).isEmpty) }
    }
    #expect(!file.metadata.knowsStacks)
  }
}

@Suite struct ThreadTests {
  @Test("more threads at once than there are rings, and thousands after one another")
  func crowd() throws {
    let workshop = try Workshop()
    let program = try workshop.compile("crowd.c", "-O0", "-fno-builtin")
    let (result, trace) = try workshop.record([program, "700", "2000"])
    try #require(result.exitCode == 0, "\(result.errors)")
    let file = try TraceFile(path: trace)
    try checkSound(file)
    // Beside its own the program makes the requests of pthread_create.
    #expect(file.summary.allocations >= UInt64(result.numbers[0]))
    #expect(file.threads.count >= 2701)
  }
}
