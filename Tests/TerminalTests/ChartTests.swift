// Charts made of characters.

import Terminal
import TestSupport
import Testing

@Suite struct ChartTests {
  @Test("a sparkline has one bar a value, scaled to the largest")
  func sparkline() {
    let line = Sparkline(isUnicode: true)
    #expect(line.render([0, 1, 2, 3, 4, 5, 6, 7, 8], columns: 20) == " ▁▂▃▄▅▆▇█")
    #expect(line.render([0, 0.001, 8], columns: 20) == " ▁█")
    #expect(Sparkline(isUnicode: false).render([0, 1, 2, 3, 4], columns: 20) == " .:|#")
    #expect(line.render([0, 0], columns: 20) == "  ")
    #expect(line.render([], columns: 20).isEmpty)
    #expect(line.render([1, 2], columns: 0).isEmpty)
  }

  @Test("values that are no numbers, negative or infinite do no harm")
  func oddValues() {
    let line = Sparkline(isUnicode: true)
    #expect(line.render([.nan, -1, 4, .infinity], columns: 9) == "  ██")
    #expect(line.render([.nan, .nan], columns: 9) == "  ")
    #expect(line.render([-3, -1], columns: 9) == "  ")
    let timeline = Timeline(live: [.nan, -1, .infinity], held: [1, 2, .nan])
    #expect(!timeline.render(columns: 3, rows: 2, isUnicode: true).isEmpty)
  }

  @Test("with too many values each bar shows the largest of its share")
  func peaksSurvive() {
    var random = SeededRandom(seed: 3)
    for _ in 0..<200 {
      let count = Int.random(in: 1...300, using: &random)
      let columns = Int.random(in: 1...80, using: &random)
      var values = [Double](repeating: 0, count: count)
      let peak = Int.random(in: 0..<count, using: &random)
      values[peak] = 5
      let line = Array(Sparkline(isUnicode: true).render(values, columns: columns))
      #expect(line.count == min(count, columns))
      #expect(line.filter { $0 == "█" }.count == 1)
      if count > columns, let place = line.firstIndex(of: "█") {
        #expect(place * count / columns <= peak && peak < (place + 1) * count / columns)
      }
    }
  }

  @Test("bars in rows, with labels and notes in columns")
  func bars() {
    let chart = BarChart(rows: [
      .init(label: "16", value: 8, note: "8 blocks"), .init(label: "1024", value: 4, note: "4"),
      .init(label: "字\n", value: 0, note: "none"), .init(label: "x", value: 0.01),
    ])
    let lines = [
      "  16  ████████  8 blocks", "1024  ████      4", "字\\n            none", "   x  ▏", "",
    ]
    #expect(chart.render(columns: 8, isUnicode: true) == lines.joined(separator: "\n"))
    #expect(
      BarChart(rows: [.init(label: "a", value: 3, note: "n"), .init(label: "b", value: 1)])
        .render(columns: 6, isUnicode: false) == "a  ######  n\nb  ##\n")
    #expect(BarChart(rows: []).render(columns: 6, isUnicode: true).isEmpty)
  }

  @Test("eighths of a column")
  func eighths() {
    let rows = (0...16).map { BarChart.Row(label: "", value: Double($0)) }
    let lines = BarChart(rows: rows).render(columns: 2, isUnicode: true)
      .split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    let expected = [
      "", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█", "█▏", "█▎", "█▍", "█▌", "█▋", "█▊", "█▉", "██",
    ]
    #expect(lines.map { $0.drop { $0 == " " } }.map(String.init) == expected)
  }

  @Test("what lives is drawn solid within what is held")
  func timeline() {
    let timeline = Timeline(live: [1, 2, 1, 0], held: [1, 3, 3, 4])
    let lines = ["   ░", " ░░░", " █░░", "███░", ""]
    #expect(timeline.render(columns: 10, rows: 4, isUnicode: true) == lines.joined(separator: "\n"))
    #expect(
      timeline.render(columns: 10, rows: 2, isUnicode: false) == " ...\n###.\n")
  }
}
