// Generating a workload: from a specification and a seed to a trace file.

internal import Allocators
public import MemoryUnits
public import Trace

/// What came of a workload.
public struct WorkloadSummary: Sendable {
  /// The totals of the trace.
  public var totals: TraceSummary
  /// Of Robson's adversary: the least that any heap must hold that moves no block.
  public var bound: ByteCount?
  /// Of Robson's adversary: the most that the heap held against which it played.
  public var heldByHeap: ByteCount?
}

/// Traces that no program made: to try theory on, and what real programs do not show.
public enum Workload {
  /// Writes the trace of a workload.
  ///
  /// The same specification, seed and files give the same trace on every machine. Requests are a
  /// microsecond apart; addresses, times and stacks mean nothing, and the trace says so.
  ///
  /// - Parameters:
  ///   - seed: where the random numbers begin; Robson's adversary needs none.
  ///   - path: the trace file, which is replaced.
  ///   - writer: the version that the trace names as its writer.
  ///   - progress: told now and then which part is done, from 0 to 1.
  /// - Complexity: O(1) for each event, O(log live blocks) with empirical lifetimes. Memory follows the
  ///   live blocks.
  public static func generate(
    _ specification: WorkloadSpecification, seed: UInt64, to path: String, writer: String = "",
    progress: @escaping (Double) -> Void = { _ in }
  ) throws(WorkloadError) -> WorkloadSummary {
    var metadata = TraceMetadata()
    metadata.command = [
      "lacuna", "generate", "--workload", "\(specification)", "--seed", "\(seed)",
    ]
    metadata.writer = writer
    metadata.knowsAddresses = false
    metadata.knowsStacks = false
    metadata.knowsTimes = false
    switch specification.kind {
    case .synthetic(let shape, let parameters):
      metadata.knowsThreads = parameters.threads > 1
      var workload = try SyntheticWorkload(shape, parameters, seed: seed)
      let trace = try WorkloadTrace(
        path: path, metadata: metadata, threads: parameters.threads,
        eventsInAll: parameters.events, progress: progress)
      workload.run(trace)
      try trace.finish()
      return WorkloadSummary(totals: trace.writer.summary)
    case .robson(let parameters):
      metadata.knowsThreads = false
      let trace = try WorkloadTrace(
        path: path, metadata: metadata, threads: 1, eventsInAll: 0, progress: { _ in })
      var adversary = RobsonAdversary(parameters: parameters, trace: trace)
      let held = parameters.heap.kind.build(&adversary)
      try trace.finish()
      return WorkloadSummary(
        totals: trace.writer.summary, bound: parameters.bound, heldByHeap: held)
    }
  }
}
