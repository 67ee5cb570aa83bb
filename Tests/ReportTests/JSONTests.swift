// JSON as scripts find it: decoded again, with the keys that were promised.

import Analysis
import FoundationEssentials
import MemoryUnits
import Testing
import Trace

@testable import Report

/// A decoder of its own, which shares nothing with what it reads.
private indirect enum Decoded: Decodable, Equatable {
  case null, bool(Bool), integer(Int64), number(Double), string(String)
  case array([Decoded]), object([String: Decoded])

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Int64.self) {
      self = .integer(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let value = try? container.decode([Decoded].self) {
      self = .array(value)
    } else {
      self = .object(try container.decode([String: Decoded].self))
    }
  }

  static func read(_ text: String) throws -> Decoded {
    try JSONDecoder().decode(Decoded.self, from: Data(text.utf8))
  }

  subscript(_ key: String) -> Decoded? {
    guard case .object(let members) = self else { return nil }
    return members[key]
  }

  var keys: Set<String> {
    guard case .object(let members) = self else { return [] }
    return Set(members.keys)
  }

  var elements: [Decoded] {
    guard case .array(let elements) = self else { return [] }
    return elements
  }

  var whole: Int64? {
    guard case .integer(let value) = self else { return nil }
    return value
  }
}

@Suite struct JSONTests {
  private let snapshotKeys: Set = ["holes", "holeBytes", "largestHoleBytes", "liveBytes"]
  private let replayKeys: Set = [
    "allocator", "events", "seconds", "eventsPerSecond", "peakLiveBytes", "peakFootprintBytes",
    "peakResidentBytes", "meanResidentBytes", "fragmentation", "atEnd", "atPeak",
  ]

  @Test("info has the documented keys")
  func info() throws {
    let story = Stories.plausible()
    let json = try Decoded.read(
      InfoJSON.render(
        metadata: story.metadata, summary: story.summary, inventory: story.inventory))
    let documented: Set = [
      "events", "allocations", "frees", "reallocations", "threads", "processes", "durationSeconds",
      "fileBytes", "bytesPerEvent", "peakLiveBytes", "peakLiveBlocks", "lostEvents", "complete",
      "command", "anomalies", "stacks", "modules", "schema",
    ]
    let further: Set = [
      "damage", "executable", "kernel", "liveBlocksAtEnd", "liveBytesAtEnd", "processID",
      "startedAt", "truncatedStacks", "writer", "marks", "snapshots", "lastSnapshot",
      "droppedSnapshots", "snapshotSeconds", "family", "freesOfEarlierBlocks", "startsInMidst",
      "knowsAddresses", "knowsStacks", "knowsThreads", "knowsTimes",
    ]
    #expect(json.keys == documented.union(further))
    #expect(json["anomalies"]?.keys == ["allocationOfLiveAddress", "freeOfUnknownAddress"])
    #expect(json["schema"] == .integer(1))
    #expect(json["events"] == .integer(9_690_609))
    #expect(json["complete"] == .bool(true))
    #expect(json["threads"] == .integer(9))
    #expect(json["durationSeconds"] == .number(84.3))
    #expect(json["command"]?.elements.first == .string("/usr/lib/postgresql/bin/indexer"))
  }

  @Test("an empty trace has no bytes per event")
  func emptyInfo() throws {
    let json = try Decoded.read(
      InfoJSON.render(
        metadata: TraceMetadata(), summary: TraceSummary(), inventory: TraceInventory()))
    #expect(json["bytesPerEvent"] == .null)
    #expect(json["startedAt"] == .null)
  }

  @Test("replay has the documented keys, and nulls instead of what is no number")
  func replay() throws {
    var heap = Stories.plausible().recorded
    heap.fragmentation = FragmentationFigures(jw1: .infinity, jw2: .nan, jw3: 0.05)
    heap.seconds = .nan
    let json = try Decoded.read(ReplayJSON.render(heap))
    #expect(json.keys == replayKeys.union(["schema", "work"]))
    #expect(json["atPeak"]?.keys.isSuperset(of: snapshotKeys) == true)
    #expect(json["atEnd"]?.keys == json["atPeak"]?.keys)
    #expect(json["fragmentation"]?.keys == ["jw1", "jw2", "jw3", "jw4"])
    #expect(json["fragmentation"]?["jw1"] == .null)
    #expect(json["fragmentation"]?["jw2"] == .null)
    #expect(json["fragmentation"]?["jw3"] == .number(0.05))
    #expect(json["fragmentation"]?["jw4"] == .null)
    #expect(json["seconds"] == .null)
    #expect(json["peakFootprintBytes"]?.whole == heap.peakHeld.rawValue)
    #expect(json["meanResidentBytes"]?.whole == heap.meanResident.rawValue)
    #expect(json["atEnd"]?["holes"]?.whole == Int64(heap.atEnd.holes))
  }

  @Test("compare lists what replay says, ranked")
  func compare() throws {
    let json = try Decoded.read(CompareJSON.render(Stories.plausible().heaps))
    #expect(json.keys == ["schema", "results", "bounds"])
    let results = try #require(json["results"]).elements
    #expect(results.count == 7)
    let keys = replayKeys.union(["work", "rank", "residentToRecorded", "heldToBound"])
    #expect(results.allSatisfy { $0.keys == keys })
    let peaks = results.compactMap { $0["peakResidentBytes"]?.whole }
    #expect(peaks == peaks.sorted())
    #expect(results.first?["allocator"] == .string("best-fit"))
  }

  @Test("pins have the documented keys and shares that sum to the total")
  func pins() throws {
    let report = Stories.plausible(sites: 333).pinsAtEnd
    let json = try Decoded.read(PinsJSON.render(report))
    #expect(
      json.keys == [
        "schema", "pinnedBytes", "sites", "timeSeconds", "step", "freePageBytes", "occupiedPages",
      ])
    let sites = try #require(json["sites"]).elements
    #expect(sites.count == 333)
    let documented: Set = [
      "pinnedBytes", "soleBytes", "liveBytes", "blocks", "function", "file", "line", "stack",
    ]
    #expect(sites.allSatisfy { $0.keys == documented.union(["module", "pages"]) })
    let shares = sites.compactMap { $0["pinnedBytes"]?.whole }
    #expect(shares.count == 333)
    #expect(shares.reduce(0, +) == report.pinned.rawValue)
    #expect(json["pinnedBytes"]?.whole == report.pinned.rawValue)
    #expect(sites[0]["stack"]?.elements.first == .string("malloc"))
    #expect(sites[1]["function"] == .string("parse_document"))
    #expect(sites[1]["line"] == .integer(41))
    #expect(sites[5]["file"] == .null)
    #expect(sites[5]["line"] == .null)
  }

  @Test("the report holds all of it")
  func report() throws {
    let story = Stories.plausible()
    let json = try Decoded.read(ReportJSON.render(story))
    #expect(
      json.keys == [
        "schema", "findings", "name", "pinsAtEnd", "pinsAtPeak", "recorded", "results", "samples",
        "trace", "trend", "version",
      ])
    #expect(json["recorded"]?["timeline"]?.elements.count == 301)
    #expect(json["samples"]?.elements.count == 120)
    #expect(json["findings"]?["headline"] == .string(Findings(story).headline))
  }

  @Test("every strange story is written", arguments: Stories.strangeNames)
  func strange(name: String) throws {
    struct Shallow: Decodable { var schema: Int }
    // The decoder reads the whole text before it looks for a key.
    let text = try ReportJSON.render(Stories.strange(name))
    #expect(try JSONDecoder().decode(Shallow.self, from: Data(text.utf8)).schema == 1)
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(Shallow.self, from: Data(text.utf8.dropLast(3)))
    }
  }

  @Test("keys come sorted, slashes bare, names unharmed")
  func layout() throws {
    var story = Stories.plausible()
    story.metadata.command = ["a/b", "\u{1}\"<script>\n"]
    let text = try InfoJSON.render(
      metadata: story.metadata, summary: story.summary, inventory: story.inventory)
    #expect(text.contains("\"a/b\""))
    #expect(text.hasSuffix("}\n"))
    let keys = text.split(separator: "\n").filter { $0.hasPrefix("  \"") }
      .map { String($0.split(separator: "\"")[1]) }
    #expect(keys == keys.sorted())
    #expect(keys.count == 39)
    let command = try Decoded.read(text)["command"]?.elements
    #expect(command == [.string("a/b"), .string("\u{1}\"<script>\n")])
  }
}
