// What the report says in words, and the figures behind it, against small cases worked out by hand.

import Analysis
import MemoryUnits
import Testing
import Trace

@testable import Report

@Suite struct FindingsTests {
  private func timeline(_ points: [(UInt64, Int, Int, Int)]) -> [TimelinePoint] {
    points.map { time, live, held, holes in
      TimelinePoint(
        time: Timestamp(nanoseconds: time), live: ByteCount(live), granted: ByteCount(live),
        held: ByteCount(held), resident: ByteCount(held), holeBytes: ByteCount(holes), holes: 1)
    }
  }

  @Test("weighs the thirds of a run by time")
  func thirds() throws {
    // Live falls evenly from 90 to 0 while 100 are held; holes appear in the last third only.
    let course = timeline([(0, 90, 100, 0), (60, 30, 100, 0), (90, 0, 100, 60)])
    let trend = try #require(Trend(course))
    // Over 0..<30 live runs from 90 to 60, over 60..<90 from 30 to 0.
    #expect(trend.first == TrendPart(live: 75, held: 100, holeBytes: 0))
    #expect(trend.last == TrendPart(live: 15, held: 100, holeBytes: 30))
    #expect(trend.first.utilisation == 0.75)
    #expect(trend.verdict == .worse)
    #expect(trend.liveFell)
  }

  @Test("tells better from the same")
  func verdicts() {
    let better = timeline([(0, 50, 100, 9), (30, 50, 100, 9), (60, 90, 100, 9), (90, 90, 100, 9)])
    #expect(Trend(better)?.verdict == .better)
    let same = timeline([(0, 50, 100, 9), (45, 51, 100, 9), (90, 51, 100, 9)])
    #expect(Trend(same)?.verdict == .same)
  }

  @Test("claims no trend without time or without memory")
  func noTrend() {
    #expect(Trend([]) == nil)
    #expect(Trend(timeline([(5, 1, 1, 0), (5, 1, 1, 0), (5, 1, 1, 0)])) == nil)
    #expect(Trend(timeline([(0, 0, 0, 0), (5, 0, 0, 0), (9, 0, 0, 0)])) == nil)
  }

  private func heap(_ name: String, _ peak: Int, _ mean: Int) -> HeapMeasures {
    var heap = HeapMeasures(allocator: name)
    heap.events = 1
    heap.peakResident = ByteCount(peak)
    heap.meanResident = ByteCount(mean)
    return heap
  }

  @Test("ranks by peak, mean and name; equal figures share a rank")
  func ranks() {
    let ranking = Ranking([
      heap("d", 20, 9), heap("recorded", 10, 8), heap("c", 5, 3), heap("b", 5, 2), heap("a", 5, 3),
    ])
    #expect(ranking.heaps.map(\.measures.allocator) == ["b", "a", "c", "recorded", "d"])
    #expect(ranking.heaps.map(\.rank) == [1, 2, 2, 4, 5])
    #expect(ranking.heaps.map(\.difference) == [-5, -5, -5, nil, 10])
    #expect(ranking.heaps.map(\.relative) == [-0.5, -0.5, -0.5, nil, 1])
    #expect(ranking.bestSimulated?.measures.allocator == "b")
    #expect(ranking.simulatedCount == 4)
  }

  @Test("closes the parts of held memory, and shows what does not close")
  func parts() {
    var snapshot = HeapSnapshot()
    snapshot.live = 60
    snapshot.granted = 70
    snapshot.pinned = 10
    snapshot.freePageBytes = 20
    snapshot.held = 100
    #expect(HeldParts(snapshot).named.map(\.bytes) == [60, 10, 10, 20])
    snapshot.held = 103
    #expect(HeldParts(snapshot).named.map(\.bytes) == [60, 10, 10, 20, 3])
    #expect(HeldParts(snapshot).named.last?.name == "unexplained")
  }

  @Test(
    "labels hole sizes",
    arguments: [
      (0, "1 B"), (4, "16 B"), (9, "512 B"), (10, "1 KiB"), (16, "64 KiB"), (63, "8 EiB"),
    ])
  func holeLabels(exponent: Int, label: String) {
    #expect(HoleSizes.label(exponent) == label)
  }

  @Test("shows the classes with holes and those between them")
  func holeClasses() {
    var peak = [HoleBucket](repeating: HoleBucket(), count: 12)
    peak[6] = HoleBucket(count: 2, bytes: 150)
    let end = [HoleBucket](repeating: HoleBucket(), count: 4) + [HoleBucket(count: 1, bytes: 16)]
    let sizes = HoleSizes(peak: peak, end: end)
    #expect(sizes.exponents == 4..<7)
    #expect(sizes.atPeak(6) == HoleBucket(count: 2, bytes: 150))
    #expect(sizes.atEnd(6) == HoleBucket())
    #expect(HoleSizes.range(6) == "64 B up to 128 B")
    #expect(HoleSizes(peak: [], end: peak.map { _ in HoleBucket() }).exponents.isEmpty)
  }

  @Test("says what the figures say")
  func sentences() {
    let findings = Findings(Stories.plausible())
    #expect(
      findings.headline
        == "At the peak the heap held 312 MiB for 290 MiB of live data."
        + " At the end 1.20 MiB of live data kept 160 MiB.")
    #expect(findings.wouldTrimHelp.contains("at most 103 MiB (65 % of what is held); 55.6 MiB"))
    #expect(findings.wouldAnotherHelp.contains("best-fit has the lowest peak"))
    #expect(findings.wouldAnotherHelp.contains("-2.8 %"))
    #expect(findings.isItWorse.hasPrefix("Yes: live data filled 92 %"))
    #expect(findings.warnings.isEmpty)
  }

  @Test("promises nothing when no heap is better")
  func noneBetter() {
    var story = Stories.plausible()
    story.heaps = [heap("recorded", 10, 5), heap("first-fit", 10, 4)]
    #expect(Findings(story).wouldAnotherHelp.hasPrefix("None of one simulated heap stays below"))
  }

  @Test("warns of all that makes the figures doubtful")
  func warnings() {
    var story = Stories.plausible()
    story.summary.lostEvents = 1
    story.summary.allocationsOfLiveAddress = 2
    story.summary.freesOfUnknownAddress = 3
    story.summary.truncatedStacks = 4000
    story.metadata.knowsStacks = false
    story.metadata.knowsTimes = false
    story.metadata.knowsThreads = false
    story.inventory.isComplete = false
    story.inventory.damage = ["Chunk 7 is damaged."]
    story.symbolProblems = ["libx.so has no symbols."]
    let warnings = Findings(story).warnings
    #expect(warnings.count == 10)
    for part in ["incomplete", "Chunk 7", "1 request was", "2 requests", "3 frees", "4,000 call"] {
      #expect(warnings.contains { $0.contains(part) }, "\(part)")
    }
  }
}
