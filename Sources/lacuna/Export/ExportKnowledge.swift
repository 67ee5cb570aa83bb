// What a trace has to know for an export, and what is said where it does not.

import ArgumentParser
import Interchange
import Trace

extension ExportRequest {
  /// What cannot be made from some of the blocks; nil where that is fine.
  private var whatNeedsAllBlocks: String? {
    switch format {
    case .csv, .ndjson: table.needsWholeHeap ? table.rawValue : nil
    case .massif, .chrome, .minimalloc: format.rawValue
    case .pprof, .folded, .speedscope, .callgrind, .dhat, .sqlite: nil
    }
  }

  private var showsStacks: Bool {
    switch format {
    case .pprof, .folded, .speedscope, .callgrind, .dhat, .massif, .sqlite: true
    case .csv, .ndjson: table == .stacks
    case .chrome, .minimalloc: false
    }
  }

  private var usesTimes: Bool {
    switch format {
    case .dhat, .massif, .chrome: true
    default: false
    }
  }

  /// Says what the trace cannot tell; exits with 1 where nothing sensible would be left.
  func refuseWhatIsUnknown() throws {
    let metadata = trace.metadata
    if let regions = metadata.regions {
      if let what = whatNeedsAllBlocks {
        throw refusal(
          "the trace has only the blocks in 1/\(regions.denominator) of the address space, which is "
            + "not enough for \(what); lacuna report estimates what they can tell")
      }
      if format.isTable || format == .sqlite {
        note("the trace is a sample: a block stands for as many as its weight says")
      } else {
        note("the trace is a sample: the figures are estimates, scaled by \(regions.denominator)")
      }
    }
    if !metadata.knowsAddresses {
      if format.isTable, table == .holes {
        throw refusal("the trace does not say at which addresses blocks were, so it has no holes")
      }
      if format == .sqlite { note("the trace does not say where blocks were: there are no holes") }
    }
    if !metadata.knowsStacks, showsStacks {
      note("the trace has no call stacks: everything counts as (unknown)")
    }
    if !metadata.knowsTimes, usesTimes { note("the trace has no times: steps are counted instead") }
  }

  private func refusal(_ message: String) -> ExitCode {
    fail(message)
    return ExitCode(1)
  }
}
