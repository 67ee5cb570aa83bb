// lacuna export: what is refused, what is said, what is left behind.

import Foundation
import TestSupport
import Testing
import Trace

@Suite struct ExportUsageTests {
  let workshop: Workshop

  init() throws { workshop = try Workshop() }

  static let formats = [
    "pprof", "folded", "speedscope", "callgrind", "dhat", "massif", "chrome", "sqlite", "csv",
    "ndjson", "minimalloc",
  ]

  @Test("the help has a line for each format")
  func help() throws {
    let output = try workshop.lacuna(["export", "--help"]).output
    for format in Self.formats {
      #expect(output.contains(try Regex("\n *\(format) +[A-Za-z]")), "\(format)")
    }
    #expect(output.replacing("\n", with: " ").contains("go tool pprof -http=: app.pb.gz"))
  }

  @Test(
    "options that do not go together",
    arguments: [
      [], ["--to", "nonsense"], ["--to", "csv", "--what", "nonsense"],
      ["--to", "pprof", "--what", "events"], ["--to", "csv", "--metric", "alloc_space"],
      ["--to", "folded", "--metric", "bytes"], ["--to", "csv", "--at", "end"],
      ["--to", "csv", "--what", "blocks", "--at", "end"], ["--to", "dhat", "--at", "end"],
      ["--to", "pprof", "--at", "never"], ["--to", "pprof", "--at", "end", "--at", "end"],
      ["--to", "folded", "--at", "peak", "--at", "end"], ["--to", "pprof", "--points", "9"],
      ["--to", "chrome", "--points", "1"], ["--to", "chrome", "--points", "1000001"],
      ["--to", "csv", "--points", "9"], ["--to", "csv", "-o", ""],
    ])
  func wrong(options: [String]) throws {
    let result = try workshop.lacuna(["export", "none.trace"] + options)
    #expect(result.exitCode == 64, "\(result)")
    #expect(result.output == "")
    #expect(!result.errors.isEmpty)
  }

  @Test("the same trace gives the same bytes, to a file as to standard output", arguments: formats)
  func deterministic(format: String) throws {
    let trace = try workshop.randomTrace(seed: 20, steps: 1500)
    let first = workshop.file("first")
    let second = workshop.file("second")
    for path in [first, second] {
      let result = try workshop.lacuna(["export", "--to", format, trace, "-o", path])
      try #require(result.exitCode == 0, "\(result)")
      #expect(result.errors == "")
    }
    let piped = try workshop.shell("\"$LACUNA\" export --to \(format) \(trace) > piped")
    #expect(piped.exitCode == 0)
    #expect(try workshop.contents(first) == workshop.contents(second))
    #expect(try workshop.contents(first) == workshop.contents(workshop.file("piped")))
    #expect(try workshop.contents(first).count > 100)
    #expect(try workshop.files(containing: ".part").isEmpty)
  }

  @Test("a trace that knows nothing but sizes is exported all the same", arguments: formats)
  func unknowing(format: String) throws {
    let trace = try workshop.randomTrace(seed: 21, steps: 1500) { metadata in
      metadata.knowsAddresses = false
      metadata.knowsStacks = false
      metadata.knowsThreads = false
      metadata.knowsTimes = false
    }
    let path = workshop.file("out")
    let result = try workshop.lacuna(["export", "--to", format, trace, "-o", path])
    #expect(result.exitCode == 0, "\(result)")
    let says = ["pprof", "folded", "speedscope", "callgrind", "dhat", "massif", "sqlite"]
    #expect(result.errors.contains("no call stacks") == says.contains(format))
    #expect(result.errors.contains("no times") == ["dhat", "massif", "chrome"].contains(format))
    if format == "folded" {
      let account = try NaiveAccount(trace)
      let half = try workshop.lacuna(["export", "--to", "folded", trace, "--at", "50%"])
      #expect(half.output == "(unknown) \(account.total(3, at: "50%"))\n")
      let second = try workshop.lacuna(["export", "--to", "folded", trace, "--at", "1s"])
      #expect(second.exitCode == 64)
    }
    guard format == "csv" else { return }
    for row in try CSVText(String(contentsOfFile: path, encoding: .utf8)).rows {
      for key in ["time_ns", "thread", "address", "old_address", "usable", "stack"]
      where !["map", "unmap", "poolAllocate", "moveBreak", "startBreak"].contains(row["operation"])
      {
        #expect(row[key] == nil)
      }
    }
    let holes = try workshop.lacuna(["export", "--to", "csv", "--what", "holes", trace])
    #expect(holes.exitCode == 1)
    #expect(holes.output == "")
    #expect(holes.errors.contains("at which addresses"))
    let series = try workshop.lacuna(["export", "--to", "csv", "--what", "series", trace])
    let last = try #require(try CSVText(series.output).rows.last)
    #expect(last["live_bytes"] == "\(try TraceFile(path: trace).summary.liveBytesAtEnd)")
    #expect(last["held_bytes"] == nil)
  }

  @Test("a sample is scaled where that is possible, and refused where it is not")
  func sampled() throws {
    let regions = RegionSampling(size: 4096, denominator: 4, seed: 3)
    let trace = try workshop.randomTrace(seed: 22) { $0.regions = regions }
    let account = try NaiveAccount(trace)
    // The trace is a whole one that says that it is a sample: some of its blocks count for none.
    let expected = account.blocks.reduce(0) { sum, block in
      regions.samples(base: regions.base(of: block.address - 8)) ? sum + 4 * block.size : sum
    }
    try #require(expected > 0 && expected < 4 * account.total(1, at: "end"))
    let folded = try workshop.lacuna([
      "export", "--to", "folded", trace, "--metric", "alloc_space", "--at", "end",
    ])
    #expect(folded.errors.contains("scaled by 4"))
    let sum = folded.output.split(separator: "\n").compactMap {
      Int($0.split(separator: " ").last ?? "")
    }.reduce(0, +)
    #expect(sum == expected)
    let blocks = try workshop.lacuna(["export", "--to", "csv", "--what", "blocks", trace])
    #expect(blocks.errors.contains("weight"))
    let weighted = try CSVText(blocks.output).rows.reduce(0) {
      $0 + (Int($1["weight"] ?? "") ?? 0) * (Int($1["size"] ?? "") ?? 0)
    }
    #expect(weighted == expected)
    for options in [
      ["--to", "massif"], ["--to", "chrome"], ["--to", "minimalloc"],
      ["--to", "csv", "--what", "holes"], ["--to", "ndjson", "--what", "series"],
    ] {
      let result = try workshop.lacuna(["export", trace] + options)
      #expect(result.exitCode == 1, "\(options)")
      #expect(result.output == "")
      #expect(result.errors.contains("1/4 of the address space"))
    }
    let database = try workshop.lacuna([
      "export", "--to", "sqlite", trace, "-o", workshop.file("sample.db"),
    ])
    #expect(database.exitCode == 0)
  }

  @Test("places that cannot be written", arguments: formats)
  func places(format: String) throws {
    let trace = try workshop.randomTrace(seed: 23, steps: 500)
    for path in ["/proc/none", workshop.path, workshop.file("none/a")] {
      let result = try workshop.lacuna(["export", "--to", format, trace, "-o", path])
      #expect(result.exitCode == 1, "\(path)")
      #expect(result.errors.hasPrefix("lacuna: error: cannot write"))
    }
    let full = try workshop.shell("\"$LACUNA\" export --to \(format) \(trace) > /dev/full")
    #expect(full.exitCode == 1)
    #expect(full.errors.contains("No space left"))
    #expect(try workshop.files(containing: ".part").isEmpty)
  }

  @Test("binary formats are not for terminals", arguments: ["pprof", "sqlite"])
  func terminal(format: String) throws {
    let trace = try workshop.randomTrace(seed: 24, steps: 100)
    let result = try workshop.run(
      "script",
      ["-qec", "\(Workshop.command) export --to \(format) \(trace)", "/dev/null"])
    #expect(result.exitCode == 64, "\(result)")
    #expect(result.output.contains("-o"))
  }

  @Test("a reader that leaves early is no error; an interrupted export leaves nothing")
  func interruption() throws {
    let trace = try workshop.handmadeTrace()
    let early = try workshop.shell(
      "trap '' PIPE; \"$LACUNA\" export --to csv \(trace) | head -1; exit ${PIPESTATUS[0]}")
    #expect(early.exitCode == 0)
    #expect(early.errors == "")
    // A shell's background job ignores SIGINT.
    let result = try workshop.shell(
      """
      "$LACUNA" export --to sqlite \(trace) -o out.db & pid=$!
      while [ ! -s out.db.$pid.part ] && kill -0 $pid 2>/dev/null; do :; done
      kill -TERM $pid
      wait $pid; echo $?
      """)
    #expect(["143\n", "0\n"].contains(result.output), "\(result)")
    #expect(try workshop.files(containing: ".part").isEmpty)
    #expect(
      FileManager.default.fileExists(atPath: workshop.file("out.db"))
        == (result.output == "0\n"))
  }

  @Test("a damaged trace is exported as far as it can be read")
  func damaged() throws {
    let trace = try workshop.handmadeTrace()
    var bytes = try workshop.contents(trace)
    bytes[bytes.count / 2] ^= 0x55
    try bytes.write(to: URL(fileURLWithPath: workshop.file("damaged.trace")))
    for format in Self.formats {
      let result = try workshop.lacuna([
        "export", "--to", format, workshop.file("damaged.trace"), "-o", workshop.file("out"),
      ])
      #expect(result.exitCode == 0, "\(result)")
      #expect(result.errors.contains("incomplete"))
      try FileManager.default.removeItem(atPath: workshop.file("out"))
    }
  }
}
