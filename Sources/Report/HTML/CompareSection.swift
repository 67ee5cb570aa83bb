// Would another allocator help: the same requests through other heaps, ranked.

import Analysis
import MemoryUnits

enum CompareSection {
  static func content(_ story: Story) -> Markup {
    content(story.heaps, CompareText.headers(story))
  }

  /// Plots and tables of heaps.
  ///
  /// - Parameter note: what else there is to say, with a space before it.
  static func content(_ heaps: [HeapMeasures], _ note: String = "") -> Markup {
    guard !heaps.isEmpty else { return .empty }
    let ranking = Ranking(heaps)
    return plot(ranking) + CourseGrid.figure(ranking) + table(ranking)
      + "<p class=\"note\">\(CompareText.bound(ranking)) \(CompareText.definitions)"
      + " \(CompareText.caveat)\(note)</p>\n"
  }

  private static func plot(_ ranking: Ranking) -> Markup {
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
      }, bound: Double(ranking.peakLive.rawValue))
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
    let figures = WorkFigure.shown(ranking.heaps.map(\.measures))
    let titles = figures.map { "<th scope=\"col\" class=\"num\">\($0.title)</th>" as Markup }
    return """
      <div class="scroll"><table class="heaps">
      <thead><tr><th scope="col" class="num">#</th><th scope="col">heap</th>\
      <th scope="col" class="num">peak resident</th><th scope="col" class="num">to recorded</th>\
      <th scope="col" class="num minor">mean resident</th><th scope="col" class="num minor">peak held</th>\
      <th scope="col" class="num minor">to bound</th>\
      <th scope="col" class="num minor">in holes, peak</th>\
      <th scope="col" class="num minor">in holes, end</th></tr></thead>
      <tbody>
      \(Markup(lines: ranking.heaps.map(memoryRow)))</tbody></table></div>
      <h3>Fragmentation and work</h3>
      <div class="scroll"><table class="heaps">
      <thead><tr><th scope="col">heap</th><th scope="col" class="num">JW1</th>\
      <th scope="col" class="num">JW2</th><th scope="col" class="num">JW3</th>\
      <th scope="col" class="num">JW4</th>\(Markup(titles))</tr></thead>
      <tbody>
      \(Markup(lines: ranking.heaps.map { workRow($0, figures) }))</tbody></table></div>

      """
  }

  private static func memoryRow(_ heap: RankedHeap) -> Markup {
    let measures = heap.measures
    let direction = heap.difference.map { $0 < .zero ? "better" : $0 > .zero ? "worse" : "" } ?? ""
    return """
      <tr class="\(heap.isRecorded ? "recorded" : "")"><td class="num">\(heap.rank)</td>\
      <th scope="row"><code>\(measures.allocator)</code></th>\
      <td class="num">\(measures.peakResident)</td>\
      <td class="num \(direction)" title="\(heap.difference.map(Formats.signedBytes) ?? "")">\
      \(heap.isRecorded ? "" : Formats.signedPercent(heap.relative))</td>\
      <td class="num minor">\(measures.meanResident)</td>\
      <td class="num minor">\(measures.peakHeld)</td>\
      <td class="num minor">\(Formats.signedPercent(heap.overBound))</td>\
      <td class="num minor">\(measures.atPeak.holeBytes)</td>\
      <td class="num minor">\(measures.atEnd.holeBytes)</td></tr>
      """
  }

  private static func workRow(_ heap: RankedHeap, _ work: [WorkFigure]) -> Markup {
    let measures = heap.measures
    let figures = [
      measures.fragmentation.jw1, measures.fragmentation.jw2, measures.fragmentation.jw3,
      measures.fragmentation.jw4,
    ].map(Formats.percent)
    // What really happened was not counted: a dash, not a zero.
    let counts = work.map { heap.isRecorded ? "–" : $0.text(measures.work) }
    let cells = (figures + counts).map { "<td class=\"num\">\($0)</td>" as Markup }
    return """
      <tr class="\(heap.isRecorded ? "recorded" : "")">\
      <th scope="row"><code>\(measures.allocator)</code></th>\(Markup(cells))</tr>
      """
  }
}
