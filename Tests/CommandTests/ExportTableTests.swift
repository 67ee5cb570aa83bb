// lacuna export: the tables of csv and ndjson.

import Foundation
import TestSupport
import Testing
import Trace

/// A table of comma-separated values, read after RFC 4180.
struct CSVText {
  let names: [String]
  let rows: [[String: String]]

  init(_ text: String) throws {
    var records: [[String]] = []
    var record: [String] = []
    var field: [UInt8] = []
    var isQuoted = false
    var bytes = Array(text.utf8)[...]
    while let byte = bytes.popFirst() {
      switch (byte, isQuoted) {
      case (0x22, true) where bytes.first == 0x22: field.append(bytes.removeFirst())
      case (0x22, _): isQuoted.toggle()
      case (0x2c, false), (0x0a, false):
        record.append(String(decoding: field, as: UTF8.self))
        field = []
        if byte == 0x0a {
          records.append(record)
          record = []
        }
      default: field.append(byte)
      }
    }
    try #require(!isQuoted && record.isEmpty && field.isEmpty)
    names = try #require(records.first)
    let names = names
    rows = try records.dropFirst().map { values in
      try #require(values.count == names.count)
      return Dictionary(uniqueKeysWithValues: zip(names, values)).filter { !$0.value.isEmpty }
    }
  }
}

@Suite struct ExportTableTests {
  let workshop: Workshop

  init() throws { workshop = try Workshop() }

  private func csv(_ trace: String, _ options: [String]) throws -> CSVText {
    let result = try workshop.lacuna(["export", "--to", "csv", trace] + options)
    try #require(result.exitCode == 0, "\(result)")
    return try CSVText(result.output)
  }

  /// The rows of ndjson with all values as text.
  private func ndjson(_ trace: String, _ options: [String]) throws -> [[String: String]] {
    let result = try workshop.lacuna(["export", "--to", "ndjson", trace] + options)
    try #require(result.exitCode == 0, "\(result)")
    return try result.output.split(separator: "\n").map { line in
      try JSONObject(String(line)).members.mapValues { "\($0)" }
    }
  }

  /// Follows events by the numbers of blocks alone, and by addresses alone.
  @Test(
    "events are all there is to know: the live blocks follow from them",
    arguments: [8, 9] as [UInt64])
  func events(seed: UInt64) throws {
    let trace = try workshop.randomTrace(seed: seed)
    let account = try NaiveAccount(trace)
    let table = try csv(trace, [])
    #expect(
      table.names.joined(separator: ",")
        == "time_ns,thread,operation,block,address,old_address,size,usable,alignment,stack,function"
    )
    #expect(table.rows.count == account.times.count)
    #expect(table.rows.compactMap { $0["time_ns"].flatMap { UInt64($0) } } == account.times)
    var sizes: [String: Int] = [:]
    var places: [String: Int] = [:]
    var counts: [String: Int] = [:]
    var peak = 0
    for row in table.rows {
      let operation = try #require(row["operation"])
      counts[operation, default: 0] += 1
      switch operation {
      case "allocate", "reallocate":
        let size = try #require(row["size"].flatMap { Int($0) })
        if operation == "allocate" { #expect(sizes[row["block"] ?? ""] == nil) }
        sizes[try #require(row["block"])] = size
        if let old = row["old_address"] { #expect(places.removeValue(forKey: old) != nil) }
        places[try #require(row["address"])] = size
        #expect(row["stack"] == nil || row["function"] != nil)
        #expect(try #require(row["usable"].flatMap { Int($0) }) >= size)
      case "free" where row["block"] == nil: break
      case "free", "reallocateBegin", "abandon":
        #expect(sizes.removeValue(forKey: try #require(row["block"])) != nil)
        #expect(places.removeValue(forKey: try #require(row["address"])) != nil)
      default: #expect(row["block"] == nil)
      }
      peak = max(peak, sizes.values.reduce(0, +))
    }
    let summary = account.trace.summary
    #expect(sizes.count == Int(summary.liveBlocksAtEnd))
    #expect(sizes.values.reduce(0, +) == Int(summary.liveBytesAtEnd))
    #expect(places.values.sorted() == sizes.values.sorted())
    #expect(peak == Int(summary.peakLiveBytes))
    #expect(counts["allocate"] == Int(summary.allocations))
    #expect(counts["free"] == Int(summary.frees))
    #expect(counts["reallocate"] == Int(summary.reallocations))
    for name in ["map", "mark", "setOption", "poolAllocate", "trim", "reallocateBegin"] {
      #expect(counts[name, default: 0] > 0, "\(name)")
    }
  }

  @Test("csv and ndjson say the same, under the names that are documented")
  func agreement() throws {
    let trace = try workshop.randomTrace(seed: 10, steps: 1500)
    let keys = [
      "time_ns": "timeNanoseconds", "old_address": "oldAddress", "first_event": "firstEvent",
      "last_event": "lastEvent", "began_ns": "beganNanoseconds", "ended_ns": "endedNanoseconds",
      "ending_thread": "endingThread", "whole_pages": "wholePages", "stack_below": "stackBelow",
      "stack_above": "stackAbove", "live_bytes": "liveBytes", "live_blocks": "liveBlocks",
      "granted_bytes": "grantedBytes", "held_bytes": "heldBytes",
      "touched_bytes": "touchedBytes", "hole_bytes": "holeBytes",
      "wilderness_bytes": "wildernessBytes", "resident_bytes": "residentBytes",
    ]
    for table in ["events", "blocks", "holes", "series", "stacks"] {
      let rows = try csv(trace, ["--what", table]).rows
      let objects = try ndjson(trace, ["--what", table])
      #expect(rows.count == objects.count && !rows.isEmpty, "\(table)")
      for (row, object) in zip(rows, objects) {
        var renamed = Dictionary(
          uniqueKeysWithValues: row.map { (keys[$0.key] ?? $0.key, $0.value) })
        if let flag = renamed["wilderness"] { renamed["wilderness"] = flag }
        var object = object
        object["note"] = nil
        if let flag = object["wilderness"] {
          object["wilderness"] = ["true": "1", "false": "0"][flag] ?? flag
        }
        #expect(renamed == object)
      }
    }
    let notes = try ndjson(trace, []).filter { $0["operation"] == "mark" }.map { $0["note"] }
    #expect(try notes == TraceFile(path: trace).marks.map(\.name))
  }

  /// What an import keeps of the events: those of blocks, without stacks, threads by appearance,
  /// times since the first of them.
  private func kept(_ trace: String, knowsAddresses: Bool) throws -> [[String: String]] {
    let operations: Set = ["allocate", "free", "reallocate", "reallocateBegin"]
    var threads: [String: Int] = [:]
    var start: Int?
    return try csv(trace, []).rows.filter { operations.contains($0["operation"] ?? "") }.map {
      row in
      var row = row
      row["stack"] = nil
      // The function of what begins without a stack is not kept.
      row["function"] = nil
      let time = try #require(row["time_ns"].flatMap { Int($0) })
      start = start ?? time
      row["time_ns"] = "\(time - (start ?? 0))"
      if let thread = row["thread"] {
        row["thread"] = "\(threads[thread, default: threads.count])"
        threads[thread] = threads[thread] ?? threads.count
      }
      if !knowsAddresses {
        for key in ["address", "old_address", "usable", "function"] { row[key] = nil }
        if row["operation"] == "reallocateBegin" { row["operation"] = "free" }
      }
      return row
    }
  }

  @Test(
    "what is exported and imported again is the same", arguments: ["csv", "ndjson"], [true, false])
  func roundTrip(format: String, knowsAddresses: Bool) throws {
    let trace = try workshop.randomTrace(seed: 15) { $0.knowsAddresses = knowsAddresses }
    let table = workshop.file("events.\(format)")
    let again = workshop.file("again.trace")
    for arguments in [
      ["export", "--to", format, trace, "-o", table],
      ["import", "--from", format, table, "-o", again, "-q"],
    ] {
      let result = try workshop.lacuna(arguments)
      try #require(result.exitCode == 0, "\(result)")
    }
    var before = try kept(trace, knowsAddresses: knowsAddresses)
    var after = try kept(again, knowsAddresses: knowsAddresses)
    if !knowsAddresses {
      // Frees of unknown blocks have nothing to be named by; the second half of a reallocation whose
      // first half is a free is an allocation to whoever goes by numbers.
      before.removeAll { $0["block"] == nil }
      for index in before.indices where before[index]["operation"] == "reallocate" {
        before[index]["operation"] = "allocate or reallocate"
      }
      for index in after.indices
      where before.indices.contains(index)
        && before[index]["operation"] == "allocate or reallocate"
        && ["allocate", "reallocate"].contains(after[index]["operation"])
      { after[index]["operation"] = "allocate or reallocate" }
    }
    #expect(before.count == after.count)
    for (old, new) in zip(before, after) { #expect(old == new) }
    let (first, second) = try (TraceFile(path: trace).summary, TraceFile(path: again).summary)
    #expect(first.peakLiveBytes == second.peakLiveBytes)
    #expect(first.liveBytesAtEnd == second.liveBytesAtEnd)
  }

  @Test("blocks: every life with its beginning and end")
  func blocks() throws {
    let trace = try workshop.randomTrace(seed: 11)
    let account = try NaiveAccount(trace)
    let rows = try csv(trace, ["--what", "blocks"]).rows
    #expect(rows.count == account.blocks.count)
    var firsts: Set<String> = []
    for row in rows {
      let block = account.blocks[try #require(row["number"].flatMap { Int($0) })]
      #expect(row["size"] == "\(block.size)")
      #expect(row["address"] == "0x" + String(block.address, radix: 16))
      #expect(row["first_event"] == "\(block.firstStep)")
      #expect(row["last_event"] == block.ended.map { "\($0.step)" })
      #expect(row["began_ns"] == "\(block.began)")
      #expect(row["ended_ns"] == block.ended.map { "\($0.time)" })
      #expect((row["ending"] == nil) == (block.ended == nil))
      #expect(row["weight"] == "1")
      #expect(row["stack"].flatMap { UInt32($0) } ?? 0 == block.stack.rawValue)
      if row["number"] == row["block"] { firsts.insert(row["number"] ?? "") }
    }
    // What is no first life continues one that is, by a reallocation.
    #expect(rows.allSatisfy { firsts.contains($0["block"] ?? "") })
    let resized = rows.count { $0["number"] != $0["block"] }
    #expect(resized > 0)
    let ends = rows.compactMap { $0["last_event"].flatMap { Int($0) } }
    #expect(ends == ends.sorted())
  }

  @Test("holes agree with replay, do not touch, and have the right neighbours")
  func holes() throws {
    let program = try workshop.compile("sites.cpp", "-O1")
    let trace = try workshop.record([program]).trace
    let blocks = try Dictionary(
      uniqueKeysWithValues: csv(trace, ["--what", "blocks"]).rows.map { ($0["number"] ?? "", $0) })
    let all = try csv(trace, ["--what", "holes", "--at", "peak", "--at", "end"]).rows
    let replay = try workshop.json(["replay", trace])
    func number(_ text: String?) throws -> UInt64 {
      let text = try #require(text)
      return try #require(
        text.hasPrefix("0x") ? UInt64(text.dropFirst(2), radix: 16) : UInt64(text))
    }
    for (moment, key) in [("peak", "atPeak"), ("end", "atEnd")] {
      let rows = all.filter { $0["moment"] == moment }
      let holes = rows.filter { $0["wilderness"] == "0" }
      let snapshot = try replay.object(key)
      #expect(try holes.count == snapshot.integer("holes"))
      #expect(
        try holes.reduce(0) { try $0 + number($1["size"]) }
          == UInt64(snapshot.integer("holeBytes")))
      var last: UInt64 = 0
      for row in rows {
        let start = try number(row["address"])
        let end = try start + number(row["size"])
        #expect(start > last)
        last = end
        let whole =
          (end & ~4095) > ((start + 4095) & ~4095)
          ? ((end & ~4095) - ((start + 4095) & ~4095)) / 4096 : 0
        #expect(row["whole_pages"] == "\(whole)")
        if let below = row["below"].flatMap({ blocks[$0] }) {
          let usable = try number(below["address"]) + number(below["usable"])
          #expect((usable + 7) & ~7 == start)
        }
        guard row["wilderness"] == "0" else { continue }
        let above = try #require(row["above"].flatMap { blocks[$0] })
        #expect(try number(above["address"]) - end <= 16)
        #expect(row["stack_above"] == above["stack"])
      }
    }
    #expect(all.count { $0["below"] != nil } > 100)
  }

  @Test("series: evenly spaced, from nothing to what lives at the end")
  func series() throws {
    let trace = try workshop.randomTrace(seed: 12)
    let summary = try TraceFile(path: trace).summary
    let rows = try csv(trace, ["--what", "series", "--points", "50"]).rows
    #expect(rows.count == 50)
    #expect(rows.first?["time_ns"] == "0")
    #expect(rows.last?["time_ns"] == "\(summary.durationNanoseconds)")
    #expect(rows.last?["steps"] == "\(summary.steps)")
    #expect(rows.last?["live_bytes"] == "\(summary.liveBytesAtEnd)")
    #expect(rows.last?["live_blocks"] == "\(summary.liveBlocksAtEnd)")
    #expect(rows.last?["resident_bytes"] == "8000000")
    for row in rows {
      func value(_ key: String) -> Int { row[key].flatMap { Int($0) } ?? -1 }
      #expect(
        value("held_bytes")
          == value("granted_bytes") + value("hole_bytes") + value("wilderness_bytes"))
      #expect(value("granted_bytes") >= value("live_bytes"))
    }
  }

  @Test("stacks: the frames of each stack, innermost first")
  func stacks() throws {
    let trace = try workshop.randomTrace(seed: 13)
    let file = try TraceFile(path: trace)
    var frames: [Int: [String]] = [:]
    for row in try csv(trace, ["--what", "stacks"]).rows {
      let stack = try #require(row["stack"].flatMap { Int($0) })
      #expect(row["depth"] == "\(frames[stack]?.count ?? 0)")
      frames[stack, default: []].append(try #require(row["address"]))
    }
    #expect(frames.count == file.stacks.count - 1)
    for (stack, addresses) in frames {
      let expected = file.stacks.returnAddresses(of: StackID(UInt32(stack)))
        .map { "0x" + String($0 - 1, radix: 16) }
      #expect(addresses == expected)
    }
  }
}
