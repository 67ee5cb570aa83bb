// Steps that are about no block: the address space, options of the allocator, marks, pools.

import Foundation
import MemoryUnits
import TestSupport
import Testing
import Trace

/// All side steps of a trace, in order.
private func sideSteps(of path: String) throws -> [SideStep] {
  var steps: [SideStep] = []
  try TraceFile(path: path).read(addresses: true) { batch in
    for request in batch {
      if let step = request.sideStep { steps.append(step) }
    }
  }
  return steps
}

/// A step in the form in which the fixtures print theirs.
private func line(_ step: SideStep) -> String {
  func bytes(_ range: Range<Address>) -> String {
    "\(range.lowerBound.rawValue) \((range.upperBound - range.lowerBound).rawValue)"
  }
  switch step {
  case .map(let range, let traits, _, _): return "mmap \(bytes(range)) \(traits.rawValue)"
  case .unmap(let range, _): return "munmap \(bytes(range))"
  case .discard(let range, let isLazy):
    return "discard\(isLazy ? "-lazily" : "") \(bytes(range))"
  case .setBreak(let to, let entry): return "\(entry.name) \(to.rawValue) 0"
  default: return "\(step)"
  }
}

@Suite struct AddressSpaceTests {
  @Test("each call is a step, in order; those that fail are none")
  func calls() throws {
    let workshop = try Workshop()
    let program = try workshop.compile("mappings.c", "-O1")
    let (result, trace) = try workshop.record([program])
    #expect(result.exitCode == 0)
    let expected = result.output.split(separator: "\n").map(String.init)
    #expect(expected.count > 16)
    #expect(try sideSteps(of: trace).map(line) == expected)
    try checkSound(TraceFile(path: trace))
  }

  @Test("the functions and stacks of mappings are those of the calls")
  func entries() throws {
    let workshop = try Workshop()
    let program = try workshop.compile("mappings.c", "-O1")
    let (_, trace) = try workshop.record([program])
    let file = try TraceFile(path: trace)
    var entries: Set<EntryPoint> = []
    for step in try sideSteps(of: trace) {
      switch step {
      case .map(_, let traits, let stack, let entry):
        #expect(entry == (traits.contains(.moved) ? .mremap : .mmap))
        #expect(file.stacks.returnAddresses(of: stack).count > 1)
        entries.insert(entry)
      case .unmap(_, let entry): entries.insert(entry)
      default: break
      }
    }
    #expect(entries == [.mmap, .mremap, .munmap])
  }

  @Test("threads that map where others have just unmapped: no two mappings overlap")
  func race() throws {
    let workshop = try Workshop()
    let source = workshop.file("race.c")
    try """
    #include <pthread.h>
    #include <sys/mman.h>
    static void *work(void *unused) {
      for (int i = 0; i < 3000; i++) {
        void *p = mmap(0, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        void *q = mremap(p, 8192, 4096 * (1 + i % 9), MREMAP_MAYMOVE);
        munmap(q, 4096 * (1 + i % 9));
      }
      return unused;
    }
    int main(void) {
      pthread_t threads[4];
      for (int i = 0; i < 4; i++) pthread_create(&threads[i], 0, work, 0);
      for (int i = 0; i < 4; i++) pthread_join(threads[i], 0);
    }
    """.write(toFile: source, atomically: false, encoding: .utf8)
    let program = workshop.file("race")
    let build = try workshop.run(
      "clang", ["-D_GNU_SOURCE", "-O1", "-pthread", source, "-o", program])
    try #require(build.exitCode == 0, "\(build.errors)")
    let (_, trace) = try workshop.record([program])
    var pages: Set<UInt64> = []
    var overlaps = 0
    var unknown = 0
    let steps = try sideSteps(of: trace)
    for step in steps {
      switch step {
      case .map(let range, _, _, _):
        for page in stride(
          from: range.lowerBound.rawValue, to: range.upperBound.rawValue, by: 4096)
        where !pages.insert(page).inserted {
          overlaps += 1
        }
      case .unmap(let range, _):
        for page in stride(
          from: range.lowerBound.rawValue, to: range.upperBound.rawValue, by: 4096)
        where pages.remove(page) == nil {
          unknown += 1
        }
      default: break
      }
    }
    #expect(steps.count >= 4 * 3000 * 4)
    #expect(overlaps == 0)
    #expect(unknown == 0)
    #expect(pages.isEmpty)
  }
}

@Suite struct AllocatorOptionTests {
  @Test("options and trims are steps; rarer functions release in their own name")
  func options() throws {
    let workshop = try Workshop()
    let program = try workshop.compile("releases.c", "-O0", "-fno-builtin")
    let (result, trace) = try workshop.record([program])
    try #require(result.exitCode == 0)
    #expect(
      try sideSteps(of: trace) == [
        .setOption(parameter: -3, value: 1 << 20), .trim(pad: 4096),
      ])
    var releases: [EntryPoint: Int] = [:]
    let file = try TraceFile(path: trace)
    try file.read(addresses: false) { batch in
      for request in batch where request.operation == .free {
        releases[request.entry, default: 0] += 1
      }
    }
    #expect(releases == [.cfree: 10, .freeSized: 10, .freeAlignedSized: 10, .free: 12])
    try checkSound(file)
  }

  @Test("plugins' own functions by the name of a newer C library's are left to them")
  func foreignName() throws {
    let workshop = try Workshop()
    func compile(_ source: String, _ flags: [String], as name: String) throws -> String {
      let (path, result) = (workshop.file(name + ".c"), workshop.file(name))
      try source.write(toFile: path, atomically: false, encoding: .utf8)
      try #require(try workshop.run("clang", flags + [path, "-o", result]).exitCode == 0)
      return result
    }
    let plugin = """
      long free_sized(int a, int b, int c, int d, int e, int f) {
        return FACTOR * (a + b + c + d + e + f);
      }
      long run(void) {
        long (*volatile call)(int, int, int, int, int, int) = free_sized;
        return call(1, 2, 3, 4, 5, 6);
      }
      """
    let plugins = try [1, 10].map {
      try compile(plugin, ["-shared", "-fPIC", "-DFACTOR=\($0)"], as: "plugin\($0).so")
    }
    let program = try compile(
      """
      #include <dlfcn.h>
      #include <stdio.h>
      int main(int count, char **arguments) {
        long (*run[2])(void);
        for (int i = 0; i < 2; i++)
          *(void **)&run[i] = dlsym(dlopen(arguments[1 + i], RTLD_NOW | RTLD_LOCAL), "run");
        for (int i = 0; i < 4; i++) printf("%ld\\n", run[i % 2]());
      }
      """, [], as: "host")
    let (result, trace) = try workshop.record([program] + plugins)
    #expect(result.output == "21\n210\n21\n210\n")
    try checkSound(TraceFile(path: trace))
  }
}

@Suite struct MarkTests {
  /// Compiles the program that uses lacuna.h.
  private func compile(_ workshop: Workshop, _ compiler: String, _ flags: [String]) throws
    -> String
  {
    let program = workshop.file("marks")
    let header = URL(fileURLWithPath: Workshop.fixtures)
      .appendingPathComponent("../../Sources/InterposerEntry/include").standardized.path
    let language = compiler.hasSuffix("++") ? ["-x", "c++"] : []
    let result = try workshop.run(
      compiler,
      ["-Wall", "-Wextra", "-Werror", "-pedantic", "-I" + header] + flags + language
        + [Workshop.fixtures + "/marks.c", "-o", program])
    try #require(result.exitCode == 0, "\(result.errors)")
    return program
  }

  @Test(
    "marks and pools, however the program is built",
    arguments: [
      ("gcc", ["-O0", "-no-pie", "-fno-pie"]), ("g++", ["-O2", "-fuse-ld=gold"]),
      ("clang", ["-O2", "-no-pie", "-fno-pie", "-fuse-ld=lld"]),
      ("clang++", ["-O0", "-fuse-ld=lld"]), ("gcc", ["-O2", "-no-pie", "-fuse-ld=gold"]),
    ])
  func marks(compiler: String, flags: [String]) throws {
    let workshop = try Workshop()
    let program = try compile(workshop, compiler, flags)
    #expect(try workshop.run(program).output.hasPrefix("fine"))
    let (result, trace) = try workshop.record([program])
    #expect(result.output.hasPrefix("fine"))
    let file = try TraceFile(path: trace)
    let long = String(repeating: "x", count: 255)
    #expect(file.marks.map(\.name) == ["start", "round", "round", "round", "", long])
    #expect(file.marks.map(\.time) == file.marks.map(\.time).sorted())
    let memory = try #require(result.numbers.first)
    var expected: [String] = ["mark 0"]
    for round in 0..<3 {
      let piece = memory + 64 * round
      expected += ["take \(piece) 48", "mark \(round + 1)", "give \(piece)"]
    }
    expected += ["mark 4", "mark 5"]
    let steps = try sideSteps(of: trace).map { step -> String in
      switch step {
      case .mark(let mark): return "mark \(mark.rawValue)"
      case .poolAllocate(let pool, let address, let size, let stack):
        #expect(pool == PoolID(0))
        #expect(!file.stacks.returnAddresses(of: stack).isEmpty)
        return "take \(address.rawValue) \(size.rawValue)"
      case .poolFree(let pool, let address):
        #expect(pool == PoolID(0))
        return "give \(address.rawValue)"
      default: return "\(step)"
      }
    }
    #expect(steps == expected)
  }

  @Test("a static program does without")
  func staticProgram() throws {
    let workshop = try Workshop()
    let program = try compile(workshop, "gcc", ["-static"])
    #expect(try workshop.run(program).output.hasPrefix("fine"))
  }
}
