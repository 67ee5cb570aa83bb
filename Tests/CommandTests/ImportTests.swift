// lacuna import, and what the other commands say of traces whose source did not know everything.

import Foundation
import TestSupport
import Testing
import Trace

@Suite struct ImportTests {
  private static let requests = "10\n3\n5\n1\na 0 512\na 1 4000\nr 0 640\nf 1\nnonsense\na 2 8\n"

  @Test func standardInputToATrace() throws {
    let workshop = try Workshop()
    let result = try workshop.shell(
      "printf '\(Self.requests)' | gzip | $LACUNA import --json -o out.trace -")
    #expect(result.exitCode == 0)
    #expect(result.errors.contains("standard input looks like malloclab"))
    let json = try JSONObject(result.output)
    #expect(try json.integer("schema") == 1)
    #expect(try json.string("format") == "malloclab")
    #expect(try json.integer("events") == 5)
    #expect(try json.integer("lostEvents") == 1)
    #expect(try json.object("skipped").integer("malformed") == 1)
    #expect(try json.objects("firstSkipped").first?.integer("line") == 9)
    #expect(try !json.bool("knowsAddresses"))
    let info = try workshop.json(["info", "out.trace"])
    #expect(try info.integer("events") == 5)
    #expect(try info.integer("lostEvents") == 1)
    #expect(info.members["durationSeconds"] is NSNull)
    #expect(try workshop.files(containing: ".part").isEmpty)
  }

  @Test func namesOfTraces() throws {
    let workshop = try Workshop()
    _ = try workshop.write(Self.requests, to: "amptjp.rep")
    let result = try workshop.lacuna(["import", "amptjp.rep"])
    #expect(result.exitCode == 0)
    #expect(result.output == "")
    #expect(result.errors.contains("5 events in amptjp.trace. Next: lacuna report amptjp.trace"))
    #expect(result.errors.contains("knows no addresses, threads, call stacks and times"))
    #expect(result.errors.contains("1 lines could not be understood (line 9)"))
    #expect(try workshop.lacuna(["import", "-q", "amptjp.rep"]).errors == "")
  }

  @Test func whatFailsLeavesTheOldTraceAlone() throws {
    let workshop = try Workshop()
    _ = try workshop.write("precious", to: "out.trace")
    _ = try workshop.write("hello\n", to: "hello.txt")
    for (arguments, message) in [
      (["hello.txt"], "begins like none of the formats"),
      (["--from", "mtrace", "hello.txt"], "line 1 is not a line such as"),
      (["nowhere"], "cannot open nowhere"), (["."], "is a directory"),
    ] {
      let result = try workshop.lacuna(["import", "-o", "out.trace"] + arguments)
      #expect(result.exitCode == 1)
      #expect(result.errors.hasPrefix("lacuna: error: "))
      #expect(result.errors.contains(message), "\(result.errors)")
    }
    #expect(try workshop.contents(workshop.file("out.trace")) == Data("precious".utf8))
    #expect(try workshop.files(containing: ".part").isEmpty)
    #expect(try workshop.lacuna(["import", "--from", "nothing", "x"]).exitCode == 64)
    #expect(try workshop.lacuna(["import", "hello.txt", "-o", "-"]).exitCode == 64)
  }

  @Test func helpNamesEveryFormat() throws {
    let help = try Workshop().lacuna(["import", "--help"]).output
    for format in [
      "heaptrack-raw", "malloclab", "android", "mtrace", "dj-workload", "valgrind", "ltrace",
      "jemalloc-utrace", "logalloc", "minimalloc", "csv", "ndjson",
    ] {
      #expect(help.contains("\n  " + format + "  "), "\(format)")
    }
  }

  @Test func tracesWithoutAddresses() throws {
    let workshop = try Workshop()
    _ = try workshop.write(Self.requests, to: "a.rep")
    _ = try workshop.lacuna(["import", "a.rep"])
    for arguments in [["pins", "a.trace"], ["replay", "a.trace", "--allocator", "recorded"]] {
      let result = try workshop.lacuna(arguments)
      #expect(result.exitCode == 1)
      #expect(result.errors.contains("does not say at which addresses"))
    }
    let compared = try workshop.lacuna(["compare", "a.trace", "--json"])
    #expect(compared.exitCode == 0)
    #expect(!compared.output.contains("recorded"))
    let report = try workshop.lacuna(["report", "a.trace"])
    #expect(report.output.contains("The trace carries no addresses"))
    #expect(report.output.contains("duration  not known"))
    let best = try workshop.json(["replay", "a.trace", "--allocator", "best-fit"])
    let peak = try best.object("atPeak")
    #expect(peak.members["timeSeconds"] is NSNull)
    #expect(try peak.integer("step") == 3)
  }

  @Test("a table that was exported comes back as it was", arguments: ["csv", "ndjson"])
  func tablesComeBack(_ form: String) throws {
    let workshop = try Workshop()
    _ = try workshop.compile("imported.c")
    _ = try workshop.lacuna(["record", "-q", "-o", "a.trace", "./imported"])
    let exported = try workshop.lacuna(["export", "--to", form, "a.trace", "-o", "table", "-q"])
    #expect(exported.exitCode == 0, "\(exported.errors)")
    let summary = try workshop.json(["import", "table", "-o", "b.trace"])
    #expect(try summary.string("format") == form)
    #expect(try summary.integer("lostEvents") == 0)
    let (before, after) = (
      try workshop.json(["info", "a.trace"]), try workshop.json(["info", "b.trace"])
    )
    for key in [
      "allocations", "frees", "reallocations", "peakLiveBytes", "peakLiveBlocks",
      "liveBytesAtEnd", "liveBlocksAtEnd", "threads",
    ] { #expect(try before.integer(key) == after.integer(key), "\(key)") }
    let best = ["replay", "--allocator", "best-fit"]
    #expect(
      try workshop.json(best + ["a.trace"]).integer("peakFootprintBytes")
        == workshop.json(best + ["b.trace"]).integer("peakFootprintBytes"))
  }

  @Test func tracesWithoutTimesCountSteps() throws {
    let workshop = try Workshop()
    var text = "= Start\n"
    for index in 0..<100 {
      text += "@ ./a:[0x10] + 0x\(String(0x10000 + index * 64, radix: 16)) 0x20\n"
    }
    _ = try workshop.write(text, to: "a.mtrace")
    _ = try workshop.lacuna(["import", "a.mtrace", "-o", "a.trace"])
    let info = try workshop.lacuna(["info", "a.trace"]).output
    #expect(info.contains("duration         not known"))
    #expect(info.contains("after step 100;"))
    let pins = try workshop.json(["pins", "a.trace", "--at", "40%"])
    #expect(try pins.integer("step") == 40)
    #expect(pins.members["timeSeconds"] is NSNull)
    #expect(try pins.objects("sites").first?.integer("blocks") == 40)
    #expect(try workshop.lacuna(["pins", "a.trace"]).output.contains("after step 100"))
    let wrong = try workshop.lacuna(["pins", "a.trace", "--at", "1ms"])
    #expect(wrong.exitCode == 64)
    #expect(wrong.errors.contains("the trace has no times"))
  }
}
