// What a trace file has to offer beside its steps.

import MemoryUnits
public import Trace

extension TraceInventory {
  /// Counts what is in an open trace.
  public init(of trace: TraceFile) {
    self.init(
      fileBytes: ByteCount(trace.fileBytes), threads: trace.threadCount,
      stacks: trace.stackCount, modules: trace.moduleCount,
      isComplete: trace.isComplete, damage: trace.damage.map(\.description))
  }
}
