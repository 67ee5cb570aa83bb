// What the commands say of a trace that has the blocks of some regions only.

import Foundation
import TestSupport
import Testing
import Trace

@Suite struct SampledTraceTests {
  let workshop: Workshop

  init() throws { workshop = try Workshop() }

  /// Makes many objects, drops every third, and ends without tidying up.
  private static let script = """
    import json, os
    rows = [{"id": i, "tags": [str(i * 7919 % k) for k in range(1, 6)]} for i in range(20000)]
    rows += [json.loads(json.dumps(row)) for row in rows[::2]]
    del rows[::3]
    os._exit(0)

    """

  /// Records Python, which ends with some megabytes that live, at the same addresses each time.
  private func record(_ options: [String], to name: String) throws -> String {
    let script = try workshop.write(Self.script, to: "a.py")
    let result = try workshop.run(
      "/usr/bin/setarch",
      ["-R", Workshop.command, "record", "-q", "-o", workshop.file(name)] + options
        + ["--", "/usr/bin/python3", script],
      environment: ["PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0"])
    try #require(result.exitCode == 0, "\(result)")
    return workshop.file(name)
  }

  /// Whether an estimate holds the truth, with a range widened as one sample in a thousand needs it.
  private func expect(
    _ estimate: JSONObject, holds truth: Int, _ what: String,
    location: SourceLocation = #_sourceLocation
  ) throws {
    let value = try estimate.number("value")
    let low = try estimate.number("low")
    let high = try estimate.number("high")
    #expect(low <= high, "\(what)", sourceLocation: location)
    let reach = 2 * max(high - value, value - low, 1)
    #expect(
      abs(value - Double(truth)) <= reach, "\(what): \(value) (\(low) to \(high)), truth \(truth)",
      sourceLocation: location)
  }

  @Test("estimates of a recording of 1/8 hold what a full recording says")
  func endToEnd() throws {
    let full = try record([], to: "full.trace")
    let sampled = try record(["--regions", "1/8", "--region-size", "16k"], to: "sampled.trace")
    let sampling = try #require(TraceFile(path: sampled).metadata.regions)
    #expect((sampling.size, sampling.denominator) == (16_384, 8))
    #expect(try workshop.contents(sampled).count < workshop.contents(full).count / 2)
    let truth = try workshop.json(["replay", full])
    let report = try workshop.json(["report", sampled])
    // The peak of the sample is not that of the program, but what lived then is about as much.
    let peak = try report.object("atPeak")
    let live = try peak.object("liveBytes").number("value")
    let most = try truth.number("peakLiveBytes")
    #expect((0.7...1.3).contains(live / most), "\(live) of \(most)")
    // After the last step of the sample only few others follow.
    let end = try truth.object("atEnd")
    let atEnd = try report.object("atEnd")
    try expect(atEnd.object("liveBytes"), holds: end.integer("liveBytes"), "live at the end")
    for key in ["holeBytes", "holes"] {
      try expect(atEnd.object(key), holds: end.integer(key), "\(key) at the end")
    }
    let pinned = try workshop.json(["pins", full, "--at", "end"]).integer("pinnedBytes")
    try expect(atEnd.object("pinnedBytes"), holds: pinned, "pinned at the end")
    // Most bytes of this program are in blocks of many sizes, all over the data segment.
    #expect(try peak.integer("sampledRegions") >= 10)
  }

  @Test("figures are marked as estimates, and what cannot be told is null")
  func marks() throws {
    let trace = try record(["--regions", "1/8"], to: "a.trace")
    let info = try workshop.json(["info", trace])
    let sample = try info.object("sample")
    #expect(try sample.integer("denominator") == 8)
    #expect(try sample.integer("regionBytes") == 65_536)
    for key in ["peakLiveBytes", "peakLiveBlocks", "liveBytesAtEnd", "liveBlocksAtEnd"] {
      #expect(info.members[key] is NSNull, "\(key)")
    }
    let placements = try info.object("estimates").object("placements")
    #expect(try placements.number("value") > info.number("allocations"))
    let details = try workshop.json(
      ["info", trace, "--threads", "--entry-points", "--snapshots"])
    let threads = try details.objects("threadList")
    #expect(try threads.map { try $0.integer("events") }.reduce(0, +) == info.integer("events"))
    #expect(try details.object("entryPoints").integer("malloc") > 0)
    #expect(try details.objects("snapshotList").count == info.integer("snapshots"))
    let pins = try workshop.json(["pins", trace])
    let shares = try pins.objects("sites").map { try $0.integer("pinnedBytes") }
    // What came out below zero is shown as 0.
    let total = try pins.integer("pinnedBytes")
    #expect(abs(shares.reduce(0, +) - total) <= total / 5 + shares.count)
    #expect(shares == shares.sorted(by: >))
    #expect(try pins.object("sample").integer("denominator") == 8)
    for command in [["info"], ["report"], ["pins"]] {
      let text = try workshop.lacuna(command + [trace, "-q"]).output
      #expect(text.contains("a random 1/8 of all regions of 64.0 KiB"), "\(command): \(text)")
      #expect(text.contains("95 %") || text.contains("95 of 100"))
    }
    let page = try workshop.lacuna(["report", trace, "-q", "-o", "-"]).output
    #expect(page.hasPrefix("<!doctype html>"))
    #expect(page.contains("1/8"))
  }

  @Test("no heap is replayed from a sample")
  func refusals() throws {
    let trace = try record(["--regions", "1/8"], to: "a.trace")
    for command in [
      ["replay", trace], ["replay", trace, "--allocator", "buddy"], ["compare", trace],
      ["compare", trace, "--allocators", "recorded"],
    ] {
      let result = try workshop.lacuna(command + ["-q"])
      #expect(result.exitCode == 1, "\(command)")
      #expect(result.output == "")
      #expect(result.errors.contains("1/8 of the address space"), "\(result.errors)")
    }
  }

  @Test(
    "what --regions does not take is said",
    arguments: [
      ["--regions", "64"], ["--regions", "1/0"], ["--regions", "2/3"], ["--regions", "1/-4"],
      ["--regions", "1/65537"], ["--regions", "1/99999999999999999999"], ["--region-size", "64k"],
      ["--regions", "1/4", "--region-size", "5000"], ["--regions", "1/4", "--region-size", "8M"],
      ["--regions", "1/4", "--region-size", "2k"], ["--regions", "1/4", "--region-size", "k"],
    ])
  func usage(options: [String]) throws {
    let result = try workshop.lacuna(
      ["record", "-o", workshop.file("a.trace")] + options + ["true"])
    #expect(result.exitCode == 64, "\(options)")
    #expect(result.errors.contains("--region"), "\(result.errors)")
    #expect(try workshop.files(containing: ".trace").isEmpty)
  }

  @Test("a program that touches no sampled region leaves a trace that says so")
  func nothing() throws {
    let trace = workshop.file("a.trace")
    _ = try workshop.lacuna(["record", "-q", "-o", trace, "--regions", "1/65536", "/bin/true"])
    for command in [["info"], ["report"], ["pins"]] {
      let result = try workshop.lacuna(command + [trace, "-q"])
      #expect(result.exitCode == 0, "\(result)")
      #expect(try workshop.lacuna(command + [trace, "-q", "--json"]).exitCode == 0)
    }
  }
}
