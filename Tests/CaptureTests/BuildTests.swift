// Families as they are met: builds, shells, Python.

import Foundation
import TestSupport
import Testing
import Trace

@Suite struct BuildTests {
  @Test("make -j2 of a small project: a trace for each process")
  func make() throws {
    let workshop = try Workshop()
    for name in ["a", "b", "c"] {
      try "int \(name)(int x) { return x + 1; }\n".write(
        toFile: workshop.file("\(name).c"), atomically: false, encoding: .utf8)
    }
    try "int a(int); int b(int); int c(int);\nint main(void) { return a(b(c(-3))); }\n".write(
      toFile: workshop.file("main.c"), atomically: false, encoding: .utf8)
    try """
    OBJECTS = a.o b.o c.o main.o
    program: $(OBJECTS)
    \tgcc -o $@ $(OBJECTS)
    %.o: %.c
    \tgcc -O1 -c $< -o $@

    """.write(toFile: workshop.file("Makefile"), atomically: false, encoding: .utf8)
    let family = try FamilyRecording(workshop, ["/usr/bin/make", "-s", "-j2"])
    try #require(family.result.exitCode == 0, "\(family.result)")
    #expect(family.result.errors == "")
    #expect(try workshop.run(workshop.file("program")).exitCode == 0)

    let files = try family.traces()
    func count(_ name: String) -> Int {
      files.count { $0.metadata.executable.hasSuffix("/" + name) }
    }
    #expect(count("make") == 1)
    #expect(count("cc1") == 4)
    #expect(files.count { $0.metadata.command.contains("-c") } >= 4)
    for file in files {
      #expect(file.isComplete, "\(file.path): \(file.damage)")
      #expect(file.summary.lostEvents == 0)
      #expect(file.summary.allocationsOfLiveAddress == 0)
      #expect(file.summary.freesOfUnknownAddress == 0)
      #expect(file.summary.events > 0)
    }
    // Every compiler proper was started by a driver, and every driver by make.
    let byName = Dictionary(
      uniqueKeysWithValues: files.map { ($0.path.split(separator: "/").last.map(String.init), $0) })
    for file in files where file.metadata.executable.hasSuffix("/cc1") {
      let driver = try #require(byName[file.metadata.parentTrace])
      #expect(driver.metadata.command.first == "gcc")
      #expect(byName[driver.metadata.parentTrace]?.metadata.executable == "/usr/bin/make")
    }
    let members = try #require(TraceFamily(of: files[0].path, metadata: files[0].metadata))
    #expect(members.members.count == files.count)
    #expect(members.members.first?.trace == "a.trace")
  }

  @Test("two hundred short processes, and fifty at a time")
  func crowds() throws {
    let workshop = try Workshop()
    let short = try FamilyRecording(
      workshop, ["/bin/sh", "-c", "for i in $(seq 200); do /bin/true; done"])
    #expect(short.result.exitCode == 0)
    let programs = try short.traces().count { $0.metadata.executable.hasSuffix("/true") }
    #expect(programs == 200)

    let many = try Workshop()
    let source = many.file("many.c")
    // All wait until the last has begun, so that all are there at the same time.
    try """
    #include <stdlib.h>
    #include <sys/wait.h>
    #include <unistd.h>
    int main(void) {
      int go[2], ready[2], failures = 0, status;
      char byte;
      if (pipe(go) || pipe(ready)) return 9;
      for (int i = 0; i < 50; i++)
        if (fork() == 0) {
          for (int k = 0; k < 1000; k++) free(malloc(777));
          if (write(ready[1], "x", 1) != 1 || close(go[1]) || read(go[0], &byte, 1) != 0) _exit(1);
          for (int k = 0; k < 1000; k++) free(malloc(777));
          _exit(0);
        }
      for (int i = 0; i < 50; i++) if (read(ready[0], &byte, 1) != 1) return 8;
      close(go[1]);
      while (wait(&status) > 0) failures += status != 0;
      return failures;
    }
    """.write(toFile: source, atomically: false, encoding: .utf8)
    let program = many.file("many")
    try #require(try many.run("clang", ["-fno-builtin", source, "-o", program]).exitCode == 0)
    // Few descriptors: the recorder raises its own limit, and leaves the program's alone.
    let family = try FamilyRecording(
      many, ["/bin/bash", "-c", "ulimit -Sn; exec \"$0\"", program])
    #expect(family.result.exitCode == 0, "\(family.result)")
    let files = try family.traces()
    #expect(files.count == 51)
    let counts = try files.map { try CountedRequests($0, sizes: 777..<778).allocations }
    #expect(counts.filter { $0 == 2000 }.count == 50)
  }

  @Test("Python's processes: forked workers, and programs that it runs")
  func python() throws {
    let workshop = try Workshop()
    let script = workshop.file("a.py")
    try """
    import multiprocessing, subprocess, sys
    def work(n): return sum(len(str(i)) for i in range(n))
    if __name__ == "__main__":
        with multiprocessing.get_context("fork").Pool(3) as pool:
            print(sum(pool.map(work, [2000] * 12)))
        print(subprocess.run(["/bin/echo", "hello"], capture_output=True, text=True).stdout)
    """.write(toFile: script, atomically: false, encoding: .utf8)
    let plain = try workshop.run("/usr/bin/python3", [script])
    let family = try FamilyRecording(workshop, ["/usr/bin/python3", script])
    #expect(family.result.output == plain.output, "\(family.result)")
    #expect(family.result.exitCode == 0)
    let files = try family.traces()
    #expect(files.count { $0.metadata.startsInMidst } >= 3)
    #expect(files.count { $0.metadata.executable.hasSuffix("/echo") } == 1)
    for file in files {
      #expect(file.isComplete)
      #expect(file.summary.allocationsOfLiveAddress == 0, "\(file.path)")
      #expect(file.summary.freesOfUnknownAddress == 0, "\(file.path)")
    }
  }

  @Test("a child's environment is the plain program's, the user's own preloads in order")
  func environment() throws {
    let workshop = try Workshop()
    let library = try workshop.compile(
      "bump.c", "-O1", "-fno-builtin", "-shared", "-fPIC", as: "libbump.so")
    let source = workshop.file("other.c")
    try "int other;\n".write(toFile: source, atomically: false, encoding: .utf8)
    let other = workshop.file("libother.so")
    try #require(
      try workshop.run("clang", ["-shared", "-fPIC", source, "-o", other]).exitCode == 0)
    let show = "env | grep -v -e '^_=' -e '^SHLVL=' -e '^PWD=' | sort; true"
    for preload in [[:], ["LD_PRELOAD": "\(other):\(library)"], ["LD_PRELOAD": library]] {
      let plain = try workshop.run("/bin/sh", ["-c", show], environment: preload)
      let (alone, _) = try workshop.record(["/bin/sh", "-c", show], environment: preload)
      #expect(alone.output == plain.output)
      #expect(plain.output.contains("LD_PRELOAD") == !preload.isEmpty)
      // Followed children have what they need to be recorded, and nothing else.
      let family = try FamilyRecording(workshop, ["/bin/sh", "-c", show], environment: preload)
      let lines = family.result.output.split(separator: "\n").filter {
        !$0.hasPrefix("LACUNA_SEGMENT=") && !$0.hasPrefix("LD_PRELOAD=")
      }
      #expect(
        lines == plain.output.split(separator: "\n").filter { !$0.hasPrefix("LD_PRELOAD=") })
    }
  }
}
