// The traced program must not notice.

import Foundation
import MemoryUnits
import TestSupport
import Testing
import Trace

@Suite struct TransparencyTests {
  @Test(
    "exit codes and signals are the program's own",
    arguments: [
      ("return", 3), ("_exit", 7), ("kill", 137), ("segv", 139), ("abort", 134),
      ("double-free", 134), ("quick_exit", 9), ("running-exit", 5), ("running-abort", 134),
      ("running-exec", 4),
    ])
  func endings(how: String, code: Int) throws {
    let workshop = try Workshop()
    let program = try workshop.compile("endings.c", "-O0", "-fno-builtin")
    let (result, trace) = try workshop.record([program, how])
    #expect(Int(result.exitCode) == code)
    let file = try TraceFile(path: trace)
    #expect(file.isComplete)
    // All hundred thousand blocks, also where nothing could be flushed any more.
    var count = 0
    try file.read(addresses: false) { batch in
      for request in batch where request.operation == .allocate && request.size == 24 { count += 1 }
    }
    #expect(count >= 100_000)
    // After exec the shell frees too.
    if how != "running-exec" { #expect(file.summary.frees == (how == "double-free" ? 2 : 0)) }
  }

  @Test("a thread outlives main")
  func outlivedMain() throws {
    let workshop = try Workshop()
    let program = try workshop.compile("endings.c", "-O0", "-fno-builtin")
    let (result, trace) = try workshop.record([program, "pthread_exit"])
    #expect(result.exitCode == 6)
    let file = try TraceFile(path: trace)
    try checkSound(file)
    #expect(try Tally(of: file, sizes: 24...24).allocations >= 100_001)
  }

  @Test("what a forked child does is not the program's")
  func fork() throws {
    let workshop = try Workshop()
    let program = try workshop.compile("endings.c", "-O0", "-fno-builtin")
    let (_, trace) = try workshop.record([program, "fork"])
    let file = try TraceFile(path: trace)
    #expect(file.summary.frees == 0)
    try checkSound(file)
  }

  @Test("programs that the program starts find a clean environment")
  func execChild() throws {
    let workshop = try Workshop()
    let program = try workshop.compile("endings.c", "-O0", "-fno-builtin")
    let (plain, _) = try workshop.record([program, "exec-child"])
    #expect(plain.output == "none\n0\n")
    let counter = try workshop.compile("counter.c", "-shared", "-fPIC", as: "libcounter.so")
    let (others, _) = try workshop.record(
      [program, "exec-child"], environment: ["LD_PRELOAD": counter])
    #expect(others.output == counter + "\n0\n")
  }

  @Test("exec ends the threads wherever they are, also in the ring that they share")
  func crowdedExec() throws {
    let workshop = try Workshop()
    let program = try workshop.compile("crowded-exec.c", "-O0", "-fno-builtin", "-pthread")
    let (result, _) = try workshop.record([program])
    #expect(result.exitCode == 5)
  }

  @Test("exec goes on in the same trace, and ends the blocks of the image before")
  func exec() throws {
    let workshop = try Workshop()
    let program = try workshop.compile("endings.c", "-O0", "-fno-builtin")
    let (result, trace) = try workshop.record([program, "exec"])
    #expect(result.exitCode == 3)
    let file = try TraceFile(path: trace)
    #expect(file.summary.allocations >= 200_000)
    #expect(file.summary.liveBlocksAtEnd < 150_000)
    #expect(Set(file.modules.map(\.image)) == [0, 1])
    try checkSound(file)
  }

  @Test("backtrace() from a signal handler inside malloc reaches main")
  func backtrace() throws {
    let workshop = try Workshop()
    let program = try workshop.compile("signals.c", "-O2", "-fno-builtin")
    let (result, trace) = try workshop.record([program])
    #expect(result.numbers.count == 2)
    #expect(result.numbers.first == result.numbers.last)
    #expect(try TraceFile(path: trace).summary.lostEvents == 0)
  }

  @Test("standard input and output pass through")
  func streams() throws {
    let workshop = try Workshop()
    let text = String(repeating: "line\n", count: 10_000)
    let (result, _) = try workshop.record(["/bin/cat"], input: text)
    #expect(result.output == text)
    #expect(result.errors == "")
    #expect(result.exitCode == 0)
  }

  @Test("addresses are the same with and without recording")
  func placement() throws {
    let workshop = try Workshop()
    let source = workshop.file("places.c")
    try """
    #include <stdio.h>
    #include <stdlib.h>
    int main(void) {
      static void *kept[500];
      static char line[64];
      unsigned state = 1;
      setvbuf(stdout, NULL, _IONBF, 0);
      for (int i = 0; i < 5000; i++) {
        state = state * 1103515245 + 12345;
        void **slot = &kept[state / 65536 % 500];
        *slot = realloc(*slot, 1 + state / 7 % 3000);
        snprintf(line, sizeof line, "%p\\n", *slot);
        fputs(line, stdout);
      }
    }
    """.write(toFile: source, atomically: false, encoding: .utf8)
    let program = workshop.file("places")
    try #require(try workshop.run("clang", [source, "-o", program]).exitCode == 0)
    // Without randomised addresses the break starts behind the program in both runs.
    let plain = try workshop.run("setarch", ["-R", program])
    let (recorded, _) = try workshop.record(["/usr/bin/setarch", "-R", program])
    #expect(plain.output.count > 5000 * 8)
    #expect(recorded.output == plain.output)
  }

  @Test("the data segment of the trace is that of the program")
  func dataSegment() throws {
    let workshop = try Workshop()
    let source = workshop.file("break.c")
    try """
    #include <stdio.h>
    #include <stdlib.h>
    #include <unistd.h>
    int main(void) {
      static void *kept[3000];
      for (int i = 0; i < 3000; i++) kept[i] = malloc(1000 + i % 50);
      char *middle = sbrk(0);
      for (int i = 1000; i < 3000; i++) free(kept[i]);
      void *last = malloc(10);
      printf("%lu %lu\\n", (unsigned long)middle, (unsigned long)sbrk(0));
      fflush(stdout);
      free(last);
    }
    """.write(toFile: source, atomically: false, encoding: .utf8)
    let program = workshop.file("break")
    try #require(
      try workshop.run("clang", ["-fno-builtin", source, "-o", program]).exitCode == 0)
    let (result, trace) = try workshop.record([program])
    var start: [UInt64] = []
    var moves: [UInt64] = []
    try TraceFile(path: trace).read(addresses: true) { batch in
      for request in batch {
        if request.operation == .startBreak { start.append(request.address.rawValue) }
        if request.operation == .moveBreak { moves.append(request.address.rawValue) }
      }
    }
    #expect(start.count == 1)
    // It grew to the most that the program saw, shrank when the top was trimmed, and no block ever
    // lay outside.
    #expect(result.numbers.count == 2)
    #expect(moves.max() == UInt64(result.numbers[0]))
    #expect(moves.contains(UInt64(result.numbers[1])))
    #expect(result.numbers[1] < result.numbers[0])
  }

  @Test("a coroutine whose neighbour's stack vanished")
  func coroutine() throws {
    let workshop = try Workshop()
    let program = try workshop.compile("coroutine.c", "-O1", "-fno-builtin")
    let (result, trace) = try workshop.record([program])
    #expect(result.output == "fine\n")
    #expect(result.exitCode == 0)
    try checkSound(TraceFile(path: trace))
  }

  @Test("the exit code arrives also where a parent has children reaped unasked")
  func ignoredChildren() throws {
    let workshop = try Workshop()
    let script = "trap '' CHLD; exec \"$0\" record -q -o a.trace -- /bin/sh -c 'exit 7'"
    let result = try workshop.run(
      "/bin/bash", ["-c", script, Workshop.buildDirectory + "/lacuna"])
    #expect(result.exitCode == 7)
  }
}
