// The formats that show the heap over time, and lifetimes.

import Analysis
import Interchange
import MemoryUnits
import Trace

extension ExportRequest {
  /// Writes lifetimes for DHAT's viewer.
  func writeLifetimes() throws {
    let namer = StackNamer(trace, foldsAllocators: foldsAllocators)
    let tallied = try tally(at: [.peak, .end], namer)
    guard let peak = tallied.first(where: { $0.moment == .peak }),
      let end = tallied.first(where: { $0.moment == .end })
    else { return }
    let usesTimes = trace.usesTimes
    let unit: UInt64 = usesTimes ? 1000 : 1
    let samples = end.figures.enumerated().map { site, figures in
      var sample = LifetimeProfile.Sample(stack: namer.stacks[site])
      sample.allocatedBlocks = figures.allocatedBlocks
      sample.allocatedBytes = figures.allocatedBytes
      sample.lifetimes = Int64(clamping: figures.lifetimes / Int128(unit))
      sample.largestBytes = figures.largestBytes
      sample.blocksAtLargest = figures.blocksAtLargest
      if site < peak.figures.count {
        sample.peakBlocks = peak.figures[site].liveBlocks
        sample.peakBytes = peak.figures[site].liveBytes
      }
      sample.endBlocks = figures.liveBlocks
      sample.endBytes = figures.liveBytes
      return sample
    }
    let profile = LifetimeProfile(
      command: trace.metadata.command, processID: trace.metadata.processID, usesTimes: usesTimes,
      peak: peak.time.nanoseconds / unit, end: end.time.nanoseconds / unit,
      locations: namer.locations, samples: samples)
    try write(to: output) { try DHATProfile.write(profile, to: $0) }
  }

  /// Writes the heap over time with the stacks at its peak and at its end.
  func writeMassif() throws {
    let namer = StackNamer(trace, foldsAllocators: foldsAllocators)
    let tallied = try tally(at: [.peak, .end], namer)
    func stacks(_ moment: Moment) -> HeapProfile? {
      tallied.first { $0.moment == moment }
        .map { profile($0, NamedMoment(name: "\(moment)", moment: moment), namer) }
    }
    var course = MassifProfile(
      command: trace.metadata.command, usesTimes: trace.usesTimes, snapshots: [])
    try eachPoint { point, record in
      course.snapshots.append(
        MassifProfile.Snapshot(
          time: record.nanoseconds.map { $0 / 1_000_000 } ?? record.steps,
          liveBytes: record.liveBytes,
          extraBytes: max(0, (record.grantedBytes ?? record.liveBytes) - record.liveBytes),
          profile: point.isPeak ? stacks(.peak) : nil, isPeak: point.isPeak))
    }
    if let last = course.snapshots.indices.last, !course.snapshots[last].isPeak {
      course.snapshots[last].profile = stacks(.end)
    }
    try write(to: output) { try course.write(creator: Self.creator, to: $0) }
  }

  /// Writes counters.
  func writeChrome() throws {
    let metadata = trace.metadata
    try write(to: output) { sink in
      var document = ChromeTrace(
        processID: metadata.processID, name: metadata.command.joined(separator: " "), to: sink)
      for thread in trace.threads where !thread.name.isEmpty {
        document.addThread(kernelID: thread.kernelID, name: thread.name)
      }
      for mark in trace.marks {
        let thread = trace.threads.indices.contains(mark.thread.index)
        document.addInstant(
          mark.name, at: mark.time.nanoseconds,
          thread: thread ? trace.threads[mark.thread.index].kernelID : nil)
      }
      if trace.usesTimes {
        for sample in trace.samples {
          try document.addResident(
            bytes: sample.anonymous.rawValue, at: sample.time.nanoseconds)
        }
      }
      try eachPoint { point, record in
        if point.isPeak {
          document.addInstant("peak", at: record.nanoseconds ?? record.steps &* 1000)
        }
        try document.add(record)
      }
      try document.finish()
    }
  }

  /// Writes the lives of blocks as a problem of packing.
  func writeMinimalloc() throws {
    try write(to: output) { sink in
      var problem = MinimallocProblem(to: sink)
      try eachBlock("writing lifetimes") { block in
        // What malloc promises to whom asks for nothing special on this machine.
        try problem.add(block, events: trace.summary.steps, defaultAlignment: 16)
      }
      try problem.finish()
    }
  }
}
