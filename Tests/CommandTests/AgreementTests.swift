// JSON: the keys that scripts rely on are there, and the commands agree about a trace.

import Foundation
import TestSupport
import Testing

@Suite struct AgreementTests {
  /// What `replay` and each result of `compare` have.
  private func checkReplay(_ replay: JSONObject, of info: JSONObject) throws {
    #expect(try replay.string("allocator").isEmpty == false)
    #expect(try replay.integer("events") == info.integer("events"))
    #expect(try replay.number("seconds") >= 0)
    #expect(try replay.number("eventsPerSecond") >= 0)
    let live = try info.integer("peakLiveBytes")
    #expect(try replay.integer("peakLiveBytes") == live)
    #expect(try replay.integer("peakFootprintBytes") >= live)
    let resident = try replay.integer("peakResidentBytes")
    #expect(resident > 0)
    #expect(try replay.integer("meanResidentBytes") <= resident)
    for key in ["jw1", "jw2", "jw3", "jw4"] {
      // Null where nothing lived at the moment that the measure divides by.
      let fragmentation = try replay.object("fragmentation")
      if fragmentation.members[key] is NSNull { continue }
      #expect(try fragmentation.number(key) > -1)
    }
    for moment in ["atEnd", "atPeak"] {
      let snapshot = try replay.object(moment)
      let holes = try snapshot.integer("holeBytes")
      let largest = try snapshot.integer("largestHoleBytes")
      #expect(largest <= holes)
      #expect(try (snapshot.integer("holes") == 0) == (holes == 0))
      #expect(try snapshot.integer("liveBytes") <= live)
    }
    #expect(try replay.object("atPeak").integer("liveBytes") == live)
    #expect(
      try replay.object("atEnd").integer("liveBytes") == info.integer("liveBytesAtEnd"))
  }

  private func checkPins(_ pins: JSONObject) throws {
    let total = try pins.integer("pinnedBytes")
    var shares: [Int] = []
    var sole = 0
    for site in try pins.objects("sites") {
      shares.append(try site.integer("pinnedBytes"))
      sole += try site.integer("soleBytes")
      #expect(try site.integer("liveBytes") >= 0)
      #expect(try site.integer("blocks") > 0)
      #expect(try site.string("function").isEmpty == false)
      // Null where there is no line table.
      #expect(site.members["file"] is String || site.members["file"] is NSNull)
      #expect(site.members["line"] is NSNumber || site.members["line"] is NSNull)
      _ = try site.strings("stack")
    }
    #expect(shares.reduce(0, +) == total)
    #expect(shares == shares.sorted(by: >))
    #expect(sole <= total)
  }

  /// All commands about one trace; the figures of `info` are returned.
  private func checkAll(_ workshop: Workshop, _ trace: String) throws -> JSONObject {
    let info = try workshop.json(["info", trace])
    let parts = try ["allocations", "frees", "reallocations"].map { try info.integer($0) }
    #expect(try info.integer("events") == parts.reduce(0, +))
    for key in ["threads", "processes", "stacks", "modules", "lostEvents", "peakLiveBlocks"] {
      #expect(try info.integer(key) >= 0)
    }
    #expect(try info.number("durationSeconds") >= 0)
    let fileBytes = try workshop.contents(trace).count
    #expect(try info.integer("fileBytes") == fileBytes)
    let perEvent = try info.number("bytesPerEvent") * info.number("events")
    #expect(abs(perEvent - Double(fileBytes)) < 1)
    #expect(try info.bool("complete"))
    for key in ["allocationOfLiveAddress", "freeOfUnknownAddress"] {
      #expect(try info.object("anomalies").integer(key) == 0)
    }

    let replay = try workshop.json(["replay", trace])
    #expect(try replay.string("allocator") == "recorded")
    try checkReplay(replay, of: info)

    let results = try workshop.json(["compare", trace]).objects("results")
    for result in results { try checkReplay(result, of: info) }
    let names = try results.map { try $0.string("allocator") }
    #expect(Set(names).count == names.count)
    let residents = try results.map { try $0.integer("peakResidentBytes") }
    #expect(residents == residents.sorted())
    let recorded = try #require(names.firstIndex(of: "recorded"))
    #expect(try residents[recorded] == replay.integer("peakResidentBytes"))

    for moment in ["peak", "end"] {
      let pins = try workshop.json(["pins", trace, "--at", moment])
      try checkPins(pins)
      let snapshot = try replay.object(moment == "peak" ? "atPeak" : "atEnd")
      #expect(try pins.integer("pinnedBytes") == snapshot.integer("pinnedBytes"))
    }
    try checkReport(try workshop.json(["report", trace]), info, replay, names)
    return info
  }

  private func checkReport(
    _ report: JSONObject, _ info: JSONObject, _ replay: JSONObject, _ heaps: [String]
  ) throws {
    let facts = try report.object("trace")
    // The report is about one trace, whatever lies beside it, and does not repeat what is in it.
    let own: Set = ["schema", "family", "marks", "snapshots", "lastSnapshot"]
    for (key, value) in info.members where !own.contains(key) {
      #expect(facts.members[key] as? NSObject == value as? NSObject, "\(key)")
    }
    try checkReplay(try report.object("recorded"), of: info)
    try checkPins(try report.object("pinsAtPeak"))
    try checkPins(try report.object("pinsAtEnd"))
    #expect(
      try Set(report.objects("results").map { try $0.string("allocator") }) == Set(heaps))
  }

  @Test("about a program that was recorded")
  func recorded() throws {
    let workshop = try Workshop()
    let program = try workshop.compile("sites.cpp", "-O1", "-g")
    let (result, trace) = try workshop.record([program, "an argument", "ü"])
    try #require(result.exitCode == 0)
    let info = try checkAll(workshop, trace)
    #expect(try info.strings("command") == [program, "an argument", "ü"])
    #expect(try info.integer("allocations") >= 62_000)
    #expect(try info.integer("threads") == 1)
  }

  @Test("about a trace whose figures are known")
  func handmade() throws {
    let workshop = try Workshop()
    let info = try checkAll(workshop, try workshop.handmadeTrace())
    #expect(try info.integer("allocations") == 100_000)
    #expect(try info.integer("frees") == 50_000)
    #expect(try info.integer("peakLiveBlocks") == 50_001)
    #expect(try info.integer("peakLiveBytes") == 50_001 * 32)
    #expect(try info.integer("liveBytesAtEnd") == 50_000 * 32)
    #expect(try info.strings("command") == ["handmade"])
    #expect(try info.number("durationSeconds") == 0.199_999)
  }

  @Test("about a short program")
  func short() throws {
    let workshop = try Workshop()
    _ = try checkAll(workshop, try workshop.record(["/bin/ls", "/"]).trace)
  }

  @Test("equal questions get equal answers, but for the time that they take")
  func repeatable() throws {
    let workshop = try Workshop()
    let trace = try workshop.handmadeTrace()
    for command in [["info"], ["pins", "--by", "stack"]] {
      let first = try workshop.lacuna(command + [trace, "--json"])
      #expect(try workshop.lacuna(command + [trace, "--json"]).output == first.output)
    }
  }

  @Test("heaps of one's choice, with settings, in canonical form")
  func chosen() throws {
    let workshop = try Workshop()
    let trace = try workshop.handmadeTrace()
    let specifications = "buddy,first-fit(align=16,header=8),recorded"
    let results = try workshop.json(["compare", trace, "--allocators", specifications])
      .objects("results")
    #expect(
      try Set(results.map { try $0.string("allocator") }) == [
        "buddy", "first-fit(header=8)", "recorded",
      ])
  }
}
