// lacuna compare: ranks, bounds, the page, and what --all is.

import Foundation
import TestSupport
import Testing

@Suite struct CompareTests {
  let workshop: Workshop

  init() throws { workshop = try Workshop() }

  @Test("results come in the order of rank, with their distance from what was and from the bound")
  func ranks() throws {
    let compare = try workshop.json(["compare", try workshop.handmadeTrace()])
    let results = try compare.objects("results")
    #expect(results.count == 6)
    let live = try compare.object("bounds").integer("liveBytes")
    #expect(try compare.object("bounds").members["optimumBytes"] is NSNull)
    let recorded = try #require(results.first { try $0.string("allocator") == "recorded" })
    let was = try recorded.number("peakResidentBytes")
    var last = 0
    for result in results {
      #expect(try result.integer("rank") >= 1)
      #expect(try result.integer("peakResidentBytes") >= last)
      last = try result.integer("peakResidentBytes")
      let held = try result.number("peakFootprintBytes")
      #expect(try abs(result.number("heldToBound") - (held / Double(live) - 1)) < 1e-9)
      if try result.string("allocator") == "recorded" {
        #expect(result.members["residentToRecorded"] is NSNull)
      } else {
        #expect(
          try abs(result.number("residentToRecorded") - (Double(last) / was - 1)) < 1e-9)
      }
    }
    #expect(try results.first?.integer("rank") == 1)
  }

  @Test("--all compares every kind of heap that there is, each once")
  func all() throws {
    let trace = workshop.file("small.trace")
    _ = try workshop.json(["generate", "-w", "plateau(events=3000,live=64k)", "-o", trace])
    let results = try workshop.json(["compare", "--all", trace]).objects("results")
    let names = try results.map { try $0.string("allocator") }
    #expect(Set(names).count == names.count)
    #expect(names.count >= 9)
    let help = try workshop.lacuna(["compare", "--help"]).output
    for name in names { #expect(help.contains("  \(name)\n"), "\(name)") }
  }

  @Test("the page has every heap, a chart for each, and is whole")
  func page() throws {
    let trace = try workshop.handmadeTrace()
    let page = workshop.file("page.html")
    let said = try workshop.lacuna(["compare", trace, "-o", page])
    #expect(said.exitCode == 0)
    #expect(said.output == "")
    #expect(said.errors.contains("the comparison is in \(page)"))
    let html = String(decoding: try workshop.contents(page), as: UTF8.self)
    #expect(html.hasPrefix("<!doctype html>") && html.hasSuffix("</html>\n"))
    #expect(html.components(separatedBy: "<svg class=\"course\"").count == 7)
    for heap in ["recorded", "first-fit", "best-fit", "next-fit", "worst-fit", "buddy"] {
      #expect(html.contains("<code>\(heap)</code>"))
    }
    #expect(try workshop.lacuna(["compare", "-q", trace, "-o", "-"]).output == html)
    let part = try workshop.lacuna(["compare", "-q", trace, "-o", "-", "--from", "50%"])
    #expect(part.output.contains("of the trace counts."))
  }

  @Test("wrong usage", arguments: [["--all", "--allocators", "buddy"], ["-o", ""], ["--alll"]])
  func wrong(arguments: [String]) throws {
    let result = try workshop.lacuna(["compare", "none.trace"] + arguments)
    #expect(result.exitCode == 64)
    #expect(result.output == "" && !result.errors.isEmpty)
  }
}
