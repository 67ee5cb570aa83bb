// The trace that a workload becomes, request by request.

internal import MemoryUnits
internal import Trace

/// A block of a workload while it lives.
struct WorkloadBlock {
  /// Made up, but its own while the block lives.
  var address: Address
  var size: ByteCount
  /// The thread that allocated it.
  var thread: UInt32
}

/// Writes requests, one microsecond apart.
///
/// The trace says that it knows no addresses, times or stacks: those in it mean nothing.
final class WorkloadTrace {
  let writer: TraceWriter
  private let stack: StackID
  private var heap = MadeUpHeap()
  private(set) var events = 0
  private let eventsInAll: Int
  private let progress: (Double) -> Void

  /// - Parameter eventsInAll: what makes progress complete.
  init(
    path: String, metadata: TraceMetadata, threads: Int, eventsInAll: Int,
    progress: @escaping (Double) -> Void
  ) throws(WorkloadError) {
    do {
      writer = try TraceWriter(path: path, metadata: metadata)
    } catch {
      throw .cannotWrite(error)
    }
    for number in 0..<threads {
      _ = writer.thread(ThreadDescription(kernelID: Int32(number), name: ""))
    }
    stack = writer.stack(node: 0, entry: .malloc)
    self.eventsInAll = max(eventsInAll, 1)
    self.progress = progress
  }

  /// How the trace names the stack of every request.
  var site: UInt32 { stack.rawValue }

  private func tick() -> Timestamp {
    events += 1
    if events & 0xffff == 0 { progress(min(1, Double(events) / Double(eventsInAll))) }
    return Timestamp(nanoseconds: UInt64(events) &* TraceMetadata.nanosecondsPerStep)
  }

  func allocate(_ size: ByteCount, thread: UInt32) -> WorkloadBlock {
    let address = place(size)
    writer.allocate(
      address: address, size: size, usable: size, alignmentShift: 0, stack: stack,
      thread: ThreadIndex(thread), time: tick())
    return WorkloadBlock(address: address, size: size, thread: thread)
  }

  func free(_ block: WorkloadBlock, thread: UInt32) {
    heap.takeBack(block.address)
    writer.free(address: block.address, thread: ThreadIndex(thread), time: tick())
  }

  func reallocate(_ block: inout WorkloadBlock, to size: ByteCount) {
    // Taken back first: a block that keeps its class keeps its place.
    heap.takeBack(block.address)
    let address = place(size)
    writer.reallocate(
      old: block.address, new: address, size: size, usable: size, stack: stack,
      thread: ThreadIndex(block.thread), time: tick())
    block.address = address
    block.size = size
  }

  private func place(_ size: ByteCount) -> Address {
    guard let address = heap.place(UInt64(size.rawValue)) else {
      preconditionFailure("sizes and their number are limited so that all have a place")
    }
    return address
  }

  func finish() throws(WorkloadError) {
    do {
      try writer.finish()
    } catch {
      throw .cannotWrite(error)
    }
  }
}
