// One pass over the steps of a file.

import MemoryUnits

/// Reads the steps of a file's intact events chunks in order.
struct EventReader {
  static let batch = 4096

  let file: FileBytes
  let chunks: [ChunkRecord]
  let stacks: StackTable
  let threads: Int
  let addresses: Bool
  /// What lives before the first of the chunks, where that is not the first of the file.
  var keyframe: KeyframeStart?

  /// What the chunks say beside their steps, so far.
  struct Tally: Sendable {
    var reusedAddresses: UInt64 = 0
    var lostEvents: UInt64 = 0
    var truncatedStacks: UInt64 = 0
    /// The number of the first step of the batch.
    var firstStep: UInt64 = 0
    /// Slots that were given out up to the end of the batch.
    var slotsUsed: UInt32 = 0
  }

  /// Hands out all steps in batches until `body` says that it has enough; adds what cannot be read to
  /// `damage`.
  ///
  /// A batch may be empty: a chunk without steps can still change the tally.
  func read(
    _ damage: inout [TraceDamage],
    _ body: (UnsafeBufferPointer<Request>, Tally) throws -> Bool
  ) throws {
    let steps = chunks.reduce(0) { $0 &+ UInt64($1.steps) }
    if steps > DecodeAhead.fewSteps, DecodeAhead.isWorthwhile, let ahead = DecodeAhead(self) {
      return try ahead.read(&damage, body)
    }
    let requests = UnsafeMutablePointer<Request>.allocate(capacity: Self.batch)
    defer { requests.deallocate() }
    var hasEnough = false
    var failure: (any Error)?
    try decode(&damage) { () -> UnsafeMutablePointer<Request>? in
      hasEnough ? nil : requests
    } deliver: { count, tally in
      do {
        hasEnough = try !body(UnsafeBufferPointer(start: requests, count: count), tally)
      } catch {
        failure = error
        hasEnough = true
      }
    }
    if let failure { throw failure }
  }

  /// Decodes all steps into memory that `room` offers for each batch, until it offers none; `deliver`
  /// is told how many steps stand there then.
  ///
  /// With `loadsAhead`, columns are unpacked on another thread.
  func decode(
    _ damage: inout [TraceDamage], loadsAhead: Bool = false,
    room: () -> UnsafeMutablePointer<Request>?, deliver: (Int, Tally) -> Void
  ) throws(TraceError) {
    var decoder = EventDecoder(
      stacks: stacks, threads: threads, addresses: addresses,
      expecting: chunks.reduce(UInt64(keyframe?.blocks.count ?? 0)) { $0 &+ UInt64($1.steps) })
    if let keyframe { decoder.begin(at: keyframe) }
    if loadsAhead, let ahead = LoadAhead(file, chunks, addresses: addresses) {
      defer { ahead.stop() }
      for record in chunks {
        guard let columns = try ahead.next(),
          decode(columns, record, &decoder, &damage, room: room, deliver: deliver)
        else { return }
        ahead.giveBack()
      }
      return
    }
    let columns = ChunkColumns(file)
    for record in chunks {
      try columns.load(record, of: file, addresses: addresses)
      guard decode(columns, record, &decoder, &damage, room: room, deliver: deliver) else { return }
    }
  }

  /// Decodes the steps of one chunk; false where there is no room for more.
  private func decode(
    _ columns: ChunkColumns, _ record: ChunkRecord, _ decoder: inout EventDecoder,
    _ damage: inout [TraceDamage], room: () -> UnsafeMutablePointer<Request>?,
    deliver: (Int, Tally) -> Void
  ) -> Bool {
    guard let chunk = columns.chunk else {
      damage.append(TraceDamage(record, "the chunk is not where the index says"))
      return true
    }
    var problem = columns.problem
    var lost = UInt64(chunk.header.steps)
    if problem == nil {
      // Every allocation takes at least one byte before it is packed.
      let limit = UInt64(chunk.offset * TraceFormat.maximumDeflateRatio)
      if decoder.begin(chunk.header, columns, limit: limit) {
        while true {
          guard let requests = room() else { return false }
          let first = chunk.header.firstStep &+ UInt64(decoder.step)
          let count = decoder.next(into: requests, capacity: Self.batch)
          let tally = Tally(
            reusedAddresses: decoder.reusedAddresses, lostEvents: decoder.lostEvents,
            truncatedStacks: decoder.truncatedStacks, firstStep: first,
            slotsUsed: decoder.live.slotsUsed)
          deliver(count, tally)
          if decoder.isDone { break }
        }
      }
      problem = decoder.problem
      lost = UInt64(decoder.remainingSteps)
    }
    if let problem { damage.append(TraceDamage(chunk, lostSteps: lost, problem)) }
    return true
  }

  /// The totals of all steps that can be read; steps known to be lost count as lost events.
  func summary(
    startsInMidst: Bool, _ damage: inout [TraceDamage]
  ) throws(TraceError) -> TraceSummary {
    var totals = SummaryBuilder()
    if startsInMidst { totals.startInMidst() }
    var sizes = SlotSizes()
    var last = Tally()
    do {
      try read(&damage) { batch, tally in
        for request in batch { sizes.add(request, to: &totals) }
        last = tally
        return true
      }
    } catch let error as TraceError {
      throw error
    } catch {
      throw .cannotRead(path: file.path, offset: 0, reason: "\(error)")
    }
    totals.noteLiveAddresses(last.reusedAddresses)
    totals.setLostEvents(damage.reduce(last.lostEvents) { $0 &+ $1.lostSteps })
    totals.setTruncatedStacks(last.truncatedStacks)
    return totals.summary
  }
}

/// The sizes of the live blocks by slot, which the totals need.
struct SlotSizes {
  private var sizes: [Int64] = []

  /// Takes note of a block that lives.
  mutating func set(_ request: Request) { set(request.slot.index, request.size.rawValue) }

  mutating func add(_ request: Request, to totals: inout SummaryBuilder) {
    let time = request.time.nanoseconds
    let slot = request.slot.index
    let size = request.size.rawValue
    switch request.operation {
    case .allocate:
      set(slot, size)
      totals.allocate(size, time)
    case .reallocateEnd:
      set(slot, size)
      totals.reallocateEnd(size, time)
    case .reallocate:
      totals.reallocate(from: sizes[slot], to: size, time)
      sizes[slot] = size
    case .free: totals.free(sizes[slot], time)
    case .reallocateBegin: totals.reallocateBegin(sizes[slot], time)
    case .abandon: totals.abandon(sizes[slot], time)
    case .moveBreak: totals.moveBreak(time)
    case .startBreak: totals.startBreak(time)
    case .freeUnknown: totals.freeUnknown(time)
    case .map, .unmap, .discard, .discardLazily, .trim, .setOption, .mark, .poolAllocate, .poolFree,
      .resizeHeap, .setBreak:
      totals.sideStep(time)
    }
  }

  private mutating func set(_ slot: Int, _ size: Int64) {
    while sizes.count <= slot { sizes.append(0) }
    sizes[slot] = size
  }
}
