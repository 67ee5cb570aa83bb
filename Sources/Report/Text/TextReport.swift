// `lacuna report` on a terminal: the whole story in text, compactly.

public import Analysis
import MemoryUnits
import Trace

/// The report of one trace in text.
public enum TextReport {
  /// The five questions, each with its answer and the figures behind it; the first `siteLimit`
  /// call sites.
  public static func document(_ story: Story, siteLimit: Int = 10) -> TextDocument {
    let findings = Findings(story)
    var document = TextDocument([.heading(title(story), level: 1)])
    for warning in findings.warnings { document.append(.warning(warning)) }
    document.append(.paragraph(findings.headline))
    document.append(.facts(facts(story)))
    let knowsHeap = story.metadata.knowsAddresses && story.recorded.events > 0

    document.append(.heading("Where did the memory go?", level: 2))
    document.append(.paragraph(findings.whereItWent))
    if knowsHeap {
      document.append(courses(story))
      document.append(ReplayText.snapshots(story.recorded))
    }
    document.append(.heading("Who pins it?", level: 2))
    document.append(.paragraph(findings.whoPins))
    if knowsHeap {
      append(story.pinsAtPeak, "At the peak", siteLimit, to: &document)
      append(story.pinsAtEnd, "At the end", siteLimit, to: &document)
    }
    document.append(.heading("Would trimming help?", level: 2))
    document.append(.paragraph(findings.wouldTrimHelp))
    if knowsHeap { document.append(trimming(story.recorded)) }
    document.append(.heading("Would another allocator help?", level: 2))
    document.append(.paragraph(findings.wouldAnotherHelp))
    if !story.heaps.isEmpty {
      document.append(CompareText.table(story.heaps))
      document.append(.paragraph(CompareText.caveat + CompareText.headers(story)))
    }
    document.append(.heading("Is it getting worse?", level: 2))
    document.append(.paragraph(findings.isItWorse))
    return document
  }

  /// The name of the program, or of the trace where no program is known.
  static func title(_ story: Story) -> String {
    let program = story.metadata.command.first ?? story.metadata.executable
    let name = program.split(separator: "/").last.map(String.init) ?? ""
    return name.isEmpty ? (story.traceName.isEmpty ? "Trace" : story.traceName) : name
  }

  private static func facts(_ story: Story) -> [TextFact] {
    var facts = InfoText.origin(story.metadata).filter {
      $0.name == "command" || $0.name == "recorded"
    }
    facts.append(TextFact("duration", Formats.length(story.summary, story.metadata)))
    facts.append(TextFact("events", Formats.count(story.summary.events)))
    if story.inventory.threads > 0 {
      facts.append(TextFact("threads", Formats.count(story.inventory.threads)))
    }
    return facts
  }

  private static func courses(_ story: Story) -> TextBlock {
    let timeline = story.recorded.course
    let peak = timeline.map { max($0.held, $0.live, $0.resident) }.max() ?? .zero
    func course(_ name: String, _ key: KeyPath<TimelinePoint, ByteCount>) -> TextCourse {
      let most = timeline.map { $0[keyPath: key] }.max() ?? .zero
      return TextCourse(
        name, fractions: timeline.map { fraction($0[keyPath: key], of: peak) ?? 0 },
        figure: "max \(most)")
    }
    return .courses([
      course("live", \.live), course("held", \.held), course("resident", \.resident),
      course("holes", \.holeBytes),
    ])
  }

  private static func append(
    _ report: PinReport, _ title: String, _ limit: Int, to document: inout TextDocument
  ) {
    guard !report.sites.isEmpty else { return }
    let moment = Formats.moment(report.time, countsSteps: report.countsSteps)
    document.append(.heading("\(title), after \(moment)", level: 3))
    document.append(contentsOf: PinsText.sites(report, limit: limit))
  }

  private static func trimming(_ heap: HeapMeasures) -> TextBlock {
    let whole = max(heap.atPeak.held, heap.atEnd.held)
    func bar(_ name: String, _ bytes: ByteCount) -> TextBar {
      TextBar(name, fraction: fraction(bytes, of: whole) ?? 0, figure: "\(bytes)")
    }
    return .bars([
      bar("whole free pages, peak", heap.atPeak.freePageBytes),
      bar("pinned, peak", heap.atPeak.pinned),
      bar("whole free pages, end", heap.atEnd.freePageBytes),
      bar("pinned, end", heap.atEnd.pinned),
    ])
  }
}
