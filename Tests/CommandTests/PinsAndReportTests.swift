// From a program's source to the line that keeps its pages: pins and report on a known program.

import Foundation
import TestSupport
import Testing

@Suite struct PinsAndReportTests {
  let workshop: Workshop
  let trace: String

  /// Records a program whose `keep_small` leaves one small block behind after each 30 temporary ones.
  ///
  /// The program has a name that HTML has to escape.
  init() throws {
    workshop = try Workshop()
    let program = try workshop.compile("sites.cpp", "-O1", "-g", as: "<b>&sites")
    let recording = try workshop.record([program])
    #expect(recording.result.exitCode == 0)
    trace = recording.trace
  }

  @Test("pins at the end names the function that keeps the pages")
  func culprit() throws {
    let pins = try workshop.json(["pins", trace, "--at", "end"])
    let first = try #require(try pins.objects("sites").first)
    #expect(try first.string("function") == "keep_small()")
    #expect(try first.integer("blocks") == 2000)
    #expect(try first.integer("liveBytes") == 2000 * 40)
    #expect(try first.number("pinnedBytes") > 0.9 * pins.number("pinnedBytes"))
    #expect(try first.number("pinnedBytes") > 2e6)
    let stack = try first.strings("stack")
    #expect(stack.contains("keep_small()"))
    #expect(stack.contains("main"))
    let text = try workshop.lacuna(["pins", trace, "--at", "end"])
    #expect(text.exitCode == 0)
    #expect(text.errors == "")
    let row = try #require(text.output.split(separator: "\n").first { $0.contains("keep_small()") })
    #expect(row.contains("2,000"))
  }

  @Test("at the peak the temporaries are there, and little is pinned")
  func peak() throws {
    let peak = try workshop.json(["pins", trace]).integer("pinnedBytes")
    let end = try workshop.json(["pins", trace, "--at", "end"]).integer("pinnedBytes")
    #expect(peak < end / 10)
  }

  @Test("by stack: every stack once, and the same total")
  func byStack() throws {
    let functions = try workshop.json(["pins", trace, "--at", "end"])
    let stacks = try workshop.json(["pins", trace, "--at", "end", "--by", "stack"])
    #expect(try stacks.integer("pinnedBytes") == functions.integer("pinnedBytes"))
    let sites = try stacks.objects("sites")
    #expect(try sites.count >= functions.objects("sites").count)
    #expect(try sites.first?.strings("stack").contains("keep_small()") == true)
  }

  @Test("the limit is one of the text alone")
  func limit() throws {
    let text = try workshop.lacuna(["pins", trace, "--at", "end", "--limit", "1"]).output
    #expect(text.contains("keep_small()"))
    #expect(!text.contains("make_temporaries"))
    let none = try workshop.lacuna(["pins", trace, "--at", "end", "--limit", "0"])
    #expect(none.exitCode == 0)
    #expect(!none.output.contains("keep_small()"))
    let json = try workshop.json(["pins", trace, "--at", "end", "--limit", "1"])
    #expect(try json.objects("sites").count > 1)
  }

  @Test("the page needs nothing else, and names from the program cannot change it")
  func page() throws {
    let path = workshop.file("page.html")
    let result = try workshop.lacuna(["report", trace, "-o", path])
    #expect(result.exitCode == 0)
    #expect(result.output == "")
    #expect(result.errors.contains(path))
    let page = String(decoding: try workshop.contents(path), as: UTF8.self)
    #expect(page.hasPrefix("<!doctype html>"))
    #expect(page.hasSuffix("</html>\n"))
    #expect(page.contains("keep_small()"))
    #expect(page.contains("&lt;b&gt;&amp;sites"))
    #expect(!page.contains("<b>&sites"))
    // Nothing is fetched: no address of a server in what makes a browser load something.
    #expect(
      page.firstMatch(of: /(src|href|srcset|data|action)\s*=\s*["']?\s*(https?:)?\/\//) == nil)
    #expect(page.firstMatch(of: /(@import|url\()\s*["']?\s*(https?:)?\/\//) == nil)
    #expect(page.firstMatch(of: /<(link|iframe|object|embed)\b/) == nil)
    #expect(try workshop.files(containing: ".part") == [])
    let dash = try workshop.lacuna(["report", trace, "-o", "-"])
    #expect(dash.exitCode == 0)
    #expect(dash.output.hasPrefix("<!doctype html>"))
    #expect(dash.errors == "")
  }

  @Test("where the page cannot be written, that is said before anything is read")
  func unwritable() throws {
    for path in [workshop.file("none/page.html"), workshop.path, ""] {
      let result = try workshop.lacuna(["report", trace, "-o", path])
      #expect(result.exitCode == (path.isEmpty ? 64 : 1))
      #expect(result.output == "")
      if !path.isEmpty { #expect(result.errors.hasPrefix("lacuna: error: cannot write \(path): ")) }
    }
    #expect(try workshop.files(containing: ".part") == [])
  }

  @Test("a device stays a device, and one that is full is an error")
  func device() throws {
    // The same as /dev/full: a file of ours that leads there.
    let path = workshop.file("full.html")
    try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/dev/full")
    let full = try workshop.lacuna(["report", trace, "-o", path])
    #expect(full.exitCode == 1)
    #expect(full.errors.contains("No space left"))
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: path) == "/dev/full")
  }

  @Test("a link is followed, and a page that is there is replaced as a whole")
  func link() throws {
    let target = try workshop.write("old", to: "target.html")
    let path = workshop.file("link.html")
    try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: target)
    #expect(try workshop.lacuna(["report", trace, "-o", path]).exitCode == 0)
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: path) == target)
    #expect(try workshop.contents(target).count > 10_000)
    #expect(try workshop.files(containing: ".part") == [])
  }

  @Test("a reader that leaves early is no error")
  func head() throws {
    for command in ["report", "report -o -", "report --json", "replay --list-allocators #"] {
      let result = try workshop.shell(
        """
        trap '' PIPE
        set -o pipefail
        "$LACUNA" \(command.replacing(" #", with: "")) \(command.hasSuffix("#") ? "" : "'\(trace)'") | head -1
        """)
      #expect(result.output.split(separator: "\n").count == 1)
      #expect(result.errors == "", "\(command)")
      #expect(result.exitCode == 0, "\(command)")
    }
    let plain = try workshop.shell("\"$LACUNA\" report '\(trace)' | head -1; echo ${PIPESTATUS[0]}")
    #expect(plain.errors == "")
    // Ended by SIGPIPE, as others are, or done before the reader left.
    #expect(plain.output.hasSuffix("\n0\n") || plain.output.hasSuffix("\n141\n"))
  }

  @Test("output that cannot be written is a failure")
  func fullOutput() throws {
    for command in ["info", "report", "report --json", "report -o -", "pins", "replay", "compare"] {
      for target in ["/dev/full", "&-"] {
        let result = try workshop.shell("\"$LACUNA\" \(command) '\(trace)' >\(target)")
        #expect(result.exitCode == 1, "\(command) >\(target)")
        #expect(result.errors.hasPrefix("lacuna: error: cannot write the output: "))
        #expect(result.errors.split(separator: "\n").count == 1)
      }
    }
  }

  @Test("no escape sequences where nobody asked for colour")
  func colour() throws {
    for command in readingCommands {
      for options in [[], ["--color", "never"]] {
        let environment = options.isEmpty ? ["NO_COLOR": "1", "CLICOLOR_FORCE": "1"] : [:]
        let result = try workshop.lacuna(command + options + [trace], environment: environment)
        #expect(result.exitCode == 0)
        #expect(!(result.output + result.errors).contains("\u{1b}"), "\(command) \(options)")
      }
      let json = try workshop.lacuna(command + ["--json", "--color", "always", trace])
      #expect(!json.output.contains("\u{1b}"), "\(command)")
    }
  }
}
