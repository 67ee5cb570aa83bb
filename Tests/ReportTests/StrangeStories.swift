// Stories at the edges of what can be: a report of each must be sound.

import Allocators
import Analysis
import MemoryUnits
import Trace

extension Stories {
  static let strangeNames = [
    "plausible", "empty", "no addresses", "no times", "one moment", "no samples", "no stacks",
    "huge numbers", "negative numbers", "many sites", "one heap", "no recorded heap",
    "nothing at the end", "hostile names", "very long", "unexplained",
  ]

  static func strange(_ name: String) -> Story {
    var story = plausible()
    switch name {
    case "empty": return empty()
    case "no addresses":
      story.metadata.knowsAddresses = false
      story.recorded = HeapMeasures(allocator: recordedName)
      story.heaps.removeFirst()
    case "no times":
      story.metadata.knowsTimes = false
      for index in story.recorded.timeline.indices { story.recorded.timeline[index].time = .zero }
      story.recorded.atPeak.time = .zero
      story.recorded.atEnd.time = .zero
    case "one moment": story.recorded.timeline.removeSubrange(1...)
    case "no samples": story.samples = []
    case "no stacks":
      story.metadata.knowsStacks = false
      story.pinsAtPeak.sites = []
      story.pinsAtEnd.sites = story.pinsAtEnd.sites.prefix(1).map { site in
        var site = site
        site.frame = NamedFrame(function: "", module: "")
        site.stack = []
        return site
      }
    case "huge numbers": makeHuge(&story)
    case "negative numbers":
      story.samples = [ResidentSample(time: .zero, resident: 0, shared: 4096)]
      story.recorded.atEnd.held = -5
      story.recorded.atEnd.pinned = -7
      story.recorded.timeline[3].live = -100
      story.pinsAtEnd.sites[0].pinned = -.infinity
    case "many sites": return plausible(sites: 5000)
    case "one heap": return plausible(heaps: 1)
    case "no recorded heap": story.heaps.removeFirst()
    case "nothing at the end":
      story.recorded.atEnd = HeapSnapshot()
      story.pinsAtEnd = PinReport(
        time: .zero, pinned: 0, freePageBytes: 0, occupiedPages: 0, sites: [])
    case "hostile names": makeHostile(&story)
    case "very long":
      story.recorded.timeline = (0..<5_000).map { index in
        var point = story.recorded.timeline[index % 300]
        point.time = Timestamp(nanoseconds: UInt64(index) * 1_000_000_000)
        return point
      }
      story.samples = (0..<5_000).map {
        ResidentSample(
          time: Timestamp(nanoseconds: UInt64($0) * 1_000_000_000), resident: ByteCount($0),
          shared: 0)
      }
    case "unexplained": story.recorded.atPeak.held = story.recorded.atPeak.held + 12_345_678
    default: break
    }
    return story
  }

  private static func makeHuge(_ story: inout Story) {
    let most = ByteCount(Int64.max)
    story.summary.allocations = .max / 4
    story.summary.durationNanoseconds = .max
    story.summary.peakLiveBytes = .max
    story.summary.peakNanoseconds = .max
    story.metadata.startedAt = .infinity
    for index in story.recorded.timeline.indices where index % 2 == 1 {
      story.recorded.timeline[index] = TimelinePoint(
        time: Timestamp(nanoseconds: .max / 301 * UInt64(index)), live: most, granted: most,
        held: most, resident: most, holeBytes: most, holes: .max)
    }
    story.recorded.atPeak.held = most
    story.recorded.atPeak.live = ByteCount(Int64.min)
    story.recorded.atPeak.holes = .max
    story.recorded.atPeak.time = Timestamp(nanoseconds: .max)
    story.recorded.atPeak.pageOccupancy = [.max, 0, .max]
    story.recorded.atPeak.holeHistogram = (0..<90).map { _ in
      HoleBucket(count: .max, bytes: most)
    }
    story.recorded.fragmentation = FragmentationFigures(jw1: .infinity, jw2: .nan, jw3: 1e300)
    story.recorded.work.bytesMoved = .max
    story.pinsAtEnd.pinned = most
    story.pinsAtEnd.sites[0].pinned = .infinity
    story.pinsAtEnd.sites[1].pinned = 1e300
    story.pinsAtEnd.sites[2].blocks = .max
    story.heaps[1].peakResident = most
    story.heaps[2].meanResident = ByteCount(Int64.min)
    story.inventory.fileBytes = most
  }

  private static func makeHostile(_ story: inout Story) {
    let name = "<script>alert(1)</script>\" onmouseover=\"x' & \u{1B}[2J\u{202E}\u{0}漢字\u{9B}1m"
    story.traceName = name
    story.version = name
    story.metadata.command = [name, name]
    story.metadata.executable = name
    story.metadata.kernel = name
    story.metadata.allocator = name
    story.metadata.writer = name
    story.inventory.isComplete = false
    story.inventory.damage = [name]
    story.symbolProblems = [name]
    story.recorded.allocator = name
    story.heaps[2].allocator = name
    let frame = NamedFrame(function: name, module: name, file: name, line: -1)
    for index in story.pinsAtEnd.sites.indices {
      story.pinsAtEnd.sites[index].frame = frame
      story.pinsAtEnd.sites[index].stack = [NamedFrame](repeating: frame, count: 3)
    }
    story.pinsAtPeak.sites = story.pinsAtEnd.sites
  }
}
