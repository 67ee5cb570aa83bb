// lacuna export: lifetimes for DHAT, counters for Chrome, problems for minimalloc.

import Foundation
import TestSupport
import Testing
import Trace

@Suite struct ExportLifetimeTests {
  let workshop: Workshop

  init() throws { workshop = try Workshop() }

  private func export(_ format: String, _ trace: String, _ options: [String] = []) throws -> String
  {
    let result = try workshop.lacuna(["export", "--to", format, trace] + options)
    try #require(result.exitCode == 0, "\(result)")
    return result.output
  }

  /// The figures of DHAT for each stack, recounted.
  private func lifetimes(_ account: NaiveAccount) -> [String: [String: Int]] {
    var result: [String: [String: Int]] = [:]
    var events: [String: [(step: Int, bytes: Int, blocks: Int)]] = [:]
    let end = Int(account.trace.summary.durationNanoseconds)
    let peak = account.steps(before: "peak")
    var nanoseconds: [String: Int] = [:]
    for block in account.blocks {
      let path = account.path(block.stack)
      func add(_ key: String, _ value: Int) { result[path, default: [:]][key, default: 0] += value }
      add("tb", block.size)
      add("tbk", 1)
      nanoseconds[path, default: 0] += (block.ended.map { Int($0.time) } ?? end) - Int(block.began)
      if account.lives(block, at: peak) {
        add("gb", block.size)
        add("gbk", 1)
      }
      if block.ended == nil {
        add("eb", block.size)
        add("ebk", 1)
      }
      events[path, default: []].append((block.firstStep, block.size, 1))
      if let ended = block.ended { events[path, default: []].append((ended.step, -block.size, -1)) }
    }
    for (path, changes) in events {
      result[path]?["tl"] = (nanoseconds[path] ?? 0) / 1000
      var (bytes, blocks, most, atMost) = (0, 0, 0, 0)
      // A reallocation ends the old block before the new one begins.
      for change in changes.sorted(by: { ($0.step, $0.blocks) < ($1.step, $1.blocks) }) {
        bytes += change.bytes
        blocks += change.blocks
        if bytes > most { (most, atMost) = (bytes, blocks) }
      }
      result[path]?["mb"] = most
      result[path]?["mbk"] = atMost
    }
    return result
  }

  @Test("dhat: every stack has the figures of a naive account")
  func dhat() throws {
    let trace = try workshop.randomTrace(seed: 5)
    let account = try NaiveAccount(trace)
    let file = try JSONObject(try export("dhat", trace))
    #expect(try file.integer("dhatFileVersion") == 2)
    #expect(try file.bool("bklt"))
    #expect(try !file.bool("bkacc"))
    #expect(try file.string("cmd") == "random a \"b\" c;d,e#f")
    #expect(try file.integer("pid") == 4711)
    #expect(try file.integer("te") == Int(account.trace.summary.durationNanoseconds / 1000))
    #expect(try file.integer("tg") == Int(account.trace.summary.peakNanoseconds / 1000))
    let frames = try file.strings("ftbl")
    #expect(frames.first == "[root]")
    #expect(Set(frames).count == frames.count)
    let expected = lifetimes(account)
    var seen: Set<String> = []
    for point in try file.objects("pps") {
      let indices = try #require(point.members["fs"] as? [Int])
      #expect(!indices.isEmpty && indices.allSatisfy { (1..<frames.count).contains($0) })
      let path = indices.map { frames[$0].prefix { $0 != ":" } }.joined(separator: ",")
      #expect(seen.insert(path).inserted)
      for key in ["tb", "tbk", "tl", "mb", "mbk", "gb", "gbk", "eb", "ebk"] {
        #expect(try point.integer(key) == expected[path]?[key] ?? 0, "\(path) \(key)")
      }
    }
    #expect(seen.count == expected.count)
  }

  @Test(
    "valgrind's viewer shows it",
    .enabled(if: isInstalled("chromium") && isInstalled("dh_view.html")))
  func viewer() throws {
    let program = try workshop.compile("sites.cpp", "-O1")
    let trace = try workshop.record([program]).trace
    let account = try NaiveAccount(trace)
    let data = try export("dhat", trace)
    for name in ["dh_view.js", "dh_view.css"] {
      try FileManager.default.copyItem(
        atPath: "/usr/libexec/valgrind/" + name, toPath: workshop.file(name))
    }
    // What the viewer does when a file was chosen, without choosing one.
    let page = try workshop.write(
      """
      <!DOCTYPE html><html><head><meta charset="UTF-8"><script src="dh_view.js"></script></head>
      <body onload='onLoad(); tryFunc(() => {
        gData = JSON.parse(document.getElementById("data").textContent);
        buildTree(); displayTree(0, 0, 0); })'>
      <script id="data" type="application/json">\(data.replacing("</", with: "<\\/"))</script>
      </body></html>
      """, to: "view.html")
    let result = try workshop.run(
      "chromium",
      [
        "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000",
        "--user-data-dir=" + workshop.file("profile"), "--dump-dom", "file://" + page,
      ], environment: ["HOME": workshop.path])
    let text = result.output.replacing(/<script[\s\S]*?<\/script>/, with: "")
      .replacing(/<[^>]*>/, with: "").replacing(",", with: "")
    #expect(!text.contains("Error"))
    let total = account.blocks.reduce(0) { $0 + $1.size }
    #expect(text.contains("Total:     \(total) bytes (100%"), "\(text.prefix(2000))")
    #expect(text.contains("in \(account.blocks.count) blocks (100%"))
    #expect(text.contains(/80000 bytes[^\n]* in 2000 blocks/))
    #expect(text.contains("keep_small"))
  }

  @Test("chrome: counters in order of time, marks and the peak as instants")
  func chrome() throws {
    let trace = try workshop.randomTrace(seed: 6)
    let file = try TraceFile(path: trace)
    let document = try JSONObject(try export("chrome", trace, ["--points", "30"]))
    var times: [String: [Double]] = [:]
    var last: [String: JSONObject] = [:]
    var instants: [String] = []
    for event in try document.objects("traceEvents") {
      let name = try event.string("name")
      #expect(try event.integer("pid") == 4711)
      switch try event.string("ph") {
      case "C":
        times[name, default: []].append(try event.number("ts"))
        last[name] = try event.object("args")
      case "i":
        #expect(try event.string("s") == "p")
        instants.append(name)
      case let other: #expect(other == "M")
      }
    }
    for (name, times) in times { #expect(times == times.sorted(), "\(name)") }
    #expect(times["heap bytes"]?.count == 31)
    #expect(times["resident bytes"]?.count == file.samples.count)
    #expect(Set(instants) == Set(file.marks.map(\.name) + ["peak"]))
    #expect(try last["heap bytes"]?.integer("live") == Int(file.summary.liveBytesAtEnd))
    #expect(try last["live blocks"]?.integer("blocks") == Int(file.summary.liveBlocksAtEnd))
    #expect(try last["resident bytes"]?.integer("private") == 8_000_000)
  }

  @Test("minimalloc: the buffers that overlap at the peak sum to the peak")
  func minimalloc() throws {
    let trace = try workshop.randomTrace(seed: 7)
    let account = try NaiveAccount(trace)
    let lines = try export("minimalloc", trace).split(separator: "\n")
    #expect(lines.first == "id,lower,upper,size,alignment")
    let buffers = lines.dropFirst().map { $0.split(separator: ",").compactMap { Int($0) } }
    #expect(buffers.allSatisfy { $0.count == 5 && $0[1] < $0[2] && $0[3] > 0 })
    #expect(Set(buffers.map { $0[0] }).count == buffers.count)
    #expect(buffers.count == account.blocks.count { $0.size > 0 })
    var most = 0
    for time in 0..<account.times.count {
      most = max(most, buffers.reduce(0) { $1[1] <= time && time < $1[2] ? $0 + $1[3] : $0 })
    }
    #expect(most == Int(account.trace.summary.peakLiveBytes))
    #expect(buffers.allSatisfy { [16, 1 << 4].contains($0[4]) })
  }
}
