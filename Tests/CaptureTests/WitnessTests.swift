// Real programs: what the trace says equals what an independent counter behind it saw.

import Foundation
import MemoryUnits
import TestSupport
import Testing
import Trace

@Suite struct WitnessTests {
  /// Records `command` with a counting library behind ours, and compares the two.
  private func compare(
    _ workshop: Workshop, _ command: [String], environment: [String: String] = [:],
    input: String = "", sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let counter = try workshop.compile(
      "counter.c", "-O2", "-fno-builtin", "-shared", "-fPIC", as: "libcounter.so")
    let counts = workshop.file("counts")
    var variables = environment
    variables["LD_PRELOAD"] = counter
    variables["COUNTER_FILE"] = counts
    variables["COUNTER_PROGRAM"] = URL(fileURLWithPath: command[0]).resolvingSymlinksInPath().path
    let (result, trace) = try workshop.record(command, environment: variables, input: input)
    try #require(result.exitCode == 0, "\(result.errors)", sourceLocation: sourceLocation)
    let data = try #require(FileManager.default.contents(atPath: counts))
    let witness = data.withUnsafeBytes { Array($0.bindMemory(to: UInt64.self)) }
    let file = try TraceFile(path: trace)
    // The counter passes everything on to glibc, which the blocks themselves show.
    #expect(file.metadata.headerBytes == 8, sourceLocation: sourceLocation)
    #expect(file.metadata.allocator == counter, sourceLocation: sourceLocation)
    let summary = file.summary
    #expect(summary.allocations == witness[0], sourceLocation: sourceLocation)
    #expect(summary.frees == witness[1], sourceLocation: sourceLocation)
    #expect(summary.reallocations == witness[2], sourceLocation: sourceLocation)
    #expect(
      try bytesAskedOfMalloc(file) == Int64(witness[3]), sourceLocation: sourceLocation)
    #expect(summary.liveBlocksAtEnd == witness[4], sourceLocation: sourceLocation)
    try checkSound(file, sourceLocation: sourceLocation)
  }

  /// Bytes of the blocks that live at the end, as malloc was asked for them: libstdc++'s operators
  /// ask for one byte at least, and for whole multiples of an alignment.
  private func bytesAskedOfMalloc(_ file: TraceFile) throws -> Int64 {
    var live: [UInt32: Int64] = [:]
    try file.read(addresses: true) { batch in
      for request in batch {
        switch request.operation {
        case .allocate, .reallocate, .reallocateEnd:
          var size = request.size.rawValue
          if request.entry.rawValue >= EntryPoint.new.rawValue {
            let alignment = max(request.alignment?.rawValue ?? 1, 1)
            size = (max(size, 1) + alignment - 1) / alignment * alignment
          }
          live[request.slot.rawValue] = size
        case .free, .reallocateBegin, .abandon: live.removeValue(forKey: request.slot.rawValue)
        default: break
        }
      }
    }
    return live.values.reduce(0, +)
  }

  private static let rows = """
    create table t(a integer, b text);
    with recursive c(x) as (select 1 union all select x+1 from c where x<300000)
    insert into t select x, hex(x*7919)||'abcdefghij' from c;
    create index i on t(b);
    select count(*), sum(a) from t where b like '3%';

    """

  @Test("sqlite3 with 300,000 rows in memory")
  func sqlite() throws {
    try compare(Workshop(), ["/usr/bin/sqlite3", ":memory:"], input: Self.rows)
  }

  @Test("Python on the system's allocator")
  func python() throws {
    let workshop = try Workshop()
    let script = workshop.file("a.py")
    try """
    import json, threading
    rows = [{"id": i, "tags": [str(i * 7919 % k) for k in range(1, 6)]} for i in range(20000)]
    text = json.dumps(rows)
    threads = [threading.Thread(target=json.loads, args=(text,)) for _ in range(3)]
    for t in threads: t.start()
    for t in threads: t.join()
    print(len(text))
    """.write(toFile: script, atomically: false, encoding: .utf8)
    try compare(
      workshop, ["/usr/bin/python3", script], environment: ["PYTHONMALLOC": "malloc"])
  }

  @Test("clang compiling a file")
  func clang() throws {
    let workshop = try Workshop()
    let source = workshop.file("a.cpp")
    try "#include <map>\n#include <string>\nstd::map<std::string, int> m;\n"
      .write(toFile: source, atomically: false, encoding: .utf8)
    let compiler = try workshop.run("which", ["clang++"]).output.trimmingCharacters(
      in: .whitespacesAndNewlines)
    try compare(
      workshop, [compiler, "-O1", "-fsyntax-only", source])
  }

  @Test("four threads that free each other's blocks")
  func handover() throws {
    let workshop = try Workshop()
    let program = try workshop.compile("handover.c", "-O2")
    try compare(workshop, [program, "4", "200000"])
  }

  @Test("a Swift program")
  func swift() throws {
    let workshop = try Workshop()
    let source = workshop.file("words.swift")
    try """
    var words: [String: [Int]] = [:]
    for i in 0..<50_000 { words["word number \\(i % 997)", default: []].append(i) }
    print(words.count, words.values.reduce(0) { $0 + $1.count })
    """.write(toFile: source, atomically: false, encoding: .utf8)
    let program = workshop.file("words")
    let build = try workshop.run("swiftc", ["-O", source, "-o", program])
    try #require(build.exitCode == 0, "\(build.errors)")
    try compare(workshop, [program])
  }

  @Test("every form of the operators of C++")
  func operators() throws {
    let workshop = try Workshop()
    let program = try workshop.compile(
      "operators.cpp", "-std=c++17", "-O1", "-fno-builtin", as: "operators")
    try compare(workshop, [program, "forms", "200", "3"])
  }

  @Test("every entry point, with its corner cases")
  func everyCall() throws {
    let workshop = try Workshop()
    let program = try workshop.compile("calls.c", "-O0", "-fno-builtin")
    try compare(workshop, [program])
    #expect(try workshop.record([program]).result.output == "")
  }
}
