// lacuna record --follow, and what lacuna info says of a family.

import Foundation
import TestSupport
import Testing
import Trace

@Suite struct FollowTests {
  /// Signals are as a shell has them, whatever the thread that runs this test blocks.
  private func record(_ workshop: Workshop, _ options: [String], _ command: [String]) throws
    -> ProgramResult
  {
    try workshop.run(
      "/usr/bin/env",
      ["--default-signal", Workshop.command, "record", "--follow", "-o", workshop.file("a.trace")]
        + options + ["--"] + command)
  }

  @Test("the note counts processes and files, and info shows who started whom")
  func family() throws {
    let workshop = try Workshop()
    // The shell executes the last program itself.
    let command = ["/bin/sh", "-c", "/bin/echo one; /bin/echo two; exec /bin/echo three"]
    let result = try record(workshop, [], command)
    #expect(result.output == "one\ntwo\nthree\n")
    #expect(result.exitCode == 0)
    let traces = try workshop.files(containing: ".trace").sorted()
    #expect(traces.count == 3)
    #expect(result.errors.contains("of 3 processes in "), "\(result.errors)")
    #expect(result.errors.contains(" and 2 files beside it."), "\(result.errors)")

    let root = try workshop.json(["info", workshop.file("a.trace")])
    #expect(try root.integer("processes") == 3)
    let family = try root.object("family")
    #expect(family.members["parentTrace"] is NSNull)
    #expect(family.members["parentProcessID"] is NSNull)
    #expect(try family.string("rootTrace") == "a.trace")
    #expect(try family.strings("traces").sorted() == traces)
    let children = try family.objects("children")
    #expect(
      try children.map { try $0.strings("command") } == [
        ["/bin/echo", "one"], ["/bin/echo", "two"],
      ])

    let name = try children[0].string("trace")
    #expect(try name == "a.\(children[0].integer("processID")).trace")
    let child = try workshop.json(["info", workshop.file(name), "--threads"])
    #expect(try child.integer("processes") == 3)
    #expect(try child.object("family").string("parentTrace") == "a.trace")
    #expect(try child.object("family").integer("parentProcessID") == root.integer("processID"))
    #expect(try child.object("family").objects("children").isEmpty)
    let threads = try child.objects("threadList")
    #expect(threads.count == 1)
    #expect(try threads[0].string("name") == "echo")
    #expect(try threads[0].integer("threadID") == child.integer("processID"))
    #expect(try threads[0].integer("events") == child.integer("events"))
    #expect(try threads[0].number("beganSeconds") <= threads[0].number("endedSeconds"))

    let text = try workshop.lacuna(["info", workshop.file("a.trace"), "--threads"])
    #expect(text.output.contains("Processes that it started"))
    #expect(text.output.contains("/bin/echo two"))
    #expect(text.output.contains("Threads"))
    let other = try workshop.lacuna(["info", workshop.file(name)])
    #expect(other.output.contains("(a.trace)"), "\(other.output)")
    // Every other command reads any of the traces.
    #expect(try workshop.lacuna(["report", workshop.file(name)]).exitCode == 0)
  }

  @Test("without --follow there is no family")
  func alone() throws {
    let workshop = try Workshop()
    _ = try workshop.record(["/bin/sh", "-c", "/bin/echo one; true"])
    let info = try workshop.json(["info", workshop.file("a.trace")])
    #expect(info.members["family"] is NSNull)
    #expect(info.members["threadList"] == nil)
    #expect(try info.integer("processes") == 1)
  }

  @Test("exit codes and failures are as without --follow")
  func endings() throws {
    let workshop = try Workshop()
    #expect(try record(workshop, ["-q"], ["/bin/sh", "-c", "/bin/true; exit 9"]).exitCode == 9)
    #expect(try record(workshop, ["-q"], ["/bin/sh", "-c", "kill -9 $$"]).exitCode == 137)
    #expect(try record(workshop, ["-q"], ["/no/such/program"]).exitCode == 127)
    // A program without the library in it starts one that has it.
    let source = workshop.file("static.c")
    try "#include <unistd.h>\nint main(void) { execl(\"/bin/echo\", \"echo\", \"x\", NULL); }\n"
      .write(toFile: source, atomically: false, encoding: .utf8)
    let program = workshop.file("static")
    try #require(try workshop.run("gcc", ["-static", source, "-o", program]).exitCode == 0)
    let script = try record(workshop, [], ["/bin/sh", "-c", "\"$0\" & wait; true", program])
    #expect(script.output == "x\n")
    #expect(script.errors.contains("of 2 processes"), "\(script.errors)")
  }

  @Test("a recorder that is killed leaves the family running")
  func killedRecorder() throws {
    let workshop = try Workshop()
    let script = """
      "$LACUNA" record -q --follow -o a.trace -- /bin/sh -c '
        until [ -e go ]; do sleep 0.05; done
        for i in 1 2 3; do /bin/echo $i; done >out; env | grep -c -e ^LACUNA_SEGMENT -e ^LD_PRELOAD >>out; echo done >>out
      ' &
      until [ -s a.trace ]; do sleep 0.05; done
      sleep 0.3
      kill -KILL $!
      wait $! 2>/dev/null
      touch go
      until grep -q done out 2>/dev/null; do sleep 0.05; done
      cat out
      """
    let result = try workshop.run(
      "/usr/bin/env", ["--default-signal", "/bin/bash", "-c", script],
      environment: ["LACUNA": Workshop.command])
    #expect(result.output == "1\n2\n3\n0\ndone\n", "\(result)")
  }
}
