// A text document as a page of its own, for what needs no charts.

public import Analysis
import MemoryUnits

extension HTMLReport {
  /// The report of a sampled trace: what the text report says, as a page.
  public static func render(_ story: SampledStory) -> String {
    DocumentPage.render(SampleText.report(story, siteLimit: 100), title: SampleText.title(story))
  }
}

/// Turns the blocks of a document into a page.
enum DocumentPage {
  static func render(_ document: TextDocument, title: String) -> String {
    shell("\(title): memory and its holes", Markup(lines: document.blocks.map(markup))).html
  }

  /// A page without a script around its content.
  static func shell(_ title: String, _ content: Markup) -> Markup {
    """
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="generator" content="Lacuna">
    <title>\(title)</title>
    <style>
    \(PageStyle.sheet)
    </style>
    </head>
    <body>
    <main>
    \(content)</main>
    </body>
    </html>

    """
  }

  private static func markup(_ block: TextBlock) -> Markup {
    switch block {
    case .heading(let text, level: 1): "<h1>\(text)</h1>"
    case .heading(let text, level: 2): "<section><h2>\(text)</h2></section>"
    case .heading(let text, _): "<h3>\(text)</h3>"
    case .paragraph(let text): "<p>\(Formats.unbroken(text))</p>"
    case .warning(let text): "<aside class=\"warning\">\(text)</aside>"
    case .facts(let facts): list(facts)
    case .table(let table): markup(table)
    case .bars(let bars): list(bars.map { TextFact($0.name, $0.figure) })
    case .courses(let courses): list(courses.map { TextFact($0.name, $0.figure) })
    }
  }

  private static func list(_ facts: [TextFact]) -> Markup {
    let items = facts.map { "<div><dt>\($0.name)</dt><dd>\($0.value)</dd></div>" as Markup }
    return "<dl class=\"facts\">\n\(Markup(lines: items))</dl>"
  }

  private static func markup(_ table: TextTable) -> Markup {
    func cell(_ text: String, _ column: TextColumn) -> Markup {
      column.alignment == .left ? "<td>\(text)</td>" : "<td class=\"num\">\(text)</td>"
    }
    let heads = table.columns.map { column -> Markup in
      column.alignment == .left
        ? "<th scope=\"col\">\(column.title)</th>"
        : "<th scope=\"col\" class=\"num\">\(column.title)</th>"
    }
    let rows = table.rows.map { row -> Markup in
      "<tr>\(Markup(zip(row, table.columns).map { cell($0, $1) }))</tr>"
    }
    return """
      <div class="scroll"><table>
      <thead><tr>\(Markup(heads))</tr></thead>
      <tbody>
      \(Markup(lines: rows))</tbody></table></div>
      """
  }
}
