// Stacks of real programs against glibc's unwinder, sample by sample.

import Foundation
import MemoryUnits
import TestSupport
import Testing
import Trace

@Suite struct UnwinderTests {
  /// Records the program with a second library behind ours that takes every 61st stack itself.
  private func compare(
    _ workshop: Workshop, _ command: [String], environment: [String: String] = [:],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let witness = try workshop.compile(
      "unwinder.c", "-O1", "-fno-builtin", "-fno-optimize-sibling-calls", "-fno-inline", "-shared",
      "-fPIC", as: "libunwinder.so")
    var variables = environment
    variables["LD_PRELOAD"] = witness
    variables["WITNESS_FILE"] = workshop.file("stacks")
    variables["WITNESS_PROGRAM"] =
      URL(fileURLWithPath: command[0]).resolvingSymlinksInPath().path
    let (result, path) = try workshop.record(command, environment: variables)
    try #require(result.exitCode == 0, "\(result.errors)", sourceLocation: sourceLocation)
    let data = try #require(FileManager.default.contents(atPath: workshop.file("stacks")))
    let words = data.withUnsafeBytes { Array($0.bindMemory(to: UInt64.self)) }
    let file = try TraceFile(path: path)
    var stacks: [(id: StackID, isOperator: Bool)] = []
    try file.read(addresses: false) { batch in
      for request in batch {
        switch request.operation {
        case .allocate, .reallocate, .reallocateEnd:
          stacks.append((request.stack, request.entry.rawValue >= EntryPoint.new.rawValue))
        default: break
        }
      }
    }
    // What was asked for before the witness was ready, or while it loaded a library, is in the
    // trace alone: the two sequences are shifted until their first stacks agree.
    var position = 0
    var compared = 0
    var different = 0
    var shift = 0
    while position + 2 <= words.count {
      let number = Int(words[position])
      let count = Int(words[position + 1])
      let expected = Array(words[position + 2..<position + 2 + count])
      position += 2 + count
      func agrees(_ shift: Int) -> Bool {
        guard stacks.indices.contains(number + shift) else { return false }
        let stack = stacks[number + shift]
        let taken = file.stacks.returnAddresses(of: stack.id)
        // The stack of an operator begins at its caller; the witness was called from inside it: by
        // the C++ library's operator, which perhaps another one of it has called, and the tracer.
        return (stack.isOperator ? 2...3 : 0...0).contains { inner in
          let expected = expected.dropFirst(inner)
          return taken.prefix(128) == expected.prefix(128) || taken == expected.dropLast()
        }
      }
      if compared < 3, !agrees(shift) { shift = (0..<200).first(where: agrees) ?? shift }
      compared += 1
      if !agrees(shift) { different += 1 }
    }
    #expect(compared > 2000, sourceLocation: sourceLocation)
    #expect(different == 0, "of \(compared)", sourceLocation: sourceLocation)
  }

  @Test("Python") func python() throws {
    let workshop = try Workshop()
    let script = workshop.file("a.py")
    try """
    import json, re, collections
    rows = [{"id": i, "tags": [str(i * 7919 % k) for k in range(1, 6)]} for i in range(3000)]
    text = json.dumps(rows, indent=1)
    print(len(json.loads(text)), len(re.findall(r"[0-9]+", text)))
    print(collections.Counter(text).most_common(1))
    """.write(toFile: script, atomically: false, encoding: .utf8)
    try compare(
      workshop, ["/usr/bin/python3", script], environment: ["PYTHONMALLOC": "malloc"])
  }

  @Test("clang") func clang() throws {
    let workshop = try Workshop()
    let source = workshop.file("a.cpp")
    try "#include <map>\n#include <string>\nint f() { std::map<int, int> m; return m[1]; }\n"
      .write(toFile: source, atomically: false, encoding: .utf8)
    let compiler = try workshop.run("which", ["clang++"]).output.trimmingCharacters(
      in: .whitespacesAndNewlines)
    try compare(workshop, [compiler, "-O1", "-c", source, "-o", workshop.file("a.o")])
  }
}
