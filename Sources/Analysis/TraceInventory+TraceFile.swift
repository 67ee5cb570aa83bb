// What a trace file has to offer beside its steps.

import MemoryUnits
public import Trace

extension TraceInventory {
  /// Counts what is in an open trace.
  public init(of trace: TraceFile) {
    self.init(
      fileBytes: ByteCount(trace.fileBytes), threads: trace.threads.count,
      // Stack 0 stands for none.
      stacks: max(0, trace.stacks.count - 1), modules: trace.modules.count,
      isComplete: trace.isComplete, damage: trace.damage.map(\.description))
  }
}
