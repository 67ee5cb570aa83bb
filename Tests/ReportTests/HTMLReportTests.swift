// The page: well formed, harmless and self-contained, whatever the story is.

import Analysis
import MemoryUnits
import Testing
import Trace

@testable import Report

@Suite struct HTMLReportTests {
  @Test("every story gives a well-formed page", arguments: Stories.strangeNames)
  func wellFormed(name: String) throws {
    let page = HTMLReport.render(Stories.strange(name))
    #expect(page.hasPrefix("<!doctype html>"))
    #expect(page.hasSuffix("</html>\n"))
    try PageCheck(page).run()
  }

  @Test("every story gives the five questions in order", arguments: Stories.strangeNames)
  func questions(name: String) throws {
    var rest = Substring(HTMLReport.render(Stories.strange(name)))
    for id in ["where", "pins", "trim", "compare", "trend"] {
      let range = try #require(rest.firstRange(of: "<section id=\"\(id)\">"), "\(id)")
      rest = rest[range.upperBound...]
    }
  }

  @Test("no coordinate is anything but a number", arguments: Stories.strangeNames)
  func coordinates(name: String) {
    let page = HTMLReport.render(Stories.strange(name))
    for attribute in ["x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "width", "height", "points"] {
      for part in page.split(separator: " \(attribute)=\"").dropFirst() {
        let value = part.prefix { $0 != "\"" }
        let numbers = value.split { $0 == " " || $0 == "," }
        #expect(!numbers.isEmpty && numbers.allSatisfy { Double($0)?.isFinite == true }, "\(value)")
      }
    }
  }

  @Test("names from a trace never become markup")
  func escapes() {
    let page = HTMLReport.render(Stories.strange("hostile names"))
    #expect(!page.contains("<script>alert"))
    #expect(!page.contains("onmouseover=\""))
    #expect(!page.contains("\u{1B}"))
    #expect(!page.contains("\u{202E}"))
    #expect(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"))
    #expect(page.contains("&quot; onmouseover=&quot;"))
    // Two scripts would be one too many.
    #expect(page.split(separator: "<script", omittingEmptySubsequences: false).count == 2)
    #expect(page.split(separator: "</script", omittingEmptySubsequences: false).count == 2)
    let acting = page.unicodeScalars.filter { $0.value < 32 && $0 != "\n" || $0.value == 127 }
    #expect(acting.isEmpty)
  }

  @Test("asks for nothing from anywhere")
  func selfContained() {
    let page = HTMLReport.render(Stories.plausible())
    for part in ["http://", "https://", "src=", "url(", "@import", "<link", "<img", "<iframe"] {
      #expect(!page.contains(part), "\(part)")
    }
    #expect(page.contains("default-src 'none'"))
  }

  @Test("is the same for the same figures, however long the replay took")
  func deterministic() {
    var story = Stories.plausible()
    let page = HTMLReport.render(story)
    story.recorded.seconds = 17
    for index in story.heaps.indices { story.heaps[index].seconds = 23 }
    #expect(HTMLReport.render(story) == page)
  }

  @Test("lists a hundred sites and counts the others")
  func manySites() {
    let page = HTMLReport.render(Stories.plausible(sites: 2345))
    #expect(page.split(separator: "<td class=\"site\">").count == 201)
    #expect(page.contains("and 2,245 more sites"))
  }

  @Test("puts warnings before the headline")
  func warnings() throws {
    var story = Stories.plausible()
    #expect(!HTMLReport.render(story).contains("class=\"warning\""))
    story.inventory.isComplete = false
    story.inventory.damage = (1...40).map { "Chunk \($0) is damaged." }
    let page = HTMLReport.render(story)
    let warning = try #require(page.firstRange(of: "class=\"warning\""))
    let headline = try #require(page.firstRange(of: "class=\"headline\""))
    #expect(warning.lowerBound < headline.lowerBound)
    #expect(page.contains("and 29 more"))
  }

  @Test("markup escapes what is interpolated, and only that")
  func markup() {
    let name = "a<b>&\"c'\u{1B}"
    let piece: Markup = "<i title=\"\(name)\">\(name)</i>"
    #expect(
      piece.html
        == "<i title=\"a&lt;b&gt;&amp;&quot;c&#39;␛\">a&lt;b&gt;&amp;&quot;c&#39;␛</i>")
    let outer: Markup = "<p>\(piece) \(12) \(at: 1.25) \(ByteCount(2048))</p>"
    #expect(outer.html == "<p>\(piece.html) 12 1.3 2.00 KiB</p>")
    #expect(Markup(text: "<").html == "&lt;")
  }
}

/// A naive reader of pages: tags nest, ids are unique, and what refers to an id finds it.
private struct PageCheck {
  struct Problem: Error { var text: String }

  private let page: String
  private static let empty: Set<Substring> = ["meta", "!doctype"]

  init(_ page: String) { self.page = page }

  func run() throws {
    var open: [Substring] = []
    var ids: Set<Substring> = []
    var references: [Substring] = []
    var rest = Substring(page)
    while let start = rest.firstIndex(of: "<") {
      rest = rest[rest.index(after: start)...]
      guard let end = rest.firstIndex(of: ">") else { throw Problem(text: "no end of a tag") }
      let tag = rest[..<end]
      rest = rest[rest.index(after: end)...]
      if tag.hasPrefix("/") {
        guard let last = open.popLast(), last == tag.dropFirst() else {
          throw Problem(text: "\(tag) closes \(open)")
        }
        continue
      }
      let name = tag.prefix { !$0.isWhitespace && $0 != "/" }
      for (key, value) in try attributes(tag.dropFirst(name.count)) {
        if key == "id", !ids.insert(value).inserted { throw Problem(text: "two of \(value)") }
        if key == "href" { references.append(value.dropFirst()) }
        if key == "aria-labelledby" { references += value.split(separator: " ") }
      }
      if name == "script" || name == "style" {
        guard let close = rest.firstRange(of: "</\(name)>") else { throw Problem(text: "\(name)") }
        rest = rest[close.upperBound...]
      } else if !tag.hasSuffix("/"), !Self.empty.contains(name) {
        open.append(name)
      }
    }
    guard open.isEmpty else { throw Problem(text: "still open: \(open)") }
    for reference in references where !ids.contains(reference) {
      throw Problem(text: "nothing is called \(reference)")
    }
  }

  /// Names and values; throws where quotes do not pair.
  private func attributes(_ text: Substring) throws -> [(Substring, Substring)] {
    let pieces = text.split(separator: "\"", omittingEmptySubsequences: false)
    guard pieces.count % 2 == 1 else { throw Problem(text: "quotes in \(text)") }
    return stride(from: 0, to: pieces.count - 1, by: 2).map { index in
      let name = pieces[index].split { $0 == " " || $0 == "=" || $0 == "\n" }.last ?? ""
      return (name, pieces[index + 1])
    }
  }
}
