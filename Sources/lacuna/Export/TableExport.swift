// The tables of csv and ndjson.

import Analysis
import Interchange
import MemoryUnits
import Trace

extension ExportRequest {
  /// Writes the table that was asked for.
  func writeTable(as form: TableForm) throws {
    try write(to: output) { sink in
      switch table {
      case .events: try writeEvents(form, sink)
      case .blocks: try writeBlocks(form, sink)
      case .holes: try writeHoles(form, sink)
      case .series: try writeSeries(form, sink)
      case .stacks: try writeStacks(form, sink)
      }
    }
  }

  private func writeEvents(_ form: TableForm, _ sink: @escaping ByteSink) throws {
    let records = TraceRecords(trace)
    var table = ExportedEventTable(as: form, to: sink)
    var ledger = BlockLedger()
    try readSteps("writing events", addresses: trace.metadata.knowsAddresses) { batch in
      for request in batch {
        try table.add(records.event(request, ledger.apply(request)))
      }
    }
    try table.finish()
  }

  private func writeBlocks(_ form: TableForm, _ sink: @escaping ByteSink) throws {
    var table = BlockTable(as: form, to: sink)
    try eachBlock("writing blocks") { try table.add($0) }
    try table.finish()
  }

  /// The lives of all blocks, in the order in which they end, and those that do not end last.
  func eachBlock(_ title: String, _ body: (BlockRecord) throws -> Void) throws {
    let records = TraceRecords(trace)
    var ledger = BlockLedger()
    try readSteps(title, addresses: trace.metadata.knowsAddresses) { batch in
      for request in batch {
        let step = ledger.stepCount
        guard let ended = ledger.apply(request).ended else { continue }
        try body(records.block(ended, endedBy: request, step: step))
      }
    }
    for life in ledger.living { try body(records.block(life)) }
  }

  private func writeHoles(_ form: TableForm, _ sink: @escaping ByteSink) throws {
    let records = TraceRecords(trace)
    var table = HoleTable(as: form, to: sink)
    try reading("looking for holes") { progress in
      try Measurement.course(
        of: trace, points: 2, layouts: moments.map(\.moment), progress: progress,
        onLayout: { layout in
          let name = moments.first { $0.moment == layout.moment }?.name ?? ""
          for run in layout.runs { try table.add(records.hole(run, layout, moment: name)) }
        }, onPoint: { _ in })
    }
    try table.finish()
  }

  private func writeSeries(_ form: TableForm, _ sink: @escaping ByteSink) throws {
    var table = CourseTable(as: form, to: sink)
    try eachPoint { point, record in if !point.isPeak { try table.add(record) } }
    try table.finish()
  }

  /// The heap at moments evenly spaced in time, and at the peak.
  func eachPoint(_ body: @escaping (CoursePoint, CourseRecord) throws -> Void) throws {
    let records = TraceRecords(trace)
    var samples = trace.samples[...]
    var last: ResidentSample?
    try reading("following the heap") { progress in
      try Measurement.course(of: trace, points: points, progress: progress) { point in
        while let sample = samples.first, sample.time <= point.time {
          last = sample
          samples.removeFirst()
        }
        try body(point, records.course(point, resident: trace.metadata.knowsTimes ? last : nil))
      }
    }
  }

  private func writeStacks(_ form: TableForm, _ sink: @escaping ByteSink) throws {
    var table = FrameTable(as: form, to: sink)
    let namer = StackNamer(trace, foldsAllocators: foldsAllocators)
    for index in 1..<max(1, trace.stacks.count) {
      let stack = StackID(UInt32(index))
      try table.add(
        stack: stack.rawValue, namer.locations(of: stack).map { namer.locations[$0] })
    }
    try table.finish()
  }
}
