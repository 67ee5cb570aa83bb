// Would another allocator help: the same requests through other heaps, ranked.

import Analysis
import MemoryUnits

enum CompareSection {
  static func content(_ story: Story) -> Markup {
    guard !story.heaps.isEmpty else { return .empty }
    let ranking = Ranking(story.heaps)
    return plot(ranking) + table(ranking) + "<p class=\"note\">\(CompareText.caveat)</p>\n"
  }

  private static func plot(_ ranking: Ranking) -> Markup {
    let bound = ranking.heaps.map(\.measures.peakLive).max() ?? .zero
    let chart = DotPlot(
      id: "heaps", title: "Resident memory of each heap",
      description: "Peak and mean resident bytes of each heap, the lowest peak first.",
      rows: ranking.heaps.prefix(40).map { heap in
        let measures = heap.measures
        return DotPlot.Row(
          name: measures.allocator, peak: Double(measures.peakResident.rawValue),
          mean: Double(measures.meanResident.rawValue), isRecorded: heap.isRecorded,
          words: "\(measures.allocator): peak \(measures.peakResident), mean"
            + " \(measures.meanResident)")
      }, bound: Double(bound.rawValue))
    let recorded: Markup =
      ranking.recorded == nil
      ? .empty : "<li><span class=\"swatch round k-held\"></span>as recorded</li>"
    return """
      <figure>
      <figcaption><b>Resident memory of each heap</b>, modelled, for the same requests.</figcaption>
      <ul class="legend"><li><span class="swatch round k-live"></span>peak</li>\(recorded)\
      <li><span class="swatch round hollow"></span>mean over time</li></ul>
      \(Markup(ChartSize.allCases.map(chart.svg)))</figure>

      """
  }

  private static func table(_ ranking: Ranking) -> Markup {
    """
    <div class="scroll"><table>
    <thead><tr><th scope="col" class="num">#</th><th scope="col">heap</th>\
    <th scope="col" class="num">peak resident</th><th scope="col" class="num">to recorded</th>\
    <th scope="col" class="num">mean resident</th><th scope="col" class="num minor">peak held</th>\
    <th scope="col" class="num minor">JW1</th><th scope="col" class="num minor">JW2</th>\
    <th scope="col" class="num minor">JW3</th><th scope="col" class="num minor">JW4</th>\
    <th scope="col" class="num minor">holes, peak</th><th scope="col" class="num minor">holes, end</th>\
    <th scope="col" class="num minor">holes inspected</th></tr></thead>
    <tbody>
    \(Markup(lines: ranking.heaps.map(row)))</tbody></table></div>

    """
  }

  private static func row(_ heap: RankedHeap) -> Markup {
    let measures = heap.measures
    let figures = [
      measures.fragmentation.jw1, measures.fragmentation.jw2, measures.fragmentation.jw3,
      measures.fragmentation.jw4,
    ].map { "<td class=\"num minor\">\(Formats.percent($0))</td>" as Markup }
    let direction = heap.difference.map { $0 < .zero ? "better" : $0 > .zero ? "worse" : "" } ?? ""
    return """
      <tr class="\(heap.isRecorded ? "recorded" : "")"><td class="num">\(heap.rank)</td>\
      <th scope="row"><code>\(measures.allocator)</code></th>\
      <td class="num">\(measures.peakResident)</td>\
      <td class="num \(direction)" title="\(heap.difference.map(Formats.signedBytes) ?? "")">\
      \(heap.isRecorded ? "" : Formats.signedPercent(heap.relative))</td>\
      <td class="num">\(measures.meanResident)</td>\
      <td class="num minor">\(measures.peakHeld)</td>\(Markup(figures))\
      <td class="num minor">\(measures.atPeak.holeBytes)</td>\
      <td class="num minor">\(measures.atEnd.holeBytes)</td>\
      <td class="num minor">\(work(measures.holesInspected))</td></tr>
      """
  }

  private static func work(_ count: UInt64) -> String { count == 0 ? "–" : Formats.count(count) }
}
