// The report as one HTML file: the order of the page, its head, its header and its footer.

public import Analysis
import MemoryUnits
import Trace

/// The report of one trace as a self-contained page: styles, pictures and the little script are in
/// it, and nothing is fetched from anywhere, which the page itself forbids.
public enum HTMLReport {
  /// The whole page.
  ///
  /// Deterministic: it shows no time of the replay and none of the rendering.
  ///
  /// - Complexity: linear in the story; tables show at most 100 call sites, charts at most about
  ///   800 points a line.
  public static func render(_ story: Story) -> String {
    let findings = Findings(story)
    let name = TextReport.title(story)
    let page: Markup = """
      <!doctype html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="generator" content="Lacuna">
      <title>\(name): memory and its holes</title>
      <style>
      \(PageStyle.sheet)
      </style>
      </head>
      <body>
      <main>
      \(header(story, name: name, findings))\
      \(contents(findings))\
      \(sections(story, findings))\
      \(footer(story))</main>
      <script>
      \(PageStyle.script)
      </script>
      </body>
      </html>

      """
    return page.html
  }

  private static func sections(_ story: Story, _ findings: Findings) -> Markup {
    let knowsHeap = story.metadata.knowsAddresses && story.recorded.events > 0
    func section(_ question: Question, _ answer: String, _ content: Markup) -> Markup {
      """
      <section id="\(question.rawValue)">
      <h2>\(question.text)</h2>
      <p class="answer">\(Formats.unbroken(answer))</p>
      \(content)</section>

      """
    }
    return Markup([
      section(
        .whereItWent, findings.whereItWent, knowsHeap ? WhereSection.content(story) : .empty),
      section(.whoPins, findings.whoPins, knowsHeap ? PinsSection.content(story) : .empty),
      section(
        .trimming, findings.wouldTrimHelp, knowsHeap ? TrimSection.content(story.recorded) : .empty),
      section(.another, findings.wouldAnotherHelp, CompareSection.content(story)),
      section(.worse, findings.isItWorse, knowsHeap ? TrendSection.content(story) : .empty),
    ])
  }

  /// The questions, in the order of the page.
  enum Question: String, CaseIterable {
    case whereItWent = "where"
    case whoPins = "pins"
    case trimming = "trim"
    case another = "compare"
    case worse = "trend"

    var text: String {
      switch self {
      case .whereItWent: "Where did the memory go?"
      case .whoPins: "Who pins it?"
      case .trimming: "Would trimming help?"
      case .another: "Would another allocator help?"
      case .worse: "Is it getting worse?"
      }
    }
  }

  private static func contents(_ findings: Findings) -> Markup {
    let answers = [
      findings.whereItWent, findings.whoPins, findings.wouldTrimHelp, findings.wouldAnotherHelp,
      findings.isItWorse,
    ]
    let items = zip(Question.allCases, answers).map { question, answer -> Markup in
      "<li><a href=\"#\(question.rawValue)\">\(question.text)</a><p>\(Formats.unbroken(answer))</p></li>"
    }
    return "<nav aria-label=\"Questions\">\n<ol>\n\(Markup(lines: items))</ol>\n</nav>\n"
  }
}
