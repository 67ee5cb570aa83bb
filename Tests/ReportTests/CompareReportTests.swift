// Heaps side by side: bounds, counters that only some heaps have, the page.

import Allocators
import Analysis
import Foundation
import MemoryUnits
import Report
import Testing
import Trace

@Suite struct CompareReportTests {
  private func heap(
    _ name: String, live: Int64 = 1000, held: Int64, resident: Int64, work: Work = Work()
  ) -> HeapMeasures {
    var heap = HeapMeasures(allocator: name)
    heap.peakLive = ByteCount(live)
    heap.peakHeld = ByteCount(held)
    heap.peakResident = ByteCount(resident)
    heap.meanResident = ByteCount(resident / 2)
    heap.work = work
    heap.timeline = [0, 1, 2].map { moment in
      TimelinePoint(
        time: Timestamp(nanoseconds: moment), live: ByteCount(live), granted: ByteCount(live),
        held: ByteCount(held), resident: ByteCount(resident), holeBytes: .zero, holes: 0)
    }
    return heap
  }

  /// What the terminal shows, with single spaces in place of where its lines end.
  private func text(_ heaps: [HeapMeasures]) -> String {
    CompareText.document(heaps).text().split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }

  @Test("the most that lives is the bound; what knows all lifetimes is named beside it")
  func bounds() throws {
    let heaps = [heap("first-fit", held: 1250, resident: 8192)]
    #expect(text(heaps).contains("At most 0.98 KiB of requested bytes live at a time"))
    #expect(!text(heaps).contains("Knowing all lifetimes"))
    #expect(text(heaps).contains("+25 %"))
    let more = heaps + [heap("offline-optimum(order=size)", held: 1040, resident: 4096)]
    #expect(text(more).contains("Knowing all lifetimes beforehand, 1.02 KiB are enough."))
    let json = try JSONSerialization.jsonObject(with: Data(CompareJSON.render(more).utf8))
    let object = try #require(json as? [String: Any])
    let bounds = try #require(object["bounds"] as? [String: Any])
    #expect(bounds["liveBytes"] as? Int == 1000)
    #expect(bounds["optimumBytes"] as? Int == 1040)
    let results = try #require(object["results"] as? [[String: Any]])
    #expect(results.map { $0["rank"] as? Int } == [1, 2])
    #expect(results.map { $0["heldToBound"] as? Double } == [0.04, 0.25])
    #expect(results.allSatisfy { $0["residentToRecorded"] is NSNull })
  }

  @Test("a counter is shown where some heap has it, and of what really happened there is none")
  func counters() throws {
    let titles = [
      "list steps", "blocks moved", "bytes moved", "refills", "flushes", "failures",
    ]
    let plain = [heap("recorded", held: 2000, resident: 4096), heap("buddy", held: 2, resident: 1)]
    for title in titles { #expect(!text(plain).contains(title)) }
    for title in ["inspected", "splits", "merges", "copied"] {
      #expect(text(plain).contains(title))
    }
    var work = Work()
    work.refills = 17
    work.bytesRelocated = 4096
    let other = plain + [heap("thread-cache/buddy", held: 3, resident: 2, work: work)]
    for title in titles {
      #expect(
        text(other).contains(title) == ["refills", "bytes moved"].contains(title), "\(title)")
    }
    let lines = CompareText.document(other).text().split(separator: "\n")
    #expect(lines.contains { $0.contains("thread-cache/buddy") && $0.contains("17") })
    #expect(lines.contains { $0.contains("recorded") && $0.contains("–") && !$0.contains("0 B") })
    #expect(ReplayText.document(other[2]).text().contains("17 refills of caches"))
  }

  @Test("the page draws every heap and lets no name act in it")
  func page() {
    let heaps = [
      heap("recorded", held: 2000, resident: 8192), heap("first-fit", held: 1500, resident: 4096),
    ]
    var metadata = TraceMetadata()
    metadata.command = ["./a<b>", "&"]
    let page = ComparePage.render(heaps, trace: "<i>.trace", metadata: metadata)
    #expect(page.contains("first-fit needs least: 4.00\u{A0}KiB at its peak, -50\u{A0}% to the"))
    #expect(page.components(separatedBy: "<svg class=\"course\"").count == 3)
    #expect(page.contains("./a&lt;b&gt; &amp;"))
    #expect(!page.contains("<i>"))
    #expect(!page.contains("<script"))
    #expect(ComparePage.render([], trace: "a", metadata: metadata).contains("no heaps to compare"))
  }
}
