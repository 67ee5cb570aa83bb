// The formats that show a heap profile at a moment.

import Analysis
import Interchange
import MemoryUnits
import Trace

extension ExportRequest {
  /// Writes a profile for each moment.
  func writeProfiles() throws {
    for (moment, profile) in try profiles() {
      let path = path(of: moment)
      try write(to: path) { sink in
        switch format {
        case .folded: try FoldedStacks.write(profile, metric: metric, to: sink)
        case .callgrind:
          try CallgrindProfile.write(profile, creator: Self.creator, to: sink)
        default: try PprofProfile.write(profile, to: sink)
        }
      }
      if let path, moments.count > 1, !isQuiet { note("wrote \(path)") }
    }
  }

  /// Writes the profiles of all moments into one file.
  func writeSpeedscope() throws {
    let profiles = try profiles().map(\.profile)
    try write(to: output) { sink in
      try SpeedscopeFile.write(
        profiles, name: trace.metadata.command.joined(separator: " "), exporter: Self.creator,
        to: sink)
    }
  }

  /// Who writes the files, as they say.
  static var creator: String { "lacuna \(Lacuna.version)" }

  /// The profiles of all moments, in the order of the moments.
  private func profiles() throws -> [(moment: NamedMoment, profile: HeapProfile)] {
    let namer = StackNamer(trace, foldsAllocators: foldsAllocators)
    let tallied = try tally(at: moments.map(\.moment), namer)
    return moments.compactMap { moment in
      tallied.first { $0.moment == moment.moment }.map { (moment, profile($0, moment, namer)) }
    }
  }

  /// What each stack asked for up to some moments.
  func tally(at moments: [Moment], _ namer: StackNamer) throws -> [StackProfile] {
    try reading("counting by stack") {
      try Measurement.profiles(of: trace, at: moments, progress: $0, siteOf: namer.site)
    }
  }

  /// The tally of a moment with names.
  func profile(
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
    var comments = ["\(Self.creator): \(trace.metadata.command.joined(separator: " "))"]
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
