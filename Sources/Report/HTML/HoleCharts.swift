// How full pages are and how large holes are, at the peak and at the end.

import Analysis
import MemoryUnits

enum HoleCharts {
  static func content(_ heap: HeapMeasures) -> Markup {
    let legend: Markup = """
      <ul class="legend"><li><span class="swatch k-live"></span>at the peak</li>\
      <li><span class="swatch k-free"></span>at the end</li></ul>

      """
    return """
      <h3>Pages and holes</h3>
      \(legend)\(occupancy(heap))<div class="pair">
      \(holes(heap))</div>

      """
  }

  private static func figure(_ picture: Markup, _ caption: Markup) -> Markup {
    "<figure>\n<figcaption>\(caption)</figcaption>\n\(picture)</figure>\n"
  }

  private static func occupancy(_ heap: HeapMeasures) -> Markup {
    let (peak, end) = (heap.atPeak.pageOccupancy, heap.atEnd.pageOccupancy)
    func pages(_ bucket: Int, _ histogram: [Int]) -> Double {
      histogram.indices.contains(bucket) ? Double(histogram[bucket]) : 0
    }
    guard (peak + end).contains(where: { $0 > 0 }) else { return .empty }
    let classes = (0..<16).map { bucket in
      let (from, to) = (Double(bucket) / 16, Double(bucket + 1) / 16)
      return BarChart.Class(
        label: Formats.decimal(from * 100, places: 0) + " %",
        range: "Pages of which more than \(Formats.shortest(from * 100)) % and at most"
          + " \(Formats.shortest(to * 100)) % live",
        peak: pages(bucket, peak), end: pages(bucket, end))
    }
    let chart = BarChart(
      id: "occupancy", title: "Pages by how full they are",
      description: "Pages in use in sixteen classes, from nearly empty to full.",
      xTitle: "live part of the page", classes: classes, lastLabel: "100 %", labelStride: 4,
      ticks: { AxisTicks.counts(upTo: $0) }, format: { Formats.count(clamping: $0) })
    return figure(
      Markup(ChartSize.allCases.map { chart.svg($0) }),
      "<b>Pages by how full they are.</b> Those at the left are kept for little.")
  }

  private static func holes(_ heap: HeapMeasures) -> Markup {
    let sizes = HoleSizes(peak: heap.atPeak.holeHistogram, end: heap.atEnd.holeHistogram)
    guard !sizes.exponents.isEmpty else { return "<p class=\"note\">There are no holes.</p>\n" }
    func classes(_ value: (HoleBucket) -> Double) -> [BarChart.Class] {
      sizes.exponents.map { exponent in
        BarChart.Class(
          label: HoleSizes.label(exponent), range: "Holes of \(HoleSizes.range(exponent))",
          peak: value(sizes.atPeak(exponent)), end: value(sizes.atEnd(exponent)))
      }
    }
    let lastLabel = HoleSizes.label(sizes.exponents.upperBound)
    let counts = BarChart(
      id: "hole-counts", title: "Holes by size",
      description: "How many holes there are of each power of two.", xTitle: "size of the hole",
      classes: classes { Double($0.count) }, lastLabel: lastLabel,
      ticks: { AxisTicks.counts(upTo: $0) }, format: { Formats.count(clamping: $0) })
    let bytes = BarChart(
      id: "hole-bytes", title: "Hole bytes by size",
      description: "How many bytes the holes of each power of two have together.",
      xTitle: "size of the hole", classes: classes { Double($0.bytes.rawValue) },
      lastLabel: lastLabel, ticks: { AxisTicks.bytes(upTo: $0) },
      format: { "\(ByteCount(clamping: $0))" })
    return figure(counts.svg(), "<b>Holes by size.</b> Many small ones are usual.")
      + figure(bytes.svg(), "<b>Hole bytes by size.</b> Where the free bytes are.")
  }
}
