// The formats that show a heap profile at a moment.

import Analysis
import Interchange
import MemoryUnits
import Trace

extension ExportRequest {
  /// Writes a profile for each moment.
  func writeProfiles() throws {
    for profile in try profiles() {
      let path = path(of: profile.moment)
      try write(to: path) { sink in
        if format == .folded {
          try FoldedStacks.write(profile.profile, metric: metric, to: sink)
        } else {
          try PprofProfile.write(profile.profile, to: sink)
        }
      }
      if let path, moments.count > 1, !isQuiet { note("wrote \(path)") }
    }
  }

  /// The profiles of all moments, in the order of the moments.
  private func profiles() throws -> [(moment: NamedMoment, profile: HeapProfile)] {
    let namer = StackNamer(trace, foldsAllocators: foldsAllocators)
    let tallied = try reading("counting by stack") {
      try Measurement.profiles(
        of: trace, at: moments.map(\.moment), progress: $0, siteOf: namer.site)
    }
    return moments.compactMap { moment in
      tallied.first { $0.moment == moment.moment }.map { (moment, profile($0, moment, namer)) }
    }
  }

  private func profile(
    _ tally: StackProfile, _ moment: NamedMoment, _ namer: StackNamer
  ) -> HeapProfile {
    HeapProfile(
      moment: moment.name, nanoseconds: nanoseconds(tally.time),
      startedAt: trace.metadata.startedAt, command: trace.metadata.command, comments: comments,
      period: SampleWeights(trace.metadata).denominator, modules: namer.modules,
      locations: namer.locations,
      samples: tally.figures.enumerated().map { site, figures in
        HeapProfile.Sample(stack: namer.stacks[site], figures: HeapFigures(figures))
      })
  }

  /// What a reader of the figures should know.
  private var comments: [String] {
    var comments = ["lacuna \(Lacuna.version): \(trace.metadata.command.joined(separator: " "))"]
    if let regions = trace.metadata.regions {
      comments.append(
        "estimated: one region of the address space in \(regions.denominator) was recorded")
    }
    if !trace.isComplete { comments.append("the trace is incomplete") }
    return comments
  }
}

extension HeapFigures {
  /// The four figures of a tally.
  init(_ figures: StackFigures) {
    self.init(
      allocatedBlocks: figures.allocatedBlocks, allocatedBytes: figures.allocatedBytes,
      liveBlocks: figures.liveBlocks, liveBytes: figures.liveBytes)
  }
}
