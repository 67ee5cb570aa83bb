// What a trace has to know for an export, and what is said where it does not.

import ArgumentParser
import Interchange
import Trace

extension ExportRequest {
  /// What the export cannot be made without.
  private var needsWholeHeap: Bool {
    (format == .csv || format == .ndjson) && (table == .holes || table == .series)
  }

  private var showsStacks: Bool {
    format == .pprof || format == .folded
      || table == .stacks && (format == .csv || format == .ndjson)
  }

  /// Says what the trace cannot tell; exits with 1 where nothing sensible would be left.
  func refuseWhatIsUnknown() throws {
    let metadata = trace.metadata
    if let regions = metadata.regions {
      guard !needsWholeHeap else {
        throw refusal(
          "the trace has only the blocks in 1/\(regions.denominator) of the address space, which is "
            + "not enough for \(table.rawValue); lacuna report estimates them")
      }
      note(
        format == .pprof || format == .folded
          ? "the trace is a sample: the figures are estimates, scaled by \(regions.denominator)"
          : "the trace is a sample: a block stands for as many as its weight says")
    }
    if !metadata.knowsAddresses, needsWholeHeap, table == .holes {
      throw refusal("the trace does not say at which addresses blocks were, so it has no holes")
    }
    if !metadata.knowsStacks, showsStacks {
      note("the trace has no call stacks: everything counts as (unknown)")
    }
  }

  private func refusal(_ message: String) -> ExitCode {
    fail(message)
    return ExitCode(1)
  }
}
