// Keyframes out of the file.

import MemoryUnits

/// What lives where a keyframe stands, ready for reading to begin there.
struct KeyframeStart {
  var head = KeyframeHead()
  var held = HeldMemory()
  /// The live blocks as steps that began them, in the order of their allocations; the first has slot
  /// 0, the next slot 1, and so on.
  var blocks: [Request] = []
  /// The number of the allocation of each.
  var allocations: [UInt64] = []

  /// Reads a keyframe, which stands in these chunks.
  ///
  /// Everything is checked as it is read. Returns what is wrong with which of the chunks, or nil.
  mutating func read(
    _ chunks: ArraySlice<ChunkRecord>, _ file: FileBytes, stacks: StackTable, threads: Int,
    addresses: Bool
  ) throws(TraceError) -> TraceDamage? {
    let payload = ChunkPayload(file)
    for (part, record) in chunks.enumerated() {
      guard let chunk = try file.chunk(record) else {
        return TraceDamage(record, "the chunk is not where the index says")
      }
      let problem =
        chunk.header.version != 1
        ? "this chunk belongs to a later version of the format"
        : try payload.load(chunk, addresses: addresses)
          ?? add(
            payload, part: part, of: chunks.count, stacks: stacks, threads: threads,
            addresses: addresses)
      if let problem { return TraceDamage(chunk, lostSteps: 0, problem) }
    }
    guard head.allBlocks != UInt64(blocks.count) else { return nil }
    return chunks.first.map { TraceDamage($0, "blocks of the keyframe are missing") }
  }

  private mutating func add(
    _ payload: ChunkPayload, part: Int, of parts: Int, stacks: StackTable, threads: Int,
    addresses: Bool
  ) -> String? {
    var source = payload.source(.keyframe)
    guard let head = source.keyframeHead(), head.part == UInt64(part), head.parts == UInt64(parts)
    else { return "its head makes no sense" }
    if part == 0 {
      self.head = head
      if addresses {
        var source = payload.source(.held)
        guard let held = source.held() else { return "what it says of held memory is incomplete" }
        self.held = held
      }
    }
    guard head.nextAllocation == self.head.nextAllocation, head.allBlocks == self.head.allBlocks,
      head.nanoseconds == self.head.nanoseconds
    else { return "it belongs to another keyframe" }
    var rules = payload.source(.rules)
    guard let unit = rules.varint(), unit > 0, let rule = rules.varint(),
      let usableRule = UsableRule(rawValue: UInt8(truncatingIfNeeded: rule)), rule < 256
    else { return "its rules belong to a later version" }
    var columns = KeyframeCursors(payload, addresses: addresses)
    let limits = KeyframeLimits(
      nextAllocation: head.nextAllocation, lastTick: head.nanoseconds / unit, unit: unit,
      stacks: UInt64(stacks.count), threads: UInt64(threads), usableRule: usableRule)
    for _ in 0..<head.blocks {
      guard
        var block = columns.next(
          limits, after: allocations.last, slot: UInt32(truncatingIfNeeded: blocks.count))
      else { return "its columns do not add up" }
      block.request.entry = stacks.entry(of: block.request.stack)
      blocks.append(block.request)
      allocations.append(block.allocation)
    }
    return columns.isAtEnd ? nil : "a column is too long"
  }
}

/// What the numbers in a keyframe may be.
private struct KeyframeLimits {
  var nextAllocation: UInt64
  var lastTick: UInt64
  var unit: UInt64
  var stacks: UInt64
  var threads: UInt64
  var usableRule: UsableRule
}

/// The columns of one chunk of a keyframe, being read.
private struct KeyframeCursors {
  private var allocationColumn: ColumnCursor
  private var stacks: ColumnCursor
  private var sizes: ColumnCursor
  private var times: ColumnCursor
  private var threadRuns: ColumnCursor
  private var alignments: ColumnCursor
  private var addressColumn: ColumnCursor
  private var usables: ColumnCursor
  private let readsAddresses: Bool

  private var prediction = KeyframeAddresses()
  private var count = 0
  private var allocation: UInt64 = 0
  private var tick: UInt64 = 0
  private var thread: UInt64 = 0
  private var run: UInt64 = 0
  private var nextAlignment: Int
  private var nextUsable: Int

  init(_ payload: ChunkPayload, addresses: Bool) {
    allocationColumn = payload.cursor(.allocations)
    stacks = payload.cursor(.stacks)
    sizes = payload.cursor(.sizes)
    times = payload.cursor(.times)
    threadRuns = payload.cursor(.threadRuns)
    alignments = payload.cursor(.alignments)
    addressColumn = payload.cursor(.addresses)
    usables = payload.cursor(.usables)
    readsAddresses = addresses
    nextAlignment = EventDecoder.position(after: 0, &alignments)
    nextUsable = EventDecoder.position(after: 0, &usables)
  }

  var isAtEnd: Bool {
    allocationColumn.isAtEnd && stacks.isAtEnd && sizes.isAtEnd && times.isAtEnd && run == 0
      && threadRuns.isAtEnd && nextAlignment == .max
      && (!readsAddresses || addressColumn.isAtEnd && nextUsable == .max)
  }

  private var isOverrun: Bool {
    allocationColumn.isOverrun || stacks.isOverrun || sizes.isOverrun || times.isOverrun
      || threadRuns.isOverrun || alignments.isOverrun || addressColumn.isOverrun
      || usables.isOverrun
  }

  /// The next block; nil where that is not possible.
  mutating func next(
    _ limits: KeyframeLimits, after previous: UInt64?, slot: UInt32
  ) -> (request: Request, allocation: UInt64)? {
    let gap = allocationColumn.varint()
    guard gap < limits.nextAllocation, allocation < limits.nextAllocation else { return nil }
    allocation += gap
    guard allocation < limits.nextAllocation, previous.map({ allocation > $0 }) ?? true else {
      return nil
    }
    defer { allocation += 1 }
    let own = allocation
    let delta = times.varint()
    guard delta <= limits.lastTick &- tick, tick <= limits.lastTick else { return nil }
    tick += delta
    guard nextThread(limits) else { return nil }
    let size = sizes.varint()
    let stack = stacks.varint()
    guard size <= TraceFormat.maximumSize, !isOverrun else { return nil }
    var request = Request(
      operation: .allocate, slot: Slot(slot),
      time: Timestamp(nanoseconds: tick &* limits.unit), size: ByteCount(Int64(size)),
      usable: ByteCount(Int64(size)),
      stack: stack < limits.stacks ? StackID(UInt32(stack)) : .unknown,
      thread: ThreadIndex(UInt32(truncatingIfNeeded: thread)))
    guard readAlignment(&request), readAddress(&request, size, limits) else { return nil }
    count += 1
    return isOverrun ? nil : (request, own)
  }

  private mutating func nextThread(_ limits: KeyframeLimits) -> Bool {
    if run == 0 {
      guard threadRuns.next < threadRuns.end else { return false }
      run = threadRuns.varint()
      guard threadRuns.next < threadRuns.end else { return false }
      thread = threadRuns.varint()
      guard run > 0, thread < limits.threads else { return false }
    }
    run -= 1
    return true
  }

  private mutating func readAlignment(_ request: inout Request) -> Bool {
    guard count == nextAlignment else { return true }
    guard alignments.next < alignments.end else { return false }
    let shift = alignments.byte()
    guard shift < 64 else { return false }
    request.alignmentShift = shift
    nextAlignment = EventDecoder.position(after: count + 1, &alignments)
    return true
  }

  private mutating func readAddress(
    _ request: inout Request, _ size: UInt64, _ limits: KeyframeLimits
  ) -> Bool {
    guard readsAddresses else { return true }
    request.address = Address(prediction.read(size: size, from: &addressColumn))
    var usable = limits.usableRule.usable(size)
    if count == nextUsable {
      guard usables.next < usables.end else { return false }
      usable = size &+ usables.varint()
      guard usable >= size, usable <= TraceFormat.maximumSize else { return false }
      nextUsable = EventDecoder.position(after: count + 1, &usables)
    }
    request.usable = ByteCount(Int64(usable))
    return true
  }
}

extension EventDecoder {
  /// Goes on from a keyframe, whose blocks get the slots that it says.
  mutating func begin(at keyframe: KeyframeStart) {
    live.skip(to: keyframe.head.nextAllocation)
    for (request, allocation) in zip(keyframe.blocks, keyframe.allocations) {
      live.adopt(allocation)
      noteFamily(request.slot.rawValue, request.stack)
    }
  }
}

extension Array where Element == ChunkRecord {
  /// The last of the keyframes among these chunks that stands before so many steps at most.
  ///
  /// Between two keyframes there is a step at least.
  func lastKeyframe(before step: UInt64) -> ArraySlice<ChunkRecord>? {
    var end = endIndex
    while end > startIndex, self[end - 1].firstStep > step { end -= 1 }
    guard end > startIndex else { return nil }
    var start = end - 1
    while start > startIndex, self[start - 1].firstStep == self[start].firstStep { start -= 1 }
    return self[start..<end]
  }
}
