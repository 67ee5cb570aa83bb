// `lacuna pins`: who keeps pages from being returned, in text.

public import Analysis
import MemoryUnits

/// The blame for pinned pages.
public enum PinsText {
  /// A sentence and a table of the first `limit` sites.
  public static func document(_ report: PinReport, limit: Int = 20) -> TextDocument {
    TextDocument([
      .heading(
        "Who pins memory after \(Formats.moment(report.time, countsSteps: report.countsSteps))",
        level: 1),
      .paragraph(
        "\(report.pinned) of free bytes are pinned on \(Formats.counted(report.occupiedPages, "page"))"
          + " in use; \(report.freePageBytes) are whole free pages, which a trim can return."),
    ]).appending(sites(report, limit: limit))
  }

  /// The table alone, with a line on what it leaves out; nothing when there are no sites.
  static func sites(_ report: PinReport, limit: Int) -> TextDocument {
    guard !report.sites.isEmpty else { return TextDocument() }
    let listed = report.sites.prefix(max(limit, 0))
    let shares = LargestRemainder.round(
      report.sites.map(\.pinned), total: report.pinned.rawValue)
    let rows = zip(listed, shares).map { site, share in
      [
        "\(ByteCount(share))", Formats.percent(fraction(ByteCount(share), of: report.pinned)),
        "\(site.sole)", "\(site.live)", Formats.count(site.blocks), Formats.count(site.pages),
        site.frame.function, SiteNames.place(site.frame),
      ]
    }
    var document = TextDocument([
      .table(
        TextTable(
          columns: [
            TextColumn("pinned"), TextColumn("share"), TextColumn("alone"), TextColumn("live"),
            TextColumn("blocks", isMinor: true), TextColumn("pages", isMinor: true),
            TextColumn("function", .left, isFlexible: true),
            TextColumn("where", .left, isFlexible: true, isMinor: true),
          ], rows: rows))
    ])
    let rest = report.sites.count - listed.count
    if rest > 0 {
      document.append(.paragraph("and \(Formats.counted(rest, "more site", plural: "more sites"))"))
    }
    return document
  }
}

/// How a call site is named.
enum SiteNames {
  /// `file.c:12`, or the module where no line is known.
  static func place(_ frame: NamedFrame) -> String {
    guard let file = frame.file, !file.isEmpty else { return frame.module }
    let name = file.split(separator: "/").last.map(String.init) ?? file
    return frame.line.map { "\(name):\($0)" } ?? name
  }
}

extension TextDocument {
  func appending(_ document: TextDocument) -> TextDocument {
    var result = self
    result.append(contentsOf: document)
    return result
  }
}
