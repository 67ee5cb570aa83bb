// lacuna generate: traces that no program made, and what the other commands say of them.

import Foundation
import TestSupport
import Testing

@Suite struct GenerateTests {
  let workshop: Workshop

  init() throws { workshop = try Workshop() }

  @Test("a workload becomes a trace that every command reads")
  func workload() throws {
    let trace = workshop.file("peaks.trace")
    let text = "peaks(events=20000,live=256k,threads=2,remote=10%)"
    let result = try workshop.json(["generate", "--workload", text, "--seed", "3", "-o", trace])
    #expect(try result.string("workload") == text)
    #expect(try result.string("trace") == trace)
    #expect(try result.integer("seed") == 3)
    #expect(try result.integer("events") == 20_000)
    let info = try workshop.json(["info", trace])
    for key in [
      "events", "allocations", "frees", "reallocations", "peakLiveBytes", "peakLiveBlocks",
    ] {
      #expect(try info.integer(key) == result.integer(key), "\(key)")
    }
    #expect(try info.integer("threads") == 2)
    #expect(
      try info.strings("command") == ["lacuna", "generate", "--workload", text, "--seed", "3"])
    // Nothing was recorded, so that only simulated heaps are there.
    let compare = try workshop.lacuna(["compare", trace, "--json", "--quiet"])
    #expect(compare.exitCode == 0)
    #expect(!compare.output.contains("\"recorded\""))
    #expect(try workshop.lacuna(["replay", trace, "--allocator", "recorded"]).exitCode == 1)
    for command in ["report", "info"] {
      #expect(try workshop.lacuna([command, trace]).exitCode == 0)
    }
  }

  @Test("the same seed gives the same file; what happened is said once, and -q says nothing")
  func repeated() throws {
    let first = workshop.file("a.trace")
    let second = workshop.file("b.trace")
    let said = try workshop.lacuna(["generate", "-w", "ramp", "-o", first])
    #expect(said.exitCode == 0)
    #expect(said.output == "")
    #expect(said.errors.contains("100,000 events in \(first), at most"))
    let quiet = try workshop.lacuna(["generate", "-q", "-w", "ramp", "-o", second])
    #expect(quiet.output == "" && quiet.errors == "")
    #expect(try workshop.contents(first) == workshop.contents(second))
    #expect(try workshop.files(containing: ".part").isEmpty)
  }

  @Test("Robson's bound is reached in the replay that compare makes")
  func robson() throws {
    let trace = workshop.file("worst.trace")
    let heap = "best-fit(align=1,min=1,growth=1)"
    let result = try workshop.json([
      "generate", "-w", "robson(live=256,largest=32,unit=1,against=\(heap))", "-o", trace,
    ])
    #expect(try result.integer("boundBytes") == 865)
    #expect(try result.integer("heldBytes") == 865)
    let replay = try workshop.json(["replay", trace, "--allocator", heap])
    #expect(try replay.integer("peakFootprintBytes") == 865)
  }

  @Test("the list of workloads has all that a specification may name")
  func listing() throws {
    let result = try workshop.lacuna(["generate", "--list-workloads"])
    #expect(result.exitCode == 0)
    for part in [
      "plateau\n", "ramp\n", "peaks\n", "robson\n", "log-uniform\n", "empirical\n", "phases\n",
      "    events=<count up to 10^12>", "(default 100000)",
    ] {
      #expect(result.output.contains(part), "\(part)")
    }
  }

  @Test(
    "wrong usage",
    arguments: [
      ["generate"], ["generate", "-w", "ramp", "-o", ""], ["generate", "-w", "ramp", "-o", "-"],
      ["generate", "-w", "ramp", "--seed", "-1"], ["generate", "-w", "ramp", "--seed", "x"],
    ])
  func wrong(arguments: [String]) throws {
    let result = try workshop.lacuna(arguments)
    #expect(result.exitCode == 64)
    #expect(result.output == "" && !result.errors.isEmpty)
  }

  @Test("a workload that does not exist: its place is shown; nothing is written")
  func specification() throws {
    let trace = workshop.file("none.trace")
    let result = try workshop.lacuna(["generate", "-w", "ramp(live=x)", "-o", trace])
    #expect(result.exitCode == 64)
    let lines = result.errors.split(separator: "\n").map(String.init)
    #expect(lines.count == 3)
    #expect(lines.last == "            ^")
    #expect(try workshop.files(containing: "none").isEmpty)
    let missing = try workshop.lacuna([
      "generate", "-w", "ramp(sizes=empirical(file=/nosuch.csv))", "-o", trace,
    ])
    #expect(missing.exitCode == 1)
    #expect(missing.errors.contains("cannot read /nosuch.csv: No such file"))
    #expect(try workshop.files(containing: "none").isEmpty)
    let refused = try workshop.lacuna(["generate", "-w", "ramp", "-o", workshop.path])
    #expect(refused.exitCode == 1)
    #expect(refused.errors.contains("Is a directory"))
  }
}
