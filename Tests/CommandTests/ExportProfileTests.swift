// lacuna export: profiles, against a naive account and the tools that they are made for.

import Foundation
import TestSupport
import Testing
import Trace

/// Whether a program can be run here; says so where not.
func isInstalled(_ program: String) -> Bool {
  let directories = ["/usr/bin/", "/usr/local/bin/", "/usr/libexec/valgrind/"]
  let isThere = directories.contains {
    FileManager.default.fileExists(atPath: $0 + program)
  }
  if !isThere { print("SKIPPED: a test that needs \(program), which is not installed") }
  return isThere
}

@Suite struct ExportProfileTests {
  let workshop: Workshop

  init() throws { workshop = try Workshop() }

  /// Exports to a file and returns its path.
  private func export(
    _ format: String, _ trace: String, _ options: [String] = [], to name: String? = nil
  ) throws -> String {
    let path = workshop.file(name ?? "out.\(format)")
    let result = try workshop.lacuna(
      ["export", "--to", format, trace, "-o", path] + options)
    try #require(result.exitCode == 0, "\(result)")
    #expect(result.output == "")
    return path
  }

  private func decoded(_ profile: String) throws -> JSONObject {
    let result = try workshop.run("python3", [Workshop.fixtures + "/pprof.py", profile])
    try #require(result.exitCode == 0, "\(result.errors)")
    return try JSONObject(result.output)
  }

  /// A program with known call sites, recorded.
  private func recorded() throws -> String {
    let program = try workshop.compile("sites.cpp", "-O1", "-Wl,--build-id")
    let (result, trace) = try workshop.record([program])
    try #require(result.exitCode == 0)
    return trace
  }

  @Test(
    "pprof: every stack has the four figures of a naive account", arguments: [1, 2] as [UInt64])
  func pprof(seed: UInt64) throws {
    let trace = try workshop.randomTrace(seed: seed)
    let account = try NaiveAccount(trace)
    for moment in ["peak", "end", "37%", "0%"] {
      let profile = try decoded(try export("pprof", trace, ["--at", moment]))
      #expect(
        try profile.strings("types") == [
          "alloc_objects/count", "alloc_space/bytes", "inuse_objects/count", "inuse_space/bytes",
        ])
      #expect(try profile.string("shown") == "inuse_space")
      #expect(try profile.integer("period") == 1)
      var figures: [String: [Int]] = [:]
      for sample in try profile.objects("samples") {
        figures[try sample.string("addresses")] = sample.members["values"] as? [Int]
      }
      #expect(figures == account.figures(at: moment), "\(moment)")
    }
    #expect(account.total(2, at: "37%") > 20)
    #expect(account.total(3, at: "peak") == Int(account.trace.summary.peakLiveBytes))
  }

  @Test("pprof of a recorded program: functions, the program's mapping first, several moments")
  func pprofOfProgram() throws {
    let trace = try recorded()
    let account = try NaiveAccount(trace)
    let result = try workshop.lacuna([
      "export", "--to", "pprof", trace, "-o", workshop.file("all.pb.gz"), "--at", "peak", "--at",
      "end",
    ])
    #expect(result.exitCode == 0)
    #expect(result.errors.contains("all-peak.pb.gz"))
    let peak = try decoded(workshop.file("all-peak.pb.gz"))
    let end = try decoded(workshop.file("all-end.pb.gz"))
    let mapping = try #require(try peak.objects("mappings").first)
    #expect(try mapping.string("path").hasSuffix("/sites"))
    #expect(try mapping.bool("hasFunctions"))
    #expect(try mapping.string("buildID").count >= 16)
    let kept = try end.objects("samples").filter {
      try $0.string("functions").contains("keep_small")
    }
    let values = try #require(kept.first?.members["values"] as? [Int])
    #expect(values == [2000, 80_000, 2000, 80_000])
    #expect(try peak.integer("duration") == Int(account.trace.summary.peakNanoseconds))
    #expect(!FileManager.default.fileExists(atPath: workshop.file("all.pb.gz")))
  }

  @Test("go tool pprof reads it and agrees", .enabled(if: isInstalled("go")))
  func go() throws {
    let trace = try recorded()
    let account = try NaiveAccount(trace)
    let profile = try export("pprof", trace, ["--at", "end"])
    let environment = ["HOME": workshop.path, "PPROF_TMPDIR": workshop.path]
    let sums = zip(["alloc_objects", "alloc_space", "inuse_objects", "inuse_space"], 0...)
    for (type, index) in sums {
      let result = try workshop.run(
        "go",
        ["tool", "pprof", "-symbolize=none", "-unit=B", "-sample_index=\(type)", "-top", profile],
        environment: environment)
      #expect(result.exitCode == 0, "\(result)")
      let total = account.total(index, at: "end")
      #expect(result.output.contains("Type: \(type)"))
      #expect(
        result.output.contains(/of \Q\#(total)\EB? total/) || result.output.contains(" \(total)"),
        "\(type) \(total): \(result.output.prefix(400))")
      if type == "inuse_space" { #expect(result.output.contains(/80000B? .*keep_small/)) }
    }
  }

  @Test("folded stacks hold each figure, outermost function first")
  func folded() throws {
    let trace = try recorded()
    let account = try NaiveAccount(trace)
    let metrics = zip(["alloc_objects", "alloc_space", "inuse_objects", "inuse_space"], 0...)
    for (metric, index) in metrics {
      let result = try workshop.lacuna([
        "export", "--to", "folded", trace, "--at", "end", "--metric", metric,
      ])
      #expect(result.exitCode == 0)
      let lines = result.output.split(separator: "\n")
      let numbers = lines.compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }
      #expect(numbers.count == lines.count)
      #expect(numbers.reduce(0, +) == account.total(index, at: "end"))
      #expect(
        lines.map { Array($0.utf8) }.elementsEqual(
          lines.map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }))
      #expect(lines.contains { $0.contains(/main;keep_small(\(\))? (2000|80000)$/) })
    }
  }

  @Test("wrappers of allocators stay in stacks unless they are folded")
  func folding() throws {
    let program = try workshop.compile("wrapped.c", "-O1")
    let trace = try workshop.record([program]).trace
    func lines(_ options: [String]) throws -> [String] {
      let result = try workshop.lacuna(
        ["export", "--to", "folded", trace, "--at", "end"] + options)
      return result.output.split(separator: "\n").map(String.init)
    }
    let plain = try lines([])
    let folded = try lines(["--fold-allocators"])
    for (function, bytes) in [("first", 1000), ("second", 2000)] {
      #expect(plain.contains { $0.hasSuffix("main;\(function);xmalloc \(bytes)") }, "\(plain)")
      #expect(folded.contains { $0.hasSuffix("main;\(function) \(bytes)") }, "\(folded)")
    }
  }

  @Test("speedscope: four profiles a moment, whose weights add up")
  func speedscope() throws {
    let trace = try workshop.randomTrace(seed: 3)
    let account = try NaiveAccount(trace)
    let path = try export("speedscope", trace, ["--at", "peak", "--at", "50%"])
    let file = try JSONObject(String(contentsOfFile: path, encoding: .utf8))
    #expect(try file.string("$schema") == "https://www.speedscope.app/file-format-schema.json")
    let frames = try file.object("shared").objects("frames")
    for frame in frames { #expect(try !frame.string("name").isEmpty) }
    let profiles = try file.objects("profiles")
    #expect(profiles.count == 8)
    for (index, profile) in profiles.enumerated() {
      let figure = [3, 2, 1, 0][index % 4]
      let moment = index < 4 ? "peak" : "50%"
      #expect(try profile.string("type") == "sampled")
      #expect(try profile.string("unit") == (figure % 2 == 1 ? "bytes" : "none"))
      let samples = try #require(profile.members["samples"] as? [[Int]])
      let weights = try #require(profile.members["weights"] as? [Int])
      #expect(samples.count == weights.count)
      #expect(samples.allSatisfy { !$0.isEmpty && $0.allSatisfy(frames.indices.contains) })
      #expect(weights.reduce(0, +) == account.total(figure, at: moment))
      #expect(try profile.integer("endValue") == account.total(figure, at: moment))
      #expect(try profile.integer("startValue") == 0)
    }
  }

  /// The totals that `callgrind_annotate` prints.
  @Test("callgrind: own costs add up, and callgrind_annotate agrees")
  func callgrind() throws {
    let trace = try recorded()
    let account = try NaiveAccount(trace)
    let path = try export("callgrind", trace, ["--at", "end"])
    let totals = [3, 2, 1, 0].map { account.total($0, at: "end") }
    var own = [0, 0, 0, 0]
    var isCall = false
    for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n") {
      let numbers = line.split(separator: " ").compactMap { Int($0) }
      if numbers.count == 5, !isCall { for index in 0..<4 { own[index] += numbers[index + 1] } }
      isCall = line.hasPrefix("calls=")
    }
    #expect(own == totals)
    guard isInstalled("callgrind_annotate") else { return }
    let result = try workshop.run("callgrind_annotate", ["--inclusive=yes", path])
    #expect(result.exitCode == 0, "\(result.errors)")
    let plain = result.output.replacing(",", with: "")
    let line = try #require(plain.split(separator: "\n").first { $0.contains("PROGRAM TOTALS") })
    let shown = line.replacing(/\([^)]*\)/, with: " ").split(separator: " ").compactMap { Int($0) }
    #expect(shown == totals)
    let site = try #require(plain.split(separator: "\n").first { $0.contains("keep_small") })
    #expect(site.contains("80000"))
    // All of it was asked for below main.
    let main = try #require(plain.split(separator: "\n").first { $0.contains(/[: ]main/) })
    #expect(main.split(separator: " ").first.flatMap { Int($0) }.map { $0 >= 80_000 } == true)
  }

  @Test("massif: the snapshots and trees are sound, and ms_print shows them")
  func massif() throws {
    let trace = try workshop.randomTrace(seed: 4)
    let account = try NaiveAccount(trace)
    let path = try export("massif", trace, ["--points", "20"])
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let parts = text.components(separatedBy: "snapshot=").dropFirst()
    #expect(parts.count == 21)
    var last = 0
    for part in parts {
      let lines = part.split(separator: "\n").map(String.init)
      func value(_ key: String) throws -> Int {
        let line = try #require(lines.first { $0.hasPrefix(key + "=") })
        return try #require(Int(line.dropFirst(key.count + 1)))
      }
      #expect(try value("time") >= last)
      last = try value("time")
      #expect(try value("mem_heap_extra_B") >= 0)
      let nodes = lines.filter { $0.contains(#/^ *n[0-9]+: /#) }
      if nodes.isEmpty { continue }
      try checkTree(nodes)
      let root = try #require(nodes.first?.split(separator: " ").dropFirst().first)
      #expect(Int(root) == (try value("mem_heap_B")))
      let isPeak = lines.contains("heap_tree=peak")
      #expect(Int(root) == account.total(3, at: isPeak ? "peak" : "end"))
    }
    #expect(text.components(separatedBy: "heap_tree=peak").count == 2)
    guard isInstalled("ms_print") else { return }
    let result = try workshop.run("ms_print", [path])
    #expect(result.exitCode == 0, "\(result.errors)")
    #expect(result.output.contains("Number of snapshots: 21"))
    #expect(result.output.contains(/Detailed snapshots: \[[0-9]+ \(peak\), 20\]/))
  }

  /// Every node has as many children as it says, which have no more bytes than it.
  private func checkTree(_ nodes: [String]) throws {
    var open: [(children: Int, bytes: Int)] = []
    for (index, node) in nodes.enumerated() {
      let match = try #require(node.firstMatch(of: #/^( *)n([0-9]+): ([0-9]+) (.+)$/#))
      let bytes = try #require(Int(match.3))
      while let last = open.last, last.children == 0 { open.removeLast() }
      #expect(match.1.count == open.count)
      if index > 0 {
        try #require(!open.isEmpty)
        open[open.count - 1].children -= 1
        open[open.count - 1].bytes -= bytes
        #expect(open[open.count - 1].bytes >= 0)
      }
      open.append((try #require(Int(match.2)), bytes))
    }
    #expect(open.allSatisfy { $0.children == 0 })
  }
}
