// Strange surroundings: no environment, no directory, no descriptors, tight limits.

import Foundation
import Glibc
import TestSupport
import Testing
import Trace

@Suite struct SurroundingsTests {
  let workshop: Workshop

  init() throws { workshop = try Workshop() }

  @Test("without an environment, and nothing is added to that of the program's children")
  func noEnvironment() throws {
    let result = try workshop.shell("env -i \"$LACUNA\" record -q -o a.trace /bin/sh -c env")
    #expect(result.exitCode == 0)
    #expect(result.errors == "")
    #expect(try workshop.shell("env -i /bin/sh -c env").output == result.output)
    #expect(try TraceFile(path: workshop.file("a.trace")).summary.allocations > 0)
    for command in readingCommands {
      let read = try workshop.shell("env -i \"$LACUNA\" \(command[0]) a.trace")
      #expect(read.exitCode == 0)
      #expect(read.errors == "")
    }
  }

  @Test("without PATH the usual directories are searched")
  func noPath() throws {
    let result = try workshop.shell(
      "env -u PATH \"$LACUNA\" record -q -o a.trace true && PATH=/none \"$LACUNA\" record -q true")
    #expect(result.exitCode == 127)
    #expect(result.errors.contains("search path"))
    #expect(try TraceFile(path: workshop.file("a.trace")).isComplete)
  }

  @Test("a directory that is gone")
  func noDirectory() throws {
    let result = try workshop.shell(
      """
      mkdir gone; cd gone; rmdir ../gone
      "$LACUNA" record -q -o ../a.trace /bin/echo hi; echo $?
      "$LACUNA" record -q -o "$OLDPWD/a.trace" /bin/echo hi; echo $?
      "$LACUNA" info --json "$OLDPWD/a.trace" >/dev/null; echo $?
      "$LACUNA" report "$OLDPWD/a.trace" -o page.html; echo $?
      """)
    let trace = workshop.file("a.trace")
    #expect(
      result.output == "1\nhi\n0\n0\n1\n" || result.output == "hi\n0\nhi\n0\n0\n1\n",
      "\(result)")
    #expect(try TraceFile(path: trace).isComplete)
    #expect(result.errors.hasSuffix("cannot write page.html: No such file or directory\n"))
  }

  @Test("closed standard streams are no place for the trace")
  func closedStreams() throws {
    for closed in ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"] {
      // The program must not find the recorder's files under the numbers of the closed streams.
      let result = try workshop.shell(
        """
        "$LACUNA" record -q -o a.trace -- bash -c 'ls -l /proc/$$/fd >seen; echo text; echo text >&2; true' \(closed)
        """)
      #expect(result.exitCode == 0, "\(closed): \(result)")
      let seen = String(decoding: try workshop.contents(workshop.file("seen")), as: UTF8.self)
      #expect(!seen.contains("a.trace"), "\(closed): \(seen)")
      #expect(!seen.contains("memfd"), "\(closed): \(seen)")
      #expect(try TraceFile(path: workshop.file("a.trace")).isComplete, "\(closed)")
    }
  }

  @Test("a program that closes all descriptors is recorded to its end")
  func closesAll() throws {
    let body = """
      #include <stdlib.h>
      #include <unistd.h>
      int main(void) {
        for (int i = 0; i < 65536; i++) close(i);
        for (int i = 0; i < 20000; i++) free(malloc(600));
        _exit(5);
      }
      """
    let source = try workshop.write(body, to: "close.c")
    let program = workshop.file("close")
    try #require(
      try workshop.run("clang", ["-O0", "-fno-builtin", source, "-o", program]).exitCode == 0)
    let (result, trace) = try workshop.record([program])
    #expect(result.exitCode == 5)
    #expect(result.errors == "")
    #expect(try TraceFile(path: trace).summary.frees >= 20_000)
  }

  /// Runs `hardship.c` and expects all that it does in the trace.
  private func expectUnharmed(_ arguments: [String]) throws {
    let program = try workshop.compile("hardship.c", "-O1", "-fno-builtin")
    try #require(try workshop.run(program, arguments).exitCode == 5)
    let (result, trace) = try workshop.record([program] + arguments)
    #expect(result.exitCode == 5)
    #expect(result.errors == "")
    let file = try TraceFile(path: trace)
    #expect(file.isComplete)
    #expect(file.summary.lostEvents == 0)
    #expect(file.summary.allocations >= 20_000)
    #expect(file.summary.frees >= 20_000)
  }

  @Test(
    "a program that takes everything from itself: descriptors, limits, environment",
    arguments: ["dup2", "closefrom", "limits", "environment"])
  func hardship(how: String) throws { try expectUnharmed([how]) }

  @Test(
    "a program that locks itself into an empty directory, or becomes another user",
    .enabled(if: getuid() == 0, "only root may do that"), arguments: ["chroot", "user"])
  func privileges(how: String) throws {
    let empty = workshop.file("empty")
    try FileManager.default.createDirectory(atPath: empty, withIntermediateDirectories: false)
    try expectUnharmed([how, empty])
  }

  @Test("a system without /proc", .enabled(if: getuid() == 0, "only root can unmount it"))
  func noProc() throws {
    for command in ["record -o a.trace -- touch marker", "info a.trace"] {
      let result = try workshop.shell(
        """
        unshare --mount --propagation private sh -c 'umount -l /proc && "$LACUNA" \(command)'
        """)
      #expect(result.exitCode == 1)
      #expect(result.errors.contains("lacuna: error: there is no /proc"), "\(result)")
    }
    #expect(!FileManager.default.fileExists(atPath: workshop.file("marker")))
  }

  @Test("a program that exec leaves too little address space for runs, and it is said")
  func addressSpace() throws {
    let program = try workshop.compile("hardship.c", "-O1", "-fno-builtin")
    let script = "ulimit -v 300000; exec '\(program)' environment"
    let (result, trace) = try workshop.record(["sh", "-c", script])
    #expect(result.exitCode == 5)
    #expect(result.errors.contains("ulimit -v"), "\(result.errors)")
    let file = try TraceFile(path: trace)
    #expect(file.isComplete)
    #expect(file.summary.allocations < 20_000)
  }

  @Test(
    "a full disk cuts the trace short and says so; the program goes on as always",
    .enabled(if: getuid() == 0, "only root can mount a small disk"))
  func fullDisk() throws {
    let program = try workshop.compile("handover.c", "-O1", "-fno-builtin")
    let result = try workshop.shell(
      """
      mkdir disk
      unshare --mount --propagation private sh -c '
        mount -t tmpfs -o size=64k none disk &&
        "$LACUNA" record -q -o disk/a.trace -- "$0" 2 100000; echo $?
        "$LACUNA" info --json disk/a.trace >info; echo $?' '\(program)'
      """)
    let lines = result.output.split(separator: "\n")
    #expect(lines.count == 3 && lines.last == "0" && lines.dropLast().last == "0", "\(result)")
    #expect(result.errors.contains("the trace is incomplete"), "\(result)")
    #expect(result.errors.contains("No space left"), "\(result)")
    let info = String(decoding: try workshop.contents(workshop.file("info")), as: UTF8.self)
    #expect(try JSONObject(info).bool("complete") == false)
  }

  @Test("a recorder that is killed while the program fills its rings leaves that unharmed")
  func killedRecorder() throws {
    let program = try workshop.compile("handover.c", "-O1", "-fno-builtin")
    let result = try workshop.shell(
      """
      "$LACUNA" record -q -o a.trace -- '\(program)' 2 1000000 >out &
      until [ -e a.trace ] && [ $(stat -c %s a.trace) -gt 200000 ]; do sleep 0.01; done
      child=$(pgrep -P $!)
      kill -KILL $!; wait $! 2>/dev/null
      for i in $(seq 3000); do [ -s out ] && break; sleep 0.02; done
      kill -KILL $child 2>/dev/null
      cat out
      """)
    #expect(result.numbers.count == 3, "\(result)")
    let info = try workshop.lacuna(["info", "--json", workshop.file("a.trace")])
    #expect(info.exitCode == 0)
    #expect(try JSONObject(info.output).bool("complete") == false)
  }

  @Test("few descriptors")
  func fewDescriptors() throws {
    let few = try workshop.shell("ulimit -n 16; \"$LACUNA\" record -q -o a.trace -- /bin/echo hi")
    #expect(few.output == "hi\n")
    #expect(few.exitCode == 0)
  }

  @Test("a trace that reaches the limit for files ends there; the program goes on as always")
  func fileLimit() throws {
    // Blocks whose sizes follow no rule, so that the trace needs many bytes.
    let source = try workshop.write(
      """
      #include <stdio.h>
      #include <stdlib.h>
      int main(void) {
        for (int i = 0; i < 300000; i++) free(malloc(rand() % 100000));
        puts("done");
        return 4;
      }
      """, to: "random.c")
    let program = workshop.file("random")
    try #require(
      try workshop.run("clang", ["-O0", "-fno-builtin", source, "-o", program]).exitCode == 0)
    let result = try workshop.shell(
      "ulimit -S -f 32; \"$LACUNA\" record -o a.trace '\(program)' | cat; exit ${PIPESTATUS[0]}")
    #expect(result.output == "done\n")
    #expect(result.exitCode == 4)
    #expect(
      result.errors.contains("error: the trace is incomplete: cannot write a.trace: File too"))
    let info = try workshop.lacuna(["info", "--json", workshop.file("a.trace")])
    #expect(info.exitCode == 0)
    #expect(try JSONObject(info.output).bool("complete") == false)
    // Where the limit cannot be raised, there is no room for the shared memory.
    let hard = try workshop.shell("ulimit -f 32; \"$LACUNA\" record -o a.trace -- touch marker")
    #expect(hard.exitCode == 1)
    #expect(hard.errors.contains("ulimit -f"))
    #expect(!FileManager.default.fileExists(atPath: workshop.file("marker")))
    // The program is spared what the recorder does about it.
    let signal = try workshop.shell(
      """
      ulimit -S -f 32
      "$LACUNA" record -q -o b.trace bash -c 'head -c 99999 /dev/zero >file; echo $?'
      """)
    #expect(signal.output == "153\n")
  }

  @Test("as many arguments as the system takes, in order")
  func manyArguments() throws {
    for options in ["", "-q -q --stack-depth 8 --"] {
      let result = try workshop.shell(
        """
        "$LACUNA" record -q -o a.trace \(options) /bin/echo $(seq 100000) >echoed
        "$LACUNA" info --json a.trace
        """)
      #expect(result.exitCode == 0)
      #expect(result.errors == "")
      let numbers = (1...100_000).map(String.init)
      let echoed = String(decoding: try workshop.contents(workshop.file("echoed")), as: UTF8.self)
      #expect(echoed == numbers.joined(separator: " ") + "\n")
      #expect(try JSONObject(result.output).strings("command") == ["/bin/echo"] + numbers)
    }
    for count in 55...70 {
      let numbers = (1...count).map(String.init)
      let result = try workshop.record(["/bin/echo"] + numbers).result
      #expect(result.output == numbers.joined(separator: " ") + "\n")
    }
  }

  @Test("arguments that no longer fit are an error, and only a file is removed")
  func tooManyArguments() throws {
    // Nearly all that exec takes: what the recorder adds to the environment is too much.
    let result = try workshop.shell(
      """
      word=$(head -c 131000 /dev/zero | tr '\\0' x)
      ulimit -s 1024
      for output in a.trace link; do
        ln -sf /dev/null link
        "$LACUNA" record -q -o $output -- /bin/true $word $word; echo $?
      done
      """)
    for line in result.output.split(separator: "\n") { #expect(line == "0" || line == "126") }
    #expect(FileManager.default.fileExists(atPath: "/dev/null"))
  }
}
