// Keyframes on their way into the file: the live blocks in columns.

/// The columns of one chunk of a keyframe.
private struct KeyframeColumns: ~Copyable {
  private static let most = KeyframeRule.blocksPerChunk

  var allocations = Column(capacity: 10 * most)
  var stacks = Column(capacity: 10 * most)
  var sizes = Column(capacity: 10 * most)
  var times = Column(capacity: 10 * most)
  var threadRuns = Column(capacity: 20 * most)
  var alignments = Column(capacity: 11 * most)
  var addresses = Column(capacity: 11 * most)
  var usables = Column(capacity: 20 * most)

  private var prediction = KeyframeAddresses()
  private var count = 0
  private var allocation: UInt64 = 0
  private var tick: UInt64 = 0
  private var thread: UInt32 = 0
  private var run: UInt64 = 0
  private var nextAlignmentAfter = 0
  private var nextUsableAfter = 0
  private let usableRule: UsableRule

  init(_ usableRule: UsableRule) { self.usableRule = usableRule }

  deinit {
    for column in [
      allocations, stacks, sizes, times, threadRuns, alignments, addresses, usables,
    ] { column.deallocate() }
  }

  /// Appends a block; blocks come in the order of their allocations.
  mutating func append(_ block: WrittenBlock, at address: UInt64) {
    allocations.varint(block.allocation &- allocation)
    allocation = block.allocation &+ 1
    stacks.varint(UInt64(block.stack))
    sizes.varint(block.size)
    times.varint(block.tick &- tick)
    tick = block.tick
    if block.thread != thread, count > 0 { endRun() }
    thread = block.thread
    run += 1
    if block.alignmentShift != 0 {
      alignments.varint(UInt64(count - nextAlignmentAfter))
      alignments.byte(block.alignmentShift)
      nextAlignmentAfter = count + 1
    }
    prediction.write(address, size: block.size, to: &addresses)
    if block.usable != usableRule.usable(block.size) {
      usables.varint(UInt64(count - nextUsableAfter))
      usables.varint(block.usable &- block.size)
      nextUsableAfter = count + 1
    }
    count += 1
  }

  mutating func endRun() {
    guard run > 0 else { return }
    threadRuns.varint(run)
    threadRuns.varint(UInt64(thread))
    run = 0
  }

  /// Each section with its bytes.
  var sections: [(SectionID, Column)] {
    [
      (.allocations, allocations), (.stacks, stacks), (.sizes, sizes), (.times, times),
      (.threadRuns, threadRuns), (.alignments, alignments), (.addresses, addresses),
      (.usables, usables),
    ]
  }
}

extension ChunkFile {
  /// Writes a keyframe as so many chunks as it needs.
  ///
  /// - Complexity: O(blocks log blocks).
  func write(_ keyframe: RawKeyframe, _ header: ChunkHeader) {
    var blocks = keyframe.blocks
    blocks.sort { $0.packed.order < $1.packed.order }
    var head = keyframe.head
    let most = KeyframeRule.blocksPerChunk
    head.allBlocks = UInt64(blocks.count)
    head.parts = UInt64(max(1, (blocks.count + most - 1) / most))
    for part in 0..<Int(head.parts) {
      let range = part * most..<min(blocks.count, (part + 1) * most)
      head.part = UInt64(part)
      head.blocks = UInt64(range.count)
      var columns = KeyframeColumns(keyframe.usableRule)
      for block in blocks[range] {
        let isUnusual = block.packed.isUnusual
        let known = isUnusual ? keyframe.unusual[block.address] : block.packed.block
        if let known { columns.append(known, at: block.address) }
      }
      columns.endRun()
      var sink = ByteSink()
      sink.keyframeHead(head)
      put(.keyframe, sink.bytes)
      sink = ByteSink()
      sink.varint(TraceFormat.nanosecondsPerTick)
      sink.varint(UInt64(keyframe.usableRule.rawValue))
      put(.rules, sink.bytes)
      if part == 0 {
        sink = ByteSink()
        sink.held(keyframe.held)
        put(.held, sink.bytes)
      }
      for (id, column) in columns.sections where column.count > 0 {
        section(id, column.bytes)
      }
      finishChunk(header)
    }
  }

  private func put(_ id: SectionID, _ bytes: [UInt8]) {
    bytes.withUnsafeBufferPointer { section(id, $0) }
  }
}
