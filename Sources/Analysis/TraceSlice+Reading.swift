// Reading a trace, or a slice of it, in the same way.

import Trace

extension TraceFile {
  /// Hands out the steps of a slice after what it opens with; of the whole trace where there is none,
  /// which opens with nothing.
  func read(
    _ slice: TraceSlice?, addresses: Bool, opening: (TraceOpening) throws -> Void,
    _ body: (UnsafeBufferPointer<Request>) throws -> Void
  ) throws {
    if let slice {
      try read(in: slice.range, addresses: addresses, opening: opening, body)
    } else {
      try read(addresses: addresses, body)
    }
  }
}
