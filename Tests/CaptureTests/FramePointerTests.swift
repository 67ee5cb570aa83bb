// Stacks by frame pointers, code without unwind information, and small stacks.

import Foundation
import MemoryUnits
import Symbols
import TestSupport
import Testing
import Trace

@Suite struct FramePointerTests {
  /// Records and returns, for each block, the address and the frames as they were recorded.
  private func record(_ workshop: Workshop, _ method: String, _ command: [String]) throws -> (
    output: String, file: TraceFile, stacks: [(address: UInt64, size: Int64, stack: StackID)]
  ) {
    let trace = workshop.file(method + ".trace")
    let result = try workshop.lacuna(
      ["record", "-q", "--stacks", method, "-o", trace, "--"] + command)
    try #require(result.exitCode == 0, "\(result.errors)")
    let file = try TraceFile(path: trace)
    var stacks: [(UInt64, Int64, StackID)] = []
    try file.read(addresses: true) { batch in
      for request in batch where request.operation == .allocate {
        stacks.append((request.address.rawValue, request.size.rawValue, request.stack))
      }
    }
    return (result.output, file, stacks)
  }

  @Test("equal the others as far as there are frame pointers", arguments: ["-O0", "-O2"])
  func agree(optimisation: String) throws {
    let workshop = try Workshop()
    let program = try workshop.compile(
      "stacks.c", optimisation, "-fno-omit-frame-pointer", "-mno-omit-leaf-frame-pointer",
      "-fno-optimize-sibling-calls", "-fno-builtin")
    let recorded = try record(workshop, "frame-pointer", [program])
    let own = try #require(
      recorded.file.modules.first { $0.path.hasSuffix("/stacks") }?.range)
    var taken: [UInt64: [UInt64]] = [:]
    for (address, _, stack) in recorded.stacks {
      taken[address] = recorded.file.stacks.returnAddresses(of: stack)
    }
    var compared = 0
    var deepest = 0
    for line in recorded.output.split(separator: "\n") {
      let words = line.split(separator: " ").compactMap { UInt64($0.dropFirst(2), radix: 16) }
      let stack = Array(try #require(taken[words[0]]).dropFirst())
      let expected = Array(words.dropFirst())
      // Libc has no frame pointers; the first frame in it is still found.
      let count = expected.prefix { own.contains(Address($0)) }.count
      let kept = min(count + 1, expected.count, 127)
      #expect(Array(stack.prefix(kept)) == Array(expected.prefix(kept)), "\(line)")
      compared += 1
      deepest = max(deepest, kept)
    }
    #expect(compared > 60)
    #expect(deepest == 127)
    #expect(recorded.file.summary.truncatedStacks > 0)
  }

  @Test("code made at run time ends a stack, or is passed by its frame pointers")
  func madeAtRunTime() throws {
    let workshop = try Workshop()
    let library = try workshop.compile(
      "plugin.c", "-O1", "-fno-builtin", "-shared", "-fPIC", "-DNAME=gone", "-DFILLER=16",
      as: "libgone.so")
    let program = try workshop.compile(
      "jit.c", "-O1", "-fno-omit-frame-pointer", "-fno-builtin",
      "-fno-optimize-sibling-calls")
    for method in ["cfi", "frame-pointer"] {
      let recorded = try record(workshop, method, [program, library])
      let symbolizer = Symbolizer(modules: recorded.file.modules)
      func names(_ size: Int64) throws -> [String] {
        let block = try #require(recorded.stacks.first { $0.size == size })
        return recorded.file.stacks.frames(of: block.stack).map {
          symbolizer.frame(at: $0).function
        }
      }
      // The library has no frame pointers, and is a library while it is there.
      #expect(try names(30001).prefix(1) == ["gone_inner"])
      for (line, size) in zip(recorded.output.split(separator: "\n"), [30002, 30003] as [Int64]) {
        // Behind the call, which is six bytes into the code.
        let address = String(try #require(UInt64(line)) + 5, radix: 16)
        let expected = ["callback", "0x" + address] + (method == "cfi" ? [] : ["run", "main"])
        #expect(try Array(names(size).prefix(4)) == expected, "\(method), \(size)")
      }
    }
  }

  @Test("no stacks are taken if none are wanted")
  func none() throws {
    let recorded = try record(Workshop(), "none", ["/bin/ls", "/"])
    #expect(!recorded.stacks.isEmpty)
    #expect(recorded.stacks.allSatisfy { recorded.file.stacks.frames(of: $0.stack).isEmpty })
    #expect(!recorded.file.metadata.knowsStacks)
  }

  @Test("the hooks need little stack")
  func smallStack() throws {
    let workshop = try Workshop()
    let program = try workshop.compile("small-stack.c", "-O1", "-fno-builtin", "-Wl,-z,now")
    let plain = try workshop.run(program)
    let (recorded, _) = try workshop.record([program])
    #expect(plain.output.hasSuffix("\nfine\n"))
    #expect(recorded.output.hasSuffix("\nfine\n"), "\(recorded)")
    // The cold path runs the call frame programs of all frames.
    #expect(recorded.numbers[0] < plain.numbers[0] + 1100)
  }
}
