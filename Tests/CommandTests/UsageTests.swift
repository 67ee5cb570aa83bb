// Wrong usage is answered with 64 and with what would be right; help and version with 0.

import TestSupport
import Testing

@Suite struct UsageTests {
  let workshop: Workshop

  init() throws { workshop = try Workshop() }

  private static let subcommands = [
    "record", "info", "report", "pins", "replay", "compare",
    "export", "generate",
  ]
  private static let heaps = [
    "recorded", "first-fit", "best-fit", "next-fit", "worst-fit", "buddy",
  ]

  @Test("help of the command and of each subcommand has examples", arguments: [nil] + subcommands)
  func help(subcommand: String?) throws {
    for flag in ["--help", "-h"] {
      let result = try workshop.lacuna((subcommand.map { [$0] } ?? []) + [flag])
      #expect(result.exitCode == 0)
      #expect(result.errors == "")
      #expect(result.output.contains("EXAMPLES\n"))
      #expect(result.output.contains("  lacuna \(subcommand ?? "record") "))
      #expect(result.output.contains("USAGE: lacuna"))
    }
  }

  @Test("the general help names every subcommand")
  func overview() throws {
    let output = try workshop.lacuna(["--help"]).output
    for name in Self.subcommands { #expect(output.contains("\n  \(name) ")) }
  }

  @Test("version")
  func version() throws {
    let result = try workshop.lacuna(["--version"])
    #expect(result.exitCode == 0)
    #expect(result.output.wholeMatch(of: /[0-9]+\.[0-9]+\.[0-9]+\n/) != nil)
    #expect(result.errors == "")
  }

  @Test("the list of heaps needs no trace, and every heap of it can be replayed")
  func listing() throws {
    let result = try workshop.lacuna(["replay", "--list-allocators"])
    #expect(result.exitCode == 0)
    #expect(result.errors == "")
    let names = result.output.split(separator: "\n").filter { !$0.hasPrefix(" ") }
    #expect(Set(Self.heaps).isSubset(of: names.map(String.init)))
    let trace = try workshop.record(["/bin/true"]).trace
    for name in names {
      let alone = try workshop.lacuna(["replay", trace, "--json", "--allocator", String(name)])
      // A layer says that it needs something below it, and how that is written.
      let heap = alone.exitCode == 0 ? String(name) : "\(name)/first-fit"
      if alone.exitCode != 0 { #expect(alone.errors.contains("as in \(heap)")) }
      let replay = try workshop.json(["replay", trace, "--allocator", heap])
      #expect(try replay.string("allocator") == heap)
    }
  }

  /// The specification, the column of the fault in it, and a part of the message.
  private static let badSpecifications: [(String, Int, String)] = [
    ("frist-fit", 0, "did you mean 'first-fit'"), ("", 0, "expected the name"),
    ("first-fit(hdr=3)", 10, "'hdr'"), ("first-fit(header=x)", 17, "header"),
    ("buddy(min=3)", 10, "power of two"), ("first-fit(header=8", 18, ")"),
    ("first-fit)", 9, ""),
  ]

  @Test(
    "a heap that does not exist: its place is shown, and what there is",
    arguments: badSpecifications)
  func specification(text: String, column: Int, part: String) throws {
    // The file is not there: the usage is looked at first.
    let replay = try workshop.lacuna(["replay", "none.trace", "--allocator", text])
    let compare = try workshop.lacuna(["compare", "none.trace", "--allocators", "buddy," + text])
    for result in [replay, compare] {
      #expect(result.exitCode == 64)
      #expect(result.output == "")
      let lines = result.errors.split(separator: "\n", omittingEmptySubsequences: false)
      try #require(lines.count == 4, "\(result.errors)")
      #expect(lines[0].hasPrefix("lacuna: error: "))
      #expect(lines[0].contains(part))
      #expect(lines[1] == "  " + text)
      #expect(lines[2] == "  " + String(repeating: " ", count: column) + "^")
    }
    if part.contains("did you") || text.isEmpty {
      for heap in Self.heaps { #expect(replay.errors.contains(heap)) }
    }
  }

  @Test(
    "a moment that is none",
    arguments: [
      "nonsense", "", "12", "s", "-5s", "nan%", "infs", "1e30s", "5 parsecs", "%", "PEAK",
    ])
  func moment(text: String) throws {
    let result = try workshop.lacuna(["pins", "none.trace", "--at=\(text)"])
    #expect(result.exitCode == 64)
    #expect(result.output == "")
    #expect(result.errors.contains("peak, end"))
    #expect(result.errors.contains("Usage: lacuna pins"))
  }

  @Test("moments of the trace, and those after its end")
  func moments() throws {
    let trace = try workshop.handmadeTrace()
    // The last step is at 199.999 ms.
    for text in ["peak", "end", "0%", "50%", "99.9%", "100%", "0s", "199ms", "0.1s", "5us", "7ns"] {
      let result = try workshop.lacuna(["pins", trace, "--at", text])
      #expect(result.exitCode == 0, "\(text): \(result.errors)")
    }
    for text in ["200%", "100.1%", "201ms", "1h"] {
      let result = try workshop.lacuna(["pins", trace, "--at", text])
      #expect(result.exitCode == 64, "\(text)")
      #expect(result.output == "")
      #expect(result.errors.contains("after the end of the trace"))
    }
  }

  @Test(
    "unknown options, surplus arguments, bad values",
    arguments: [
      ["nosuch"], ["--bogus"], ["info"], ["info", "--bogus", "a"], ["info", "a", "b"],
      ["report", "a", "--bogus"], ["report", "a", "-o"], ["report", "a", "-o", ""],
      ["pins", "a", "--by", "colour"], ["pins", "a", "--limit", "many"], ["pins"],
      ["replay"], ["replay", "a", "--allocator"], ["compare"], ["compare", "a", "--allocators"],
      ["info", "a", "--color", "sometimes"], ["compare", "a", "--allocators", "buddy,,recorded"],
    ])
  func wrong(arguments: [String]) throws {
    let result = try workshop.lacuna(arguments)
    #expect(result.exitCode == 64)
    #expect(result.output == "")
    #expect(!result.errors.isEmpty)
  }
}
