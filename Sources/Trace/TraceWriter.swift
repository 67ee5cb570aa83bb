// The writer of trace files: what recorders and importers feed.

/// What changes with every step; kept behind one pointer, apart from the object's bookkeeping.
struct WriterState: ~Copyable {
  var columns = EventColumns()
  var blocks = LiveBlocks()
  var held = HeldMemory()
  var totals = SummaryBuilder()
  var families = StackFamilies()

  deinit { families.deallocate() }
}

/// Writes a trace file, chunk by chunk, while the requests come in.
///
/// The calls that append steps never fail: the first error of the system is kept in ``failure`` and
/// thrown by ``flush()`` and ``finish()``; what came before it stays readable in the file.
/// Steps must be appended in order; a time before the last one counts as equal to it.
/// - Complexity: O(1) expected for each step. Memory follows the live blocks and the stacks.
public final class TraceWriter {
  let state: UnsafeMutablePointer<WriterState>
  let output: ChunkOutput
  private var stackTable = StackTableEncoder()
  private var moduleTable = PendingTable()
  private var threadTable = PendingTable()
  private var lifetimeTable = PendingTable()
  private var sampleTable = PendingTable()
  private var snapshotTable = SnapshotTable()
  private var markTable = PendingTable()
  private var markCount: UInt32 = 0
  private var moduleCount: UInt64 = 0
  private var threads: [ThreadDescription] = []
  /// Threads that exist, for a quick comparison; the same as `threads.count`.
  private(set) var threadLimit: UInt32 = 0
  private var storedMetadata: TraceMetadata
  private var metadataIsWritten = false
  private var lostEvents: UInt64 = 0
  private var truncatedStacks: UInt64 = 0
  private var tallyIsWritten = true
  private(set) var stepsWritten: UInt64 = 0
  var keyframes = KeyframeSchedule()
  private var isFinished = false

  /// Creates the file, or empties one that is there, and writes its head and the metadata.
  public init(path: String, metadata: TraceMetadata) throws(TraceError) {
    output = try ChunkOutput(path: path)
    storedMetadata = metadata
    state = .allocate(capacity: 1)
    state.initialize(to: WriterState())
    adoptUsableRule()
    if metadata.startsInMidst { state.pointee.totals.startInMidst() }
    writeMetadata()
    if let failure = output.failure { throw failure }
  }

  deinit {
    state.deinitialize(count: 1)
    state.deallocate()
  }

  /// The first error of the system, after which nothing more is written.
  public var failure: TraceError? { output.failure }

  /// Whether packing may only take what processors would idle away; to be set before the first step.
  ///
  /// Where that is not enough, chunks are written as they are. A repacked trace has the same contents.
  public var packsWhenIdle: Bool {
    get { output.packsWhenIdle }
    set { output.packsWhenIdle = newValue }
  }

  /// Where the trace comes from.
  ///
  /// May gain facts while recording: it is written again, and the last one written holds for the
  /// whole trace.
  public var metadata: TraceMetadata {
    get { storedMetadata }
    set {
      guard newValue != storedMetadata else { return }
      storedMetadata = newValue
      metadataIsWritten = false
      if state.pointee.columns.steps == 0 { adoptUsableRule() }
    }
  }

  /// The totals of all steps appended so far.
  public var summary: TraceSummary {
    var totals = state.pointee.totals
    totals.setLostEvents(lostEvents)
    totals.setTruncatedStacks(truncatedStacks)
    return totals.summary
  }

  // MARK: Tables

  /// Adds a node to the trie of call stacks: a frame that returns to `returnAddress`, called from
  /// the frame `parent`; 0 is the root, outside all frames.
  ///
  /// Nodes are numbered from 1 on.
  ///
  /// Returns 0 when the trace has 2^28 nodes already. The parent must have been added before.
  public func node(
    parent: UInt32, returnAddress: UInt64, image: UInt32, generation: UInt16 = 0
  ) -> UInt32 {
    if stackTable.pending >= TraceFormat.stepsPerChunk { writeStacks() }
    return stackTable.node(
      parent: parent, returnAddress: returnAddress,
      version: CodeVersion.pack(image: image, generation: generation))
  }

  /// The stack that ends in that node, by way of that function: found, or added.
  public func stack(node: UInt32, entry: EntryPoint) -> StackID {
    if stackTable.pending >= TraceFormat.stepsPerChunk { writeStacks() }
    let stack = stackTable.stack(node: node, entry: entry)
    state.pointee.families.note(stack.rawValue, entry)
    return stack
  }

  /// Adds a thread.
  public func thread(_ thread: ThreadDescription) -> ThreadIndex {
    let index = ThreadIndex(UInt32(threads.count))
    threads.append(thread)
    threadLimit = UInt32(threads.count)
    write(index, thread)
    if thread.began != nil || thread.ended != nil { writeLifetime(index, thread) }
    return index
  }

  /// Gives a thread another name; the last one holds for the whole trace.
  public func renameThread(_ index: ThreadIndex, to name: String) {
    guard index.index < threads.count, threads[index.index].name != name else { return }
    threads[index.index].name = name
    write(index, threads[index.index])
  }

  /// Takes note that a thread began at another time; the last one holds.
  public func beginThread(_ index: ThreadIndex, at time: Timestamp) {
    guard index.index < threads.count else { return }
    threads[index.index].began = time
    writeLifetime(index, threads[index.index])
  }

  /// Takes note that a thread has ended.
  public func endThread(_ index: ThreadIndex, at time: Timestamp) {
    guard index.index < threads.count else { return }
    threads[index.index].ended = time
    writeLifetime(index, threads[index.index])
  }

  private func write(_ index: ThreadIndex, _ thread: ThreadDescription) {
    threadTable.sink.thread(index, thread)
    if threadTable.isFull { threadTable.write(to: output, tableHeader(.threads)) }
  }

  private func writeLifetime(_ index: ThreadIndex, _ thread: ThreadDescription) {
    lifetimeTable.sink.lifetime(index, thread)
    if lifetimeTable.isFull { writeThreads() }
  }

  /// Describes threads before it says when they lived.
  private func writeThreads() {
    threadTable.write(to: output, tableHeader(.threads))
    lifetimeTable.write(to: output, tableHeader(.threads), section: .lifetimes)
  }

  /// Describes threads up to this one that nobody described.
  func addThreads(through index: UInt32) {
    precondition(index < 1 << 24, "threads are numbered as `thread(_:)` returns them")
    while threadLimit <= index { _ = thread(ThreadDescription(kernelID: 0, name: "")) }
  }

  /// Adds a file that was mapped as code.
  public func module(_ module: Module) {
    moduleTable.sink.module(module)
    moduleCount += 1
    if moduleTable.isFull { moduleTable.write(to: output, tableHeader(.modules)) }
  }

  /// Adds what the kernel said about the process's memory.
  public func sample(_ sample: ResidentSample) {
    sampleTable.sink.sample(sample)
    if sampleTable.isFull { sampleTable.write(to: output, tableHeader(.samples)) }
  }

  /// Adds the memory of the process at one moment.
  ///
  /// Mappings and ranges have whole pages, none of them empty, and are in order; otherwise they are
  /// left out. A snapshot of more than two million bytes in the file keeps its figures, and loses its
  /// pages.
  public func snapshot(_ snapshot: Snapshot) {
    snapshotTable.add(snapshot)
    if snapshotTable.isFull { writeSnapshots() }
  }

  private func writeSnapshots() {
    var header = tableHeader(.snapshots)
    // Nothing else depends on them: readers of before there were any do without.
    header.flags = ChunkHeader.maySkipFlag
    snapshotTable.write(to: output, header)
  }

  /// Adds a name that the program gave to a moment; the step follows by ``side(_:thread:time:)``.
  func mark(_ mark: MarkDescription) -> MarkID {
    markTable.sink.mark(mark)
    if markTable.isFull { markTable.write(to: output, tableHeader(.marks)) }
    defer { markCount &+= 1 }
    return MarkID(markCount)
  }

  /// Notes that so many requests happened and will not be in the trace.
  public func lose(_ count: UInt64) {
    lostEvents &+= count
    if count > 0 { tallyIsWritten = false }
  }

  /// Notes that so many stacks were cut because they were too deep.
  public func truncateStack(_ count: UInt64 = 1) {
    truncatedStacks &+= count
    if count > 0 { tallyIsWritten = false }
  }

  // MARK: Chunks

  /// Ends the chunk under construction, so that everything appended so far is in the file.
  public func flush() throws(TraceError) {
    endChunk()
    output.drain()
    if let failure = output.failure { throw failure }
  }

  /// Ends the file with the totals and the index.
  ///
  /// What is appended afterwards is ignored.
  public func finish() throws(TraceError) {
    keyframes.isOver = true
    endChunk()
    if !isFinished {
      isFinished = true
      var body = ByteSink()
      body.summary(summary)
      output.section(.body, body.bytes)
      body = ByteSink()
      body.counts(counts)
      output.section(.counts, body.bytes)
      output.finishChunk(tableHeader(.summary))
      output.finishFile(tableHeader(.index))
    }
    output.drain()
    if let failure = output.failure { throw failure }
  }

  /// Writes the tables that the steps need, then the steps.
  @inline(never)
  func endChunk() {
    state.pointee.columns.close()
    if !isFinished {
      if !metadataIsWritten { writeMetadata() }
      if stackTable.pending > 0 { writeStacks() }
      moduleTable.write(to: output, tableHeader(.modules))
      writeThreads()
      sampleTable.write(to: output, tableHeader(.samples))
      writeSnapshots()
      markTable.write(to: output, tableHeader(.marks))
      if state.pointee.columns.steps > 0 || !tallyIsWritten { writeEvents() }
      writeKeyframeIfDue()
    }
    adoptUsableRule()
  }

  private var counts: TableCounts {
    TableCounts(
      stacks: UInt64(stackTable.stackCount), nodes: UInt64(stackTable.nodeCount),
      modules: moduleCount)
  }

  private func writeEvents() {
    var tally = ByteSink()
    tally.varint(lostEvents)
    tally.varint(truncatedStacks)
    output.section(.tally, tally.bytes)
    tallyIsWritten = true
    state.pointee.columns.write(to: output, compare: output.shouldCompareStrategies())
    var header = tableHeader(.events)
    header.version = TraceFormat.eventsVersion
    header.steps = UInt32(state.pointee.columns.steps)
    header.firstAllocation = state.pointee.columns.firstAllocation
    header.firstNanoseconds = state.pointee.columns.firstTick &* TraceFormat.nanosecondsPerTick
    header.lastNanoseconds = state.pointee.columns.lastTick &* TraceFormat.nanosecondsPerTick
    stepsWritten += UInt64(header.steps)
    output.finishChunk(header)
  }

  private func writeStacks() {
    stackTable.write(to: output)
    output.finishChunk(tableHeader(.stacks))
  }

  private func writeMetadata() {
    metadataIsWritten = true
    output.section(.body, storedMetadata.json)
    output.finishChunk(tableHeader(.metadata))
  }

  func tableHeader(_ kind: ChunkKind) -> ChunkHeader {
    var header = ChunkHeader(kind: kind)
    header.firstStep = stepsWritten
    header.threads = threadLimit
    return header
  }

  private func adoptUsableRule() {
    state.pointee.columns.removeAll(UsableRule(headerBytes: storedMetadata.headerBytes))
  }
}
