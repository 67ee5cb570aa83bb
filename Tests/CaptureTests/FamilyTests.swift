// Processes that start processes: one trace each, and nothing of one in another's.

import Foundation
import TestSupport
import Testing
import Trace

@Suite struct FamilyTests {
  private func family(
    _ how: String, environment: [String: String] = [:], follow: Bool = true
  ) throws -> FamilyRecording {
    let workshop = try Workshop()
    let program = try workshop.compile("family.c", "-O0", "-fno-builtin")
    return try FamilyRecording(workshop, [program, how], environment: environment, follow: follow)
  }

  @Test(
    "each process has what it asked for in its own trace",
    arguments: [
      ("fork", ["fork", "fork-of-fork"]), ("raw", ["raw-clone"]),
      ("borrow", ["lender", "vfork-of-fork"]),
      ("exec", ["vfork-exec", "posix_spawn", "fork-exec"]), ("clone", ["clone-vm"]),
      ("shell", ["system", "popen"]), ("daemon", ["daemon"]), ("killed", ["killed"]),
      ("chain", ["chain"]),
    ])
  func kinds(how: String, roles: [String]) throws {
    let family = try family(how)
    try compare(family, roles: roles)
    let expected = how == "shell" ? 3 : 1 + roles.count
    #expect(try family.traces().count == expected)
  }

  @Test("a forked child has its parent's blocks, and may free them")
  func inheritance() throws {
    let family = try family("fork")
    let first = try #require(try family.trace(of: family.report("first").process))
    let child = try #require(try family.trace(of: family.report("fork").process))
    #expect(!first.metadata.startsInMidst)
    #expect(child.metadata.startsInMidst)
    #expect(child.summary.freesOfEarlierBlocks == 1)
    // The child's stacks are its own: of its modules, and down to main.
    #expect(child.modules.contains { $0.path.hasSuffix("/family") })
    #expect(child.stacks.count > 1)
  }

  @Test("what a forked child executes goes on in the child's trace")
  func executed() throws {
    let family = try family("exec")
    let child = try #require(try family.trace(of: family.report("fork-exec").process))
    #expect(Set(child.modules.map(\.image)) == [0, 1])
    #expect(child.metadata.command.dropFirst().first == "continue")
    #expect(child.summary.liveBlocksAtEnd < 60)
    let chain = try self.family("chain")
    let last = try #require(try chain.trace(of: chain.report("chain").process))
    #expect(Set(last.modules.map(\.image)) == Set(0...5))
  }

  @Test("forks while four threads are in the allocator")
  func load() throws {
    let family = try family("load")
    try compare(family, roles: ["under-load"])
    #expect(family.reports.count == 41)
    #expect(try family.traces().count == 41)
  }

  @Test("forks in signal handlers that interrupt a hook")
  func interrupted() throws {
    let workshop = try Workshop()
    let program = try workshop.compile("family.c", "-O0", "-fno-builtin")
    let library = try workshop.compile(
      "bump.c", "-O1", "-fno-builtin", "-shared", "-fPIC", as: "libbump.so")
    let family = try FamilyRecording(
      workshop, [program, "interrupt"], environment: ["LD_PRELOAD": library])
    // The request that was interrupted may be the parent's, the child's, or nobody's.
    try compare(family, roles: ["in-handler", "returned"], sizes: 2002..<2097) {
      $0 == "first" ? 0 : 1
    }
    #expect(family.reports.count == 61)
  }

  @Test("without --follow there is one trace, and children's requests are not in it")
  func alone() throws {
    for how in ["fork", "load", "exec"] {
      let family = try family(how, follow: false)
      let files = try family.traces()
      #expect(files.count == 1)
      let first = try family.report("first")
      let counted = try CountedRequests(files[0], sizes: 20_011..<21_011)
      // A child of vfork allocates in its parent's memory.
      #expect(counted.allocations == first.allocations)
      #expect(counted.frees == first.frees)
      #expect(files[0].metadata.recordingID == "")
    }
  }

  @Test("a recording that was stopped leaves the processes that still run alone")
  func stopped() throws {
    let workshop = try Workshop()
    let script = """
      "$0" record --follow -o a.trace -- sh -c 'sleep 1000 & echo $! >pid; exit 5' &
      recorder=$!
      until [ -s pid ] && ls a.*.trace >/dev/null 2>&1; do sleep 0.05; done
      sleep 0.3
      kill -TERM $recorder
      wait $recorder
      echo $?
      kill -0 "$(cat pid)" && echo alive
      kill -KILL "$(cat pid)"
      """
    let result = try workshop.run(
      "/usr/bin/env",
      ["--default-signal", "bash", "-c", script, Workshop.buildDirectory + "/lacuna"])
    #expect(result.output == "5\nalive\n", "\(result)")
    #expect(result.errors.contains("run on"), "\(result)")
    for name in try FileManager.default.contentsOfDirectory(atPath: workshop.path)
    where name.hasSuffix(".trace") {
      #expect(try TraceFile(path: workshop.file(name)).isComplete)
    }
  }

  @Test("programs that run with more rights than their user are left alone")
  func setuid() throws {
    guard geteuid() == 0 else {
      print("NOTE: skipped, since it needs root: programs with more rights than their user")
      return
    }
    let workshop = try Workshop()
    let program = workshop.file("rights")
    let source = workshop.file("rights.c")
    try """
    #include <stdio.h>
    #include <stdlib.h>
    #include <sys/auxv.h>
    int main(void) {
      free(malloc(100));
      printf("%lu %s\\n", getauxval(AT_SECURE), getenv("LD_PRELOAD") ? "preload" : "none");
    }
    """.write(toFile: source, atomically: false, encoding: .utf8)
    try #require(try workshop.run("clang", [source, "-o", program]).exitCode == 0)
    try #require(try workshop.run("chown", ["nobody", program]).exitCode == 0)
    try #require(try workshop.run("chmod", ["4755", program]).exitCode == 0)
    let plain = try workshop.run(program)
    guard plain.output.hasPrefix("1 ") else {
      print("NOTE: skipped, since \(workshop.path) gives no rights: setuid programs")
      return
    }
    let family = try FamilyRecording(workshop, ["/bin/sh", "-c", "\"$0\"; true", program])
    #expect(family.result.output == "1 none\n", "\(family.result)")
    #expect(family.result.errors == "")
    for file in try family.traces() {
      #expect(file.metadata.executable != program)
      #expect(file.isComplete)
    }
  }
}
