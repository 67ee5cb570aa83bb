// The answers to the five questions, one honest sentence or two each, computed from the figures.

import Analysis
import MemoryUnits
import Trace

/// What the report says in words.
struct Findings {
  var headline: String
  var whereItWent: String
  var whoPins: String
  var wouldTrimHelp: String
  var wouldAnotherHelp: String
  var isItWorse: String
  /// What makes the figures incomplete or doubtful; shown before everything else.
  var warnings: [String]

  init(_ story: Story) {
    let knowsHeap = story.metadata.knowsAddresses && story.recorded.events > 0
    headline = Self.headline(story)
    warnings = Warnings.of(story)
    wouldAnotherHelp = Self.comparison(story)
    guard knowsHeap else {
      let unknown =
        story.summary.events == 0
        ? "Unknown: the trace holds no requests."
        : "Unknown: the trace carries no addresses, so the heap that really was cannot be rebuilt."
      (whereItWent, whoPins, wouldTrimHelp, isItWorse) = (unknown, unknown, unknown, unknown)
      return
    }
    whereItWent = Self.parts(story)
    whoPins = Self.pins(story)
    wouldTrimHelp = Self.trimming(story.recorded)
    isItWorse = Self.trend(story.recorded)
  }

  private static func headline(_ story: Story) -> String {
    guard story.summary.events > 0 || story.recorded.events > 0 else {
      return "The trace holds no requests: there is nothing to measure."
    }
    guard story.metadata.knowsAddresses, story.recorded.events > 0 else {
      return "The trace carries no addresses: only simulated heaps can be measured."
    }
    let (peak, end) = (story.recorded.atPeak, story.recorded.atEnd)
    var text = "At the peak the heap held \(peak.held) for \(peak.live) of live data. "
    switch (end.live > .zero, end.held > .zero) {
    case (false, false): text += "At the end nothing lived and nothing was held."
    case (false, true): text += "At the end nothing lived, and \(end.held) were still held."
    case (true, _): text += "At the end \(end.live) of live data kept \(end.held)."
    }
    return text
  }

  private static func parts(_ story: Story) -> String {
    let snapshot = story.recorded.atPeak
    guard snapshot.held > .zero else { return "At the peak the heap held nothing." }
    let parts = HeldParts(snapshot).named.filter { $0.bytes != .zero }
    let listed = parts.map {
      "\(Formats.percent(fraction($0.bytes, of: snapshot.held))) \($0.name)"
    }
    var text = "Of \(snapshot.held) held at the peak: \(listed.joined(separator: ", "))."
    if let measured = story.samples.map(\.anonymous).max() {
      text +=
        " The kernel counted at most \(measured) of private resident memory in the whole process;"
        + " the heap's modelled peak is \(story.recorded.peakResident)."
    }
    return text
  }

  private static func pins(_ story: Story) -> String {
    let report = story.pinsAtEnd
    guard report.pinned > .zero else {
      return "At the end no page is held only for a part of its bytes: nothing is pinned."
    }
    var text =
      "At the end \(report.pinned) of free bytes are pinned on"
      + " \(Formats.counted(report.occupiedPages, "page")) in use"
    guard let first = report.sites.first else { return text + "." }
    text += ", by \(Formats.counted(report.sites.count, "call site"))"
    let share = first.pinned / Double(report.pinned.rawValue)
    text +=
      "; the first, \(first.frame.function.shortened(to: 64)), keeps \(Formats.percent(share)) of it."
    return text
  }

  private static func trimming(_ heap: HeapMeasures) -> String {
    let end = heap.atEnd
    guard end.held > .zero else { return "There was nothing left to trim at the end." }
    guard end.freePageBytes > .zero else {
      return "No: at the end no whole page is free. \(end.pinned) are free on pages in use, where"
        + " no trim reaches them."
    }
    let share = Formats.percent(fraction(end.freePageBytes, of: end.held))
    return "At the end a perfect trim would return at most \(end.freePageBytes) (\(share) of what"
      + " is held); \(end.pinned) would stay, free but on pages in use."
  }

  private static func comparison(_ story: Story) -> String {
    let ranking = Ranking(story.heaps)
    guard let best = ranking.bestSimulated else {
      return "No other heap was replayed, so there is nothing to compare with."
    }
    let lowest = "\(best.measures.allocator) has the lowest peak of resident memory"
    guard let recorded = ranking.recorded, story.metadata.knowsAddresses else {
      return "Of \(Formats.counted(ranking.simulatedCount, "simulated heap")), \(lowest):"
        + " \(best.measures.peakResident)."
    }
    guard best.measures.peakResident < recorded.peakResident else {
      return "None of \(Formats.counted(ranking.simulatedCount, "simulated heap")) stays below the"
        + " recorded peak of \(recorded.peakResident) resident."
    }
    return "Of \(Formats.counted(ranking.simulatedCount, "simulated heap")), \(lowest):"
      + " \(best.measures.peakResident), against \(recorded.peakResident) as recorded"
      + " (\(Formats.signedPercent(best.relative)))."
  }

  private static func trend(_ heap: HeapMeasures) -> String {
    guard let trend = Trend(heap.timeline) else {
      return "Unknown: the trace is too short, or it carries no times."
    }
    let verdict =
      switch trend.verdict {
      case .worse: "Yes"
      case .better: "No, it is getting better"
      case .same: "No, it stays about the same"
      }
    let holes = (
      ByteCount(clamping: trend.first.holeBytes), ByteCount(clamping: trend.last.holeBytes)
    )
    var text =
      "\(verdict): live data filled \(Formats.percent(trend.first.utilisation)) of the held memory"
      + " in the first third of the run and \(Formats.percent(trend.last.utilisation)) in the last."
      + " Holes went from \(holes.0) to \(holes.1) on average."
    if trend.verdict == .worse, trend.liveFell {
      text += " Live data itself fell to less than half, which alone leaves any heap emptier."
    }
    return text
  }
}

extension ByteCount {
  /// The nearest count of bytes; zero for what is no number.
  init(clamping value: Double) {
    self.init(value.isFinite ? Int64(max(min(value, 0x1p62), -0x1p62)) : 0)
  }
}
