// The trace that an import makes, request by request.

import MemoryUnits
import Trace

/// Takes the requests of a source and appends them to a trace.
///
/// Where a source has no times, requests are one microsecond apart, so that its moments are numbers
/// of steps and shares of the trace.
final class ImportBuilder {
  /// Threads beyond this number are all taken for one.
  private static let maximumThreads = 1 << 20
  /// Later moments are taken for this one: half a century.
  static let latestNanoseconds: UInt64 = 1 << 61
  /// A request of more bytes was never granted: no address space holds them.
  static let largestSize: UInt64 = 1 << 48
  /// Examples that are kept of each reason to skip a line.
  private static let examples: UInt64 = 5

  let writer: TraceWriter
  /// How the source is named in messages.
  let sourceName: String
  var metadata = TraceMetadata()
  var summary: ImportSummary
  /// The moment of the next request.
  private(set) var now = Timestamp.zero
  private var steps: UInt64 = 0
  private var startNanoseconds: UInt64?
  private var threads: [UInt64: ThreadIndex] = [:]
  private var overflowThread: ThreadIndex?
  private var named: [UInt64: NamedBlock] = [:]
  private var heap = MadeUpHeap()

  /// A block that the source knows by a number.
  private struct NamedBlock {
    var address: Address
    var isMadeUp: Bool
  }

  init(_ writer: TraceWriter, source: String, format: ImportFormat) {
    self.writer = writer
    sourceName = source
    summary = ImportSummary(format: format)
  }

  // MARK: Time and threads

  /// Sets the moment of the next requests, in nanoseconds of the source's own clock; the first one is
  /// the beginning of the trace.
  func setTime(_ nanoseconds: UInt64) {
    let start = startNanoseconds ?? nanoseconds
    startNanoseconds = start
    let elapsed = nanoseconds > start ? nanoseconds - start : 0
    now = max(now, Timestamp(nanoseconds: min(elapsed, Self.latestNanoseconds)))
    summary.knowledge.times = true
  }

  /// The thread that the source calls so.
  func thread(_ id: UInt64) -> ThreadIndex {
    if let known = threads[id] { return known }
    guard threads.count < Self.maximumThreads else {
      if let overflowThread { return overflowThread }
      let other = writer.thread(ThreadDescription(kernelID: 0, name: "others"))
      overflowThread = other
      return other
    }
    let index = writer.thread(
      ThreadDescription(kernelID: Int32(truncatingIfNeeded: id), name: ""))
    threads[id] = index
    return index
  }

  /// The thread of sources that name none.
  private(set) lazy var onlyThread = thread(0)

  /// The moment of a request; to be called once for each.
  private func tick() -> Timestamp {
    steps += 1
    guard !summary.knowledge.times else { return now }
    now = Timestamp(
      nanoseconds: min(steps &* TraceMetadata.nanosecondsPerStep, Self.latestNanoseconds))
    return now
  }

  // MARK: Blocks at addresses

  /// A block began.
  ///
  /// A size beyond all address spaces is no request that was granted.
  func allocate(
    _ address: Address, _ size: UInt64, usable: UInt64? = nil, alignment: UInt64 = 0,
    stack: StackID, thread: ThreadIndex
  ) {
    writer.allocate(
      address: address, size: Self.bytes(size), usable: Self.bytes(usable ?? self.usable(size)),
      alignmentShift: Self.shift(alignment), stack: stack, thread: thread, time: tick())
  }

  /// Takes the blocks for those of glibc, which have 8 bytes of header and a multiple of 16 in all.
  ///
  /// Otherwise what the allocator needs itself would look like holes between the blocks.
  func assumeGlibc(_ path: String) {
    metadata.headerBytes = 8
    metadata.allocator = path
    writer.metadata = metadata
  }

  /// What is usable of a block whose source tells its size only (malloc.c, `request2size`).
  private func usable(_ size: UInt64) -> UInt64 {
    metadata.headerBytes == 8 ? max(24, ((size &+ 23) & ~15) &- 8) : size
  }

  /// A block ended.
  func free(_ address: Address, entry: EntryPoint = .free, thread: ThreadIndex) {
    writer.free(address: address, entry: entry, thread: thread, time: tick())
  }

  /// A block was resized; without an old address, one whose end came earlier or is not known.
  func reallocate(
    _ old: Address?, to new: Address, _ size: UInt64, usable: UInt64? = nil, stack: StackID,
    thread: ThreadIndex
  ) {
    guard let old else {
      writer.reallocateEnd(
        new: new, size: Self.bytes(size), usable: Self.bytes(usable ?? self.usable(size)),
        stack: stack,
        thread: thread, time: tick())
      return
    }
    writer.reallocate(
      old: old, new: new, size: Self.bytes(size), usable: Self.bytes(usable ?? self.usable(size)),
      stack: stack, thread: thread, time: tick())
  }

  /// A block ended because it is being resized; another one begins in its place later.
  func reallocateBegin(_ old: Address, thread: ThreadIndex) {
    writer.reallocateBegin(old: old, thread: thread, time: tick())
  }

  // MARK: Blocks by number

  /// A block began that the source calls by a number; with an address where the source has one.
  func allocate(
    block: UInt64, _ size: UInt64, at known: Address? = nil, usable: UInt64? = nil,
    alignment: UInt64 = 0, stack: StackID, thread: ThreadIndex
  ) -> SkipReason? {
    guard named[block] == nil else { return .takenName }
    guard let address = known ?? heap.place(size) else { return .outOfRange }
    named[block] = NamedBlock(address: address, isMadeUp: known == nil)
    allocate(address, size, usable: usable, alignment: alignment, stack: stack, thread: thread)
    return nil
  }

  /// Such a block ended.
  func free(
    block: UInt64, entry: EntryPoint = .free, thread: ThreadIndex
  ) -> SkipReason? {
    guard let old = named.removeValue(forKey: block) else { return .unknownBlock }
    if old.isMadeUp { heap.takeBack(old.address) }
    free(old.address, entry: entry, thread: thread)
    return nil
  }

  /// Such a block was resized, and perhaps got another number.
  func reallocate(
    block: UInt64, to new: UInt64, _ size: UInt64, at known: Address? = nil,
    usable: UInt64? = nil, stack: StackID, thread: ThreadIndex
  ) -> SkipReason? {
    guard let old = named[block] else { return .unknownBlock }
    guard new == block || named[new] == nil else { return .takenName }
    // Taken back first: a block that keeps its class keeps its place.
    if old.isMadeUp { heap.takeBack(old.address) }
    named[block] = nil
    guard let address = known ?? heap.place(size) else {
      free(old.address, thread: thread)
      return .outOfRange
    }
    named[new] = NamedBlock(address: address, isMadeUp: known == nil)
    reallocate(old.address, to: address, size, usable: usable, stack: stack, thread: thread)
    return nil
  }

  /// Whether a block of that number lives.
  func knows(block: UInt64) -> Bool { named[block] != nil }

  // MARK: Stacks

  private var entryStacks: [UInt8: StackID] = [:]

  /// The stack of which nothing is known but the function that was called.
  func stack(_ entry: EntryPoint) -> StackID {
    if let known = entryStacks[entry.rawValue] { return known }
    let stack = writer.stack(node: 0, entry: entry)
    entryStacks[entry.rawValue] = stack
    return stack
  }

  /// The stack that ends in that node, by way of that function.
  func stack(_ node: UInt32, _ entry: EntryPoint) -> StackID {
    node == 0 ? stack(entry) : writer.stack(node: node, entry: entry)
  }

  // MARK: What is left out

  /// Notes that a line is not in the trace.
  func skip(_ line: UInt64, _ reason: SkipReason) {
    let count = summary.skipped[reason, default: 0] + 1
    summary.skipped[reason] = count
    guard reason.losesRequest else { return }
    summary.lostEvents += 1
    writer.lose(1)
    if count <= Self.examples { summary.firstSkipped.append(SkippedLine(line, reason)) }
  }

  /// Whether lines were lost or were other output, and none was a request.
  var isFruitless: Bool {
    writer.summary.events == 0
      && (summary.lostEvents > 0 || summary.skipped[.otherOutput] != nil)
  }

  /// Notes something that the user should know.
  func note(_ text: String) { summary.notes.append(text) }

  // MARK: The end

  /// Ends the trace.
  func finish() throws(ImportError) {
    metadata.knowsAddresses = summary.knowledge.addresses
    metadata.knowsThreads = summary.knowledge.threads
    metadata.knowsStacks = summary.knowledge.stacks
    metadata.knowsTimes = summary.knowledge.times
    writer.metadata = metadata
    do {
      try writer.finish()
    } catch {
      throw .cannotWrite(error)
    }
    summary.allocations = writer.summary.allocations
    summary.frees = writer.summary.frees
    summary.reallocations = writer.summary.reallocations
  }

  private static func bytes(_ size: UInt64) -> ByteCount {
    ByteCount(Int64(clamping: size))
  }

  /// The binary logarithm of an alignment; 0 for none, and for what is no power of two.
  private static func shift(_ alignment: UInt64) -> UInt8 {
    guard alignment > 1, alignment.nonzeroBitCount == 1 else { return 0 }
    return UInt8(alignment.trailingZeroBitCount)
  }
}
