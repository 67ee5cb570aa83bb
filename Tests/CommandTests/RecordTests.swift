// What `lacuna record` leaves as it is: streams, exit codes, signals, arguments.

import Foundation
import TestSupport
import Testing
import Trace

@Suite struct RecordTests {
  let workshop: Workshop

  init() throws { workshop = try Workshop() }

  @Test(
    "the exit code is the program's, 128+n for signal n",
    arguments: [
      ("exit 0", 0), ("exit 7", 7), ("exit 255", 255), ("kill -KILL $$", 137),
      ("kill -SEGV $$", 139), ("kill -TERM $$", 143),
    ])
  func exitCodes(script: String, code: Int32) throws {
    let result = try workshop.shell(
      "\"$LACUNA\" record -q -o a.trace -- /bin/sh -c '\(script)'; exit $?")
    #expect(result.exitCode == code)
    #expect(result.errors == "")
    #expect(try TraceFile(path: workshop.file("a.trace")).isComplete)
  }

  @Test("output is the program's alone; notes go to stderr, and with -q nowhere")
  func streams() throws {
    let script = "printf out; printf err >&2"
    let quiet = try workshop.record(["sh", "-c", script]).result
    #expect(quiet.output == "out")
    #expect(quiet.errors == "err")
    let trace = workshop.file("b.trace")
    let loud = try workshop.lacuna(["record", "-o", trace, "sh", "-c", script])
    #expect(loud.output == "out")
    #expect(loud.errors.hasPrefix("errlacuna: "))
    #expect(loud.errors.contains("lacuna report \(trace)"))
    #expect(loud.errors.split(separator: "\n").count == 1)
  }

  @Test(
    "what stands after the program belongs to it",
    arguments: [
      ["--", "echo", "--help", "-q"], ["echo", "--help", "-q"], ["--", "echo", "--", "-o", "x"],
      ["echo", "-o", "x", "--version"], ["echo", "a", "--", "b"],
    ])
  func arguments(command: [String]) throws {
    let words = command.drop { $0 == "--" }.dropFirst()
    // bash's echo takes -n, -e and -E as its own; none of them stands here.
    let expected = try workshop.run("/bin/echo", Array(words))
    let result = try workshop.lacuna(
      ["record", "-q", "-o", workshop.file("a.trace")]
        + command.map { $0 == "echo" ? "/bin/echo" : $0 })
    #expect(result.output == expected.output)
    #expect(result.errors == "")
    #expect(result.exitCode == 0)
  }

  @Test("SIGTERM sent to the recorder reaches the program, which may answer as it likes")
  func forwarding() throws {
    let result = try workshop.shell(
      """
      "$LACUNA" record -q -o a.trace -- bash -c '
        trap "echo caught; exit 9" TERM; touch ready; while :; do sleep 0.05; done' &
      while [ ! -e ready ]; do sleep 0.02; done
      kill -TERM $!; wait $!; echo "code $?"
      """)
    #expect(result.output == "caught\ncode 9\n")
    #expect(result.errors == "")
    #expect(try TraceFile(path: workshop.file("a.trace")).isComplete)
  }

  @Test("a program outlives a recorder that is killed, and the trace so far can be read")
  func killedRecorder() throws {
    let result = try workshop.shell(
      """
      "$LACUNA" record -q -o a.trace -- bash -c '
        x=; for i in $(seq 2000); do x=$x$i; done; touch ready
        while [ ! -e go ]; do sleep 0.02; done
        for i in $(seq 2000); do x=$x$i; done; echo ${#x}; touch done' &
      while [ ! -e ready ]; do sleep 0.02; done
      kill -KILL $!; wait $! 2>/dev/null; touch go
      for i in $(seq 500); do [ -e done ] && break; sleep 0.02; done
      [ -e done ] && echo survived
      """)
    #expect(result.output == "13786\nsurvived\n")
    let info = try workshop.lacuna(["info", "--json", workshop.file("a.trace")])
    #expect(info.exitCode == 0)
    #expect(try JSONObject(info.output).bool("complete") == false)
  }

  @Test("names with blanks, line breaks and other scripts; %p is the process id")
  func strangeNames() throws {
    let program = workshop.file("ein Name\nмит ü\u{1b}[31m")
    try FileManager.default.copyItem(atPath: "/bin/true", toPath: program)
    let output = workshop.file("trace of\n%p ü.trace")
    let result = try workshop.lacuna(["record", "-o", output, "--", program])
    #expect(result.exitCode == 0)
    #expect(!result.errors.contains("\u{1b}"))
    #expect(result.errors.split(separator: "\n").count == 1)
    let names = try workshop.files(containing: "trace of\n")
    #expect(names.count == 1)
    let name = try #require(names.first)
    #expect(name.wholeMatch(of: /trace of\n[0-9]+ ü\.trace/) != nil)
    for command in readingCommands {
      let read = try workshop.lacuna(command + [workshop.file(name)])
      #expect(read.exitCode == 0, "\(command): \(read.errors)")
      #expect(!read.output.contains("\u{1b}"))
    }
  }

  @Test("the default name says which program and which recording")
  func defaultName() throws {
    let result = try workshop.lacuna(["record", "-q", "/bin/true"])
    #expect(result.exitCode == 0)
    let names = try workshop.files(containing: ".trace")
    #expect(names.count == 1)
    #expect(names.first?.wholeMatch(of: /lacuna\.true\.[0-9]+\.trace/) != nil)
  }

  @Test("a recorded program may record another")
  func nested() throws {
    let (result, outer) = try workshop.record([
      Workshop.command, "record", "-q", "-o", workshop.file("inner.trace"), "--", "/bin/echo", "hi",
    ])
    #expect(result.output == "hi\n")
    #expect(result.errors == "")
    #expect(result.exitCode == 0)
    let inner = try TraceFile(path: workshop.file("inner.trace"))
    #expect(inner.metadata.command == ["/bin/echo", "hi"])
    #expect(inner.summary.allocations > 0)
    #expect(try TraceFile(path: outer).summary.allocations > inner.summary.allocations)
  }
}
