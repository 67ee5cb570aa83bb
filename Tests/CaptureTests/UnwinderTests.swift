// Stacks of real programs against glibc's unwinder, sample by sample.

import Foundation
import MemoryUnits
import TestSupport
import Testing
import Trace

@Suite struct UnwinderTests {
  /// Records the program with a second library behind ours that takes stacks itself: every `rate`th,
  /// or a third of a million without gaps in the long form.
  private func compare(
    _ workshop: Workshop, _ command: [String], rate: Int = 61, environment: [String: String] = [:],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let witness = try workshop.compile(
      "unwinder.c", "-O1", "-fno-builtin", "-fno-optimize-sibling-calls", "-fno-inline", "-shared",
      "-fPIC", as: "libunwinder.so")
    var variables = environment
    variables["LD_PRELOAD"] = witness
    variables["WITNESS_FILE"] = workshop.file("stacks")
    variables["WITNESS_RATE"] = String(wantsLongTests ? 1 : rate)
    variables["WITNESS_SAMPLES"] = String(wantsLongTests ? 350_000 : 10_000)
    variables["WITNESS_PROGRAM"] =
      URL(fileURLWithPath: command[0]).resolvingSymlinksInPath().path
    let (result, path) = try workshop.record(command, environment: variables)
    try #require(result.exitCode == 0, "\(result.errors)", sourceLocation: sourceLocation)
    let data = try #require(FileManager.default.contents(atPath: workshop.file("stacks")))
    let words = data.withUnsafeBytes { Array($0.bindMemory(to: UInt64.self)) }
    let file = try TraceFile(path: path)
    var stacks: [(id: StackID, isOperator: Bool)] = []
    try file.read(addresses: false) { batch in
      for request in batch where request.thread == ThreadIndex(0) {
        switch request.operation {
        case .allocate, .reallocate, .reallocateEnd:
          stacks.append((request.stack, request.entry.rawValue >= EntryPoint.new.rawValue))
        default: break
        }
      }
    }
    let outcome = Comparison(words: words, stacks: stacks, table: file.stacks)
    print("\(command[0]): \(outcome.compared) stacks, \(outcome.different) different")
    #expect(outcome.compared > (wantsLongTests ? 300_000 : 2000), sourceLocation: sourceLocation)
    #expect(
      outcome.different == 0, "of \(outcome.compared): \(outcome.examples)",
      sourceLocation: sourceLocation)
  }

  /// The stacks of the witness beside those of the trace.
  private struct Comparison {
    var compared = 0
    var different = 0
    var examples: [String] = []

    init(words: [UInt64], stacks: [(id: StackID, isOperator: Bool)], table: StackTable) {
      var position = 0
      // What was asked for before the witness was ready, or while it loaded a library, is in the
      // trace alone: the two sequences are shifted until their first stacks agree.
      var shift = 0
      while position + 2 <= words.count {
        let number = Int(words[position])
        let count = Int(words[position + 1])
        let expected = words[position + 2..<position + 2 + count]
        position += 2 + count
        func taken(_ shift: Int) -> [UInt64] {
          guard stacks.indices.contains(number + shift) else { return [] }
          return table.returnAddresses(of: stacks[number + shift].id)
        }
        func agrees(_ shift: Int) -> Bool {
          let taken = taken(shift)
          let isOperator =
            stacks.indices.contains(number + shift) && stacks[number + shift].isOperator
          // The stack of an operator begins at its caller; the witness was called from inside it:
          // by the C++ library's operator, which perhaps another one of it has called, and the
          // tracer.
          return (isOperator ? 2...3 : 0...0).contains { inner in
            let expected = expected.dropFirst(inner)
            return taken.prefix(128).elementsEqual(expected.prefix(128))
              || taken.elementsEqual(expected.dropLast())
          }
        }
        if compared < 3, !agrees(shift) { shift = (0..<200).first(where: agrees) ?? shift }
        compared += 1
        guard !agrees(shift) else { continue }
        different += 1
        guard examples.count < 5 else { continue }
        let kept = taken(shift)
        let common = zip(kept, expected).prefix { $0 == $1 }.count
        examples.append(
          "\(common) equal of \(kept.count) and \(count), then \(kept.dropFirst(common).prefix(3)) "
            + "and \(expected.dropFirst(common).prefix(3))")
      }
    }
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
    let headers = ["map", "string"] + (wantsLongTests ? ["regex", "iostream", "algorithm"] : [])
    let text = headers.map { "#include <\($0)>\n" }.joined()
    let body =
      wantsLongTests
      ? "bool f() { std::regex r(\"a+b\"); return std::regex_match(\"aab\", r); }\n"
      : "int f() { std::map<int, int> m; return m[1]; }\n"
    try (text + body).write(toFile: source, atomically: false, encoding: .utf8)
    let compiler = try workshop.run("which", ["clang++"]).output.trimmingCharacters(
      in: .whitespacesAndNewlines)
    try compare(workshop, [compiler, "-O1", "-c", source, "-o", workshop.file("a.o")])
  }

  @Test("the Swift compiler") func swift() throws {
    let workshop = try Workshop()
    let source = workshop.file("a.swift")
    let functions = (0..<(wantsLongTests ? 50 : 1)).map { n in
      """
      public struct Pair\(n)<T: Hashable> { public var first: T; public var second: [T: Int] }
      public func count\(n)<T: Hashable>(_ items: [T]) -> Pair\(n)<T>? {
        var result: [T: Int] = [:]
        for item in items { result[item, default: 0] += 1 }
        return items.first.map { Pair\(n)(first: $0, second: result) }
      }
      """
    }
    try functions.joined(separator: "\n").write(toFile: source, atomically: false, encoding: .utf8)
    let driver = try workshop.run("which", ["swiftc"]).output.trimmingCharacters(
      in: .whitespacesAndNewlines)
    let frontend = URL(fileURLWithPath: driver).resolvingSymlinksInPath()
      .deletingLastPathComponent().appendingPathComponent("swift-frontend").path
    try compare(
      workshop,
      [
        frontend, "-frontend", "-c", "-O", "-module-name", "a", "-parse-as-library", source, "-o",
        workshop.file("a.o"),
      ], rate: 61)
  }

  @Test("a Swift program") func swiftProgram() throws {
    let workshop = try Workshop()
    let source = workshop.file("tree.swift")
    try """
    final class Node {
      var children: [Node] = []
      var name: String
      init(_ depth: Int) {
        name = "a node at depth \\(depth), whose name is long"
        if depth > 0 { children = (0..<3).map { _ in Node(depth - 1) } }
      }
      func walk(_ visit: (String) throws -> Void) rethrows {
        try visit(name)
        for child in children.reversed() { try child.walk(visit) }
      }
    }
    struct Stop: Error { var text: String }
    var words: [String: [Int]] = [:]
    for round in 0..<\(wantsLongTests ? 40 : 3) {
      let tree = Node(7)
      try tree.walk { words[$0 + String(round % 5), default: []].append($0.count) }
      do { try tree.walk { throw Stop(text: $0 + "!") } } catch { words["error"] = [] }
      let lazy = words.lazy.filter { $0.value.count > 1 }.map { $0.key.uppercased() }
      words["\\(lazy.reduce("", +).count)"] = [1]
    }
    print(words.count)
    """.write(toFile: source, atomically: false, encoding: .utf8)
    let program = workshop.file("tree")
    let build = try workshop.run("swiftc", ["-O", source, "-o", program])
    try #require(build.exitCode == 0, "\(build.errors)")
    try compare(workshop, [program], rate: 7)
  }
}
