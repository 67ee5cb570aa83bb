// The threads of a trace and what each asked for.

public import Trace

/// A thread with the number of its requests.
public struct ThreadTally: Sendable, Equatable {
  /// The thread.
  public var thread: ThreadDescription
  /// Its allocations, frees and reallocations.
  public var events: UInt64

  /// A thread and the number of its requests.
  public init(thread: ThreadDescription, events: UInt64) {
    self.thread = thread
    self.events = events
  }

  /// All threads of a trace, in the order of their first requests.
  ///
  /// - Complexity: O(steps).
  public static func all(of file: TraceFile, slice: TraceSlice? = nil) throws -> [ThreadTally] {
    var tallies = file.threads.map { ThreadTally(thread: $0, events: 0) }
    try file.read(slice, addresses: false) { _ in
    } _: { batch in
      for request in batch where tallies.indices.contains(request.thread.index) {
        switch request.operation {
        case .allocate, .free, .reallocate, .reallocateEnd, .freeUnknown:
          tallies[request.thread.index].events += 1
        default: break
        }
      }
    }
    return tallies
  }
}
