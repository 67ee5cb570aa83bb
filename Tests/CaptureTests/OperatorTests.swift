// The operators of C++: each block is recorded once, in the name of the operator, wherever the
// operators come from. The programs count for themselves.

import Foundation
import MemoryUnits
import TestSupport
import Testing
import Trace

/// Blocks of 7000 to 7999 bytes: "SIZE, function, function that released it", and how many.
private func blocks(of file: TraceFile) throws -> [String: Int] {
  var live: [UInt32: (size: Int64, entry: EntryPoint)] = [:]
  var counts: [String: Int] = [:]
  func end(_ slot: Slot, _ release: String) {
    guard let block = live.removeValue(forKey: slot.rawValue),
      (7000...7999).contains(block.size)
    else { return }
    counts["\(block.size)\t\(block.entry.name)\t\(release)", default: 0] += 1
  }
  try file.read(addresses: true) { batch in
    for request in batch {
      switch request.operation {
      case .allocate, .reallocate, .reallocateEnd:
        live[request.slot.rawValue] = (request.size.rawValue, request.entry)
      case .free: end(request.slot, request.entry.name)
      case .reallocateBegin, .abandon: live.removeValue(forKey: request.slot.rawValue)
      default: break
      }
    }
  }
  for slot in live.keys { end(Slot(slot), "none") }
  return counts
}

/// What a program printed in the same form.
private func expected(_ output: String) -> [String: Int] {
  var counts: [String: Int] = [:]
  for line in output.split(separator: "\n") {
    let parts = line.split(separator: "\t")
    guard parts.count == 4, let count = Int(parts[3]) else { continue }
    counts[parts[0...2].joined(separator: "\t"), default: 0] += count
  }
  return counts
}

@Suite struct OperatorTests {
  /// Records a program and compares what it printed with the trace.
  private func compare(
    _ workshop: Workshop, _ command: [String], environment: [String: String] = [:],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let (result, trace) = try workshop.record(command, environment: environment)
    try #require(result.exitCode == 0, "\(result.errors)", sourceLocation: sourceLocation)
    let file = try TraceFile(path: trace)
    let expected = expected(result.output)
    #expect(!expected.isEmpty, sourceLocation: sourceLocation)
    #expect(try blocks(of: file) == expected, sourceLocation: sourceLocation)
    try checkSound(file, sourceLocation: sourceLocation)
  }

  private func compile(
    _ workshop: Workshop, with compiler: String = "clang++", _ fixture: String, _ flags: String...,
    as name: String
  ) throws -> String {
    let program = workshop.file(name)
    let result = try workshop.run(
      compiler,
      ["-std=c++17", "-fno-builtin", "-pthread", Workshop.fixtures + "/" + fixture, "-o", program]
        + flags)
    try #require(result.exitCode == 0, "\(result.errors)")
    return program
  }

  @Test("every form, with both compilers", arguments: ["g++", "clang++"], ["-O0", "-O2"])
  func forms(compiler: String, optimisation: String) throws {
    let workshop = try Workshop()
    let program = try compile(
      workshop, with: compiler, "operators.cpp", optimisation, as: "operators")
    try compare(workshop, [program, "forms", "300", "3"])
  }

  @Test("failures: exceptions, handlers that allocate, jump away or end the thread")
  func failures() throws {
    let workshop = try Workshop()
    let program = try compile(workshop, "operators.cpp", "-O1", "-rdynamic", as: "operators")
    let stingy = try workshop.compile("stingy.c", "-O1", "-shared", "-fPIC", as: "libstingy.so")
    try compare(workshop, [program, "failures", "50"], environment: ["LD_PRELOAD": stingy])
  }

  @Test(
    "allocators with operators of their own, linked and preloaded",
    arguments: ["libjemalloc.so.2", "libmimalloc.so.2", "libtcmalloc_minimal.so.4"],
    [true, false])
  func allocators(library: String, isLinked: Bool) throws {
    let workshop = try Workshop()
    let path = try #require(
      ["/usr/lib/x86_64-linux-gnu/", "/usr/local/lib/"].map { $0 + library }
        .first { FileManager.default.fileExists(atPath: $0) },
      "\(library) is not installed; Scripts/test installs it")
    if isLinked {
      let program = try compile(
        workshop, "operators.cpp", "-Wl,--no-as-needed", path, as: "operators")
      try compare(workshop, [program, "forms", "300", "2"])
    } else {
      let program = try compile(workshop, "operators.cpp", as: "operators")
      try compare(workshop, [program, "forms", "300", "2"], environment: ["LD_PRELOAD": path])
    }
  }

  @Test(
    "operators of the program's own, all or some of them, in it or in a library",
    arguments: ["-DALL", "-DSOME"], ["-DHEADER=16", "-DHEADER=0"])
  func replaced(which: String, header: String) throws {
    let workshop = try Workshop()
    let program = try compile(workshop, "replaced.cpp", which, header, as: "replaced")
    try compare(workshop, [program])
    let library = try compile(
      workshop, "replaced.cpp", which, header, "-DLIBRARY", "-shared", "-fPIC", as: "libown.so")
    let user = try compile(
      workshop, "replaced.cpp", header, "-DUSER", library, "-Wl,-rpath," + workshop.path,
      as: "user")
    try compare(workshop, [user])
  }

  @Test("a plugin whose C++ library nobody else sees", arguments: ["-O1", "-static-libstdc++"])
  func plugin(flag: String) throws {
    let workshop = try Workshop()
    let program = try workshop.compile("plugged.c", "-O1")
    let plugin = try compile(
      workshop, with: "g++", "operators.cpp", flag, "-DPLUGIN", "-shared", "-fPIC",
      as: "plugin.so")
    try compare(workshop, [program, plugin, "forms", "100", "2"])
  }

  @Test("a program with the C++ library inside is recorded by what that calls")
  func staticLibrary() throws {
    let workshop = try Workshop()
    let program = try compile(
      workshop, with: "g++", "operators.cpp", "-static-libstdc++", "-static-libgcc",
      as: "operators")
    let (result, trace) = try workshop.record([program, "forms", "100", "1"])
    try #require(result.exitCode == 0)
    let file = try TraceFile(path: trace)
    let counts = try blocks(of: file)
    for size in [7001, 7002, 7003, 7011, 7012, 7013, 7021] {
      #expect(counts["\(size)\tmalloc\tfree"] == 100)
    }
    try checkSound(file)
  }

  @Test("stacks begin at the caller of the operator")
  func stacks() throws {
    let workshop = try Workshop()
    let source = workshop.file("caller.cpp")
    try """
    #include <cstdio>
    #include <new>
    static void *volatile sink;
    __attribute__((noinline)) void *caller() {
      sink = ::operator new[](7501);
      return __builtin_return_address(0);
    }
    __attribute__((noinline)) void *next() {
      void *here = caller();
      asm volatile("");
      return here;
    }
    int main() { printf("%lu\\n", (unsigned long)next()); }
    """.write(toFile: source, atomically: false, encoding: .utf8)
    let program = workshop.file("caller")
    try #require(
      try workshop.run("g++", ["-O2", "-fno-builtin", source, "-o", program]).exitCode == 0)
    let (result, trace) = try workshop.record([program])
    let file = try TraceFile(path: trace)
    var stack: [UInt64] = []
    try file.read(addresses: false) { batch in
      for request in batch where request.operation == .allocate && request.size == 7501 {
        stack = file.stacks.returnAddresses(of: request.stack)
      }
    }
    // First the operator's caller, then the caller of that, as the program says.
    try #require(stack.count > 2)
    #expect(stack[1] == UInt64(result.numbers[0]))
  }
}
