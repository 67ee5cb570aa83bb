// Who pins it: call sites with their shares, how full pages are, how large holes are.

import Analysis
import MemoryUnits

enum PinsSection {
  /// At most so many sites are listed; the first ones openly, the others on demand.
  private static let most = 100
  private static let open = 12

  static func content(_ story: Story) -> Markup {
    Markup([
      sites(story.pinsAtPeak, title: "At the peak"), sites(story.pinsAtEnd, title: "At the end"),
      HoleCharts.content(story.recorded),
    ])
  }

  private static func sites(_ report: PinReport, title: String) -> Markup {
    let moment = Formats.moment(report.time, countsSteps: report.countsSteps)
    let heading: Markup = "<h3>\(title), after \(moment)</h3>\n"
    guard !report.sites.isEmpty else {
      return heading + "<p class=\"note\">No call site holds a page.</p>\n"
    }
    let shares = LargestRemainder.round(
      report.sites.map(\.pinned), total: report.pinned.rawValue
    ).map { ByteCount($0) }
    let rows: [Markup] = zip(report.sites.prefix(most), shares).map { site, share in
      row(site, share: share, of: report.pinned)
    }
    var result = heading + table(Array(rows.prefix(open)), caption: summary(report))
    if rows.count > open {
      result += """
        <details class="more"><summary>\(Formats.counted(rows.count - open, "more call site"))</summary>
        \(table(Array(rows.dropFirst(open)), caption: nil))</details>

        """
    }
    let rest = report.sites.count - rows.count
    if rest > 0 {
      let others = Formats.counted(rest, "more site", plural: "more sites")
      let bytes = shares[rows.count...].reduce(ByteCount.zero, +)
      result += """
        <p class="note">\(Formats.unbroken("and \(others), which together keep \(bytes)"))</p>

        """
    }
    return result
  }

  private static func summary(_ report: PinReport) -> String {
    "\(report.pinned) pinned on \(Formats.counted(report.occupiedPages, "page")) in use, by"
      + " \(Formats.counted(report.sites.count, "call site")). Open a name to see its whole stack."
  }

  private static func table(_ rows: [Markup], caption: String?) -> Markup {
    let caption: Markup = caption.map { "<caption>\($0)</caption>\n" } ?? .empty
    return """
      <div class="scroll"><table class="sites">
      \(caption)<thead><tr><th scope="col" class="site">call site</th>\
      <th scope="col" class="share">share of pinned</th>\
      <th scope="col" class="num figure minor">alone</th><th scope="col" class="num figure minor">live</th>\
      <th scope="col" class="num count minor">blocks</th>\
      <th scope="col" class="num count minor">pages</th></tr></thead>
      <tbody>
      \(Markup(lines: rows))</tbody></table></div>

      """
  }

  private static func row(_ site: PinnedSite, share: ByteCount, of whole: ByteCount) -> Markup {
    let part = fraction(share, of: whole) ?? 0
    let width = Formats.decimal(min(max(part, 0), 1) * 100, places: 1)
    return """
      <tr><td class="site">\(name(site))</td>\
      <td class="num share" style="--part:\(width)%">\(share)<small>\(Formats.percent(part))</small></td>\
      <td class="num minor">\(site.sole)</td><td class="num minor">\(site.live)</td>\
      <td class="num minor">\(Formats.count(site.blocks))</td>\
      <td class="num minor">\(Formats.count(site.pages))</td></tr>
      """
  }

  private static func name(_ site: PinnedSite) -> Markup {
    let place = SiteNames.place(site.frame)
    let placed: Markup =
      place.isEmpty || place == site.frame.function
      ? .empty : "<span class=\"place\">\(place)</span>"
    let name: Markup = "<code>\(site.frame.function)</code>\(placed)"
    guard !site.stack.isEmpty else { return name }
    let amounts = Formats.unbroken(
      "\(site.live) in \(Formats.counted(site.blocks, "block")) on"
        + " \(Formats.counted(site.pages, "page")); \(site.sole) pinned by this site alone")
    // A runaway recursion may be as deep as the limit of capture.
    let frames = site.stack.prefix(200).map { frame -> Markup in
      "<li><code>\(frame.function)</code> \(SiteNames.place(frame))</li>"
    }
    return """
      <details><summary>\(name)</summary><p class="amounts">\(amounts)</p><ol class="frames">
      \(Markup(lines: frames))</ol></details>
      """
  }
}
