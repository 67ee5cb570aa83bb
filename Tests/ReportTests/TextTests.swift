// Text reports: nothing wider than asked for, nothing that steers a terminal.

import Analysis
import MemoryUnits
import Testing
import Trace

@testable import Report

@Suite struct TextTests {
  private func documents(_ story: Story) -> [TextDocument] {
    [
      TextReport.document(story), PinsText.document(story.pinsAtEnd),
      ReplayText.document(story.recorded), CompareText.document(story.heaps),
      InfoText.document(
        traceName: story.traceName, metadata: story.metadata, summary: story.summary,
        inventory: story.inventory),
    ]
  }

  /// Columns as counted by hand for the texts of these stories.
  private func columns(_ line: Substring) -> Int {
    line.reduce(0) { $0 + ("漢字テスト".contains($1) ? 2 : 1) }
  }

  @Test("no line is wider than the width", arguments: Stories.strangeNames)
  func widths(name: String) {
    for document in documents(Stories.strange(name)) {
      for width in [20, 33, 47, 60, 80, 100, 132, 200] {
        for line in document.text(TextLook(width: width)).split(separator: "\n") {
          #expect(columns(line) <= width, "\(width): \(line)")
          #expect(line.last != " ")
        }
      }
    }
  }

  @Test("nothing in it acts on a terminal", arguments: Stories.strangeNames)
  func harmless(name: String) {
    for document in documents(Stories.strange(name)) {
      let acting = document.text(TextLook(width: 80)).unicodeScalars.filter { scalar in
        scalar.value < 32 && scalar != "\n" || scalar.value == 127
          || (128..<160).contains(scalar.value)
          || scalar.value == 0x202E
      }
      #expect(acting.isEmpty)
    }
  }

  @Test("lays out a table by hand")
  func table() {
    let document = TextDocument([
      .table(
        TextTable(
          columns: [
            TextColumn("name", .left, isFlexible: true), TextColumn("size"),
            TextColumn("extra", isMinor: true),
          ],
          rows: [["alpha", "1 B", "x"], ["a long name of twenty-six!", "12 KiB"]]))
    ])
    #expect(
      document.text(TextLook(width: 80)) == """
        name                          size  extra
        ──────────────────────────  ──────  ─────
        alpha                          1 B      x
        a long name of twenty-six!  12 KiB

        """)
    #expect(
      document.text(TextLook(width: 24)) == """
        name                size
        ────────────────  ──────
        alpha                1 B
        a long name of …  12 KiB

        """)
  }

  @Test("draws bars in eighths and courses in eight heights")
  func charts() {
    let document = TextDocument([
      .bars([
        TextBar("a", fraction: 1, figure: "8"), TextBar("b", fraction: 1.0 / 16, figure: "0.5"),
      ]),
      .courses([TextCourse("c", fractions: [0, 0.5, 1, .nan], figure: "")]),
    ])
    #expect(
      document.text(TextLook(width: 20))
        == """
        a  ████████████    8
        b  ▊             0.5

        c  ▁▁▁▁▅▅▅▅████▁▁▁

        """)
  }

  @Test("wraps at spaces and cuts words that are too long")
  func wraps() {
    #expect("a bb ccc".wrapped(to: 4) == ["a bb", "ccc"])
    #expect("abcdefghij kl".wrapped(to: 4) == ["abcd", "efgh", "ij", "kl"])
    #expect("".wrapped(to: 4) == [])
    #expect("漢字漢字".wrapped(to: 5) == ["漢字", "漢字"])
    #expect("漢字漢字".shortened(to: 5) == "漢字…")
    #expect("漢字漢字".shortened(to: 4) == "漢…")
    #expect("abc".shortened(to: 0) == "")
    #expect("e\u{301}tude".columns == 5)
  }

  @Test("lists so many sites and counts the others")
  func limit() {
    let text = PinsText.document(Stories.plausible(sites: 23).pinsAtEnd, limit: 5).text()
    #expect(text.contains("parse_document"))
    #expect(text.contains("and 18 more sites"))
    #expect(!PinsText.document(Stories.plausible(sites: 3).pinsAtEnd).text().contains("more"))
  }

  @Test("answers the five questions in order, warnings first")
  func order() throws {
    var story = Stories.plausible()
    story.summary.lostEvents = 5
    let text = TextReport.document(story).text(TextLook(width: 100))
    let parts = [
      "indexer\n=======", "! 5 requests were", "At the peak the heap held",
      "Where did the memory go?", "Who pins it?", "Would trimming help?",
      "Would another allocator help?", "Is it getting worse?",
    ]
    var rest = Substring(text)
    for part in parts {
      let range = try #require(rest.firstRange(of: part), "\(part)")
      rest = rest[range.upperBound...]
    }
  }

  @Test("fills short rows and cuts long ones")
  func rows() {
    let columns = [TextColumn("a"), TextColumn("b")]
    let table = TextTable(columns: columns, rows: [["1"], ["1", "2", "3"]])
    #expect(table.rows == [["1", ""], ["1", "2"]])
  }

  @Test("a recording that began in the midst says what that means for its figures")
  func startsInMidst() {
    var story = Stories.plausible()
    story.summary.freesOfEarlierBlocks = 1_234
    let before = TextReport.document(story).text(TextLook(width: 400))
    #expect(!before.contains("upper bounds"))
    story.metadata.startsInMidst = true
    let after = TextReport.document(story).text(TextLook(width: 400))
    #expect(after.contains("of which 1,234 were freed since"))
    #expect(after.contains("holes and pinned bytes are upper bounds"))
  }
}
