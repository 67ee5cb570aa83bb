// What stands above the five questions: the program, warnings, the headline, the main figures.

import Analysis
import MemoryUnits
import Trace

extension HTMLReport {
  static func header(_ story: Story, name: String, _ findings: Findings) -> Markup {
    let command = story.metadata.command.joined(separator: " ")
    return """
      <header>
      <h1>\(name)</h1>
      \(command.isEmpty ? .empty : "<p class=\"command\"><code>\(command)</code></p>\n" as Markup)\
      <dl class="facts">
      \(Markup(lines: facts(story).map { "<div><dt>\($0.name)</dt><dd>\($0.value)</dd></div>" }))</dl>
      \(warnings(findings.warnings))\
      <p class="headline">\(Formats.unbroken(findings.headline))</p>
      \(tiles(story))</header>

      """
  }

  private static func facts(_ story: Story) -> [TextFact] {
    let (metadata, summary) = (story.metadata, story.summary)
    var facts: [TextFact] = []
    if let date = Formats.date(secondsSince1970: metadata.startedAt) {
      facts.append(TextFact("recorded", date))
    }
    if metadata.knowsTimes {
      facts.append(
        TextFact("for", Formats.time(Timestamp(nanoseconds: summary.durationNanoseconds))))
    }
    if let span = story.span { facts.append(SpanText.fact(span)) }
    facts.append(TextFact("events", Formats.count(summary.events)))
    if story.inventory.threads > 0 {
      facts.append(TextFact("threads", Formats.count(story.inventory.threads)))
    }
    if story.inventory.processes > 1 {
      facts.append(TextFact("processes", Formats.count(story.inventory.processes)))
    }
    if metadata.processID > 0 { facts.append(TextFact("process", "\(metadata.processID)")) }
    if !metadata.allocator.isEmpty { facts.append(TextFact("malloc of", metadata.allocator)) }
    if !story.traceName.isEmpty { facts.append(TextFact("trace", story.traceName)) }
    return facts
  }

  private static func warnings(_ warnings: [String]) -> Markup {
    guard !warnings.isEmpty else { return .empty }
    // A damaged trace may have thousands of things to say; the first ones are enough to doubt it.
    let shown = warnings.prefix(12).map { "<li>\($0)</li>" as Markup }
    let rest = warnings.count - shown.count
    let more: Markup = rest > 0 ? "<li>and \(rest) more</li>" : .empty
    return """
      <aside class="warning" aria-label="Warnings"><strong>Read the figures with care</strong>
      <ul>
      \(Markup(lines: shown + [more]))</ul></aside>

      """
  }

  private static func tiles(_ story: Story) -> Markup {
    guard story.metadata.knowsAddresses, story.recorded.events > 0 else { return .empty }
    let (peak, end) = (story.recorded.atPeak, story.recorded.atEnd)
    let tiles: [(String, String)] = [
      ("\(peak.live)", "live at the peak, \(peak.held) held"),
      ("\(end.live)", "live at the end, \(end.held) held"),
      (Formats.percent(story.recorded.fragmentation.jw3), "held beyond live data at the most held"),
      ("\(end.pinned)", "pinned at the end: no trim returns it"),
      ("\(end.freePageBytes)", "in whole free pages at the end"),
    ]
    let items = tiles.map {
      "<li><b>\($0.0)</b><span>\(Formats.unbroken($0.1))</span></li>" as Markup
    }
    return "<ul class=\"tiles\">\n\(Markup(lines: items))</ul>\n"
  }
}
