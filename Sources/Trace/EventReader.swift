// One pass over all steps of a file.

import MemoryUnits

/// Reads the steps of a file's intact events chunks in order.
struct EventReader {
  private static let batch = 4096

  let file: FileBytes
  let chunks: [FoundChunk]
  let stacks: StackTable
  let threads: Int
  let addresses: Bool

  /// What the chunks say beside their steps, so far.
  struct Tally {
    var reusedAddresses: UInt64 = 0
    var lostEvents: UInt64 = 0
    var truncatedStacks: UInt64 = 0
  }

  /// Hands out all steps in batches and adds what cannot be read to `damage`.
  ///
  /// A batch may be empty: a chunk without steps can still change the tally.
  func read(
    _ damage: inout [TraceDamage],
    _ body: (UnsafeBufferPointer<Request>, Tally) throws -> Void
  ) throws {
    let payload = ChunkPayload(file)
    var decoder = EventDecoder(
      stacks: stacks, threads: threads, addresses: addresses,
      expecting: chunks.reduce(0) { $0 &+ UInt64($1.header.steps) })
    let requests = UnsafeMutablePointer<Request>.allocate(capacity: Self.batch)
    defer { requests.deallocate() }
    for chunk in chunks {
      var problem = try payload.load(chunk, addresses: addresses)
      var lost = UInt64(chunk.header.steps)
      if problem == nil {
        // Every allocation takes at least one byte before it is packed.
        let limit = UInt64(chunk.offset * TraceFormat.maximumDeflateRatio)
        if decoder.begin(chunk.header, payload, limit: limit) {
          while true {
            let count = decoder.next(into: requests, capacity: Self.batch)
            let tally = Tally(
              reusedAddresses: decoder.reusedAddresses, lostEvents: decoder.lostEvents,
              truncatedStacks: decoder.truncatedStacks)
            try body(UnsafeBufferPointer(start: requests, count: count), tally)
            if decoder.isDone { break }
          }
        }
        problem = decoder.problem
        lost = UInt64(decoder.remainingSteps)
      }
      if let problem { damage.append(TraceDamage(chunk, lostSteps: lost, problem)) }
    }
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
private struct SlotSizes {
  private var sizes: [Int64] = []

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
