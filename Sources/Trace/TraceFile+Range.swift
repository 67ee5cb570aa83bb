// Reading a part of a trace without reading all before it.

extension TraceFile {
  /// Whether moments of this trace are times; they are numbers of steps otherwise.
  public var usesTimes: Bool { metadata.knowsTimes && summary.durationNanoseconds > 0 }

  /// Decodes the steps of a range.
  ///
  /// `opening` is called once, first, with what is there when the range begins; then `body` with the
  /// steps in batches, as ``read(addresses:_:)`` does it. Reading starts at the last keyframe before
  /// the range, or at the beginning where there is none; so what it takes follows the range and the
  /// distance between keyframes, not the length of the file.
  ///
  /// Damage outside of what is read is not noticed.
  public func read(
    in range: TraceRange, addresses: Bool, opening: (TraceOpening) throws -> Void,
    _ body: (UnsafeBufferPointer<Request>) throws -> Void
  ) throws {
    var damage: [TraceDamage] = []
    defer { add(damage) }
    let (reader, start) = try start(for: range, addresses: addresses, &damage)
    var state: OpeningState? = start
    let usesTimes = usesTimes
    var stepsBefore = reader.chunks.first?.firstStep ?? 0
    var slots = UInt32(clamping: reader.keyframe?.blocks.count ?? 0)
    func open(_ state: OpeningState) throws {
      let time = usesTimes ? range.lowerBound : reader.keyframe?.head.nanoseconds ?? 0
      try opening(
        state.opening(
          at: Timestamp(nanoseconds: time), stepsBefore: stepsBefore, slots: slots,
          addresses: addresses))
    }
    try reader.read(&damage) { batch, tally in
      var rest = batch[...]
      if state != nil {
        let before = batch.prefix(before: range.lowerBound, tally, usesTimes)
        for request in before { state?.apply(request) }
        rest = rest.dropFirst(before.count)
        stepsBefore = tally.firstStep &+ UInt64(before.count)
        slots = tally.slotsUsed
        guard !rest.isEmpty, let known = state else { return true }
        state = nil
        try open(known)
      }
      guard let end = range.upperBound else {
        if !rest.isEmpty { try body(UnsafeBufferPointer(rebasing: rest)) }
        return true
      }
      let inside = batch.prefix(before: end, tally, usesTimes)
      let steps = rest.prefix(upTo: max(rest.startIndex, inside.endIndex))
      if !steps.isEmpty { try body(UnsafeBufferPointer(rebasing: steps)) }
      return inside.count == batch.count
    }
    if let known = state { try open(known) }
  }

  /// A reader of the chunks that have to be decoded for a range, and what is there before the first.
  private func start(
    for range: TraceRange, addresses: Bool, _ damage: inout [TraceDamage]
  ) throws -> (EventReader, OpeningState) {
    var first = eventChunks.firstIndex(reaching: range.lowerBound, usesTimes)
    let stacks = stacks
    let threads = threads.count
    var step = first < eventChunks.count ? eventChunks[first].firstStep : .max
    while let chunks = keyframeChunks.lastKeyframe(before: step), let record = chunks.first {
      var keyframe = KeyframeStart()
      if let problem = try keyframe.read(
        chunks, file, stacks: stacks, threads: threads, addresses: addresses)
      {
        damage.append(problem)
        guard record.firstStep > 0 else { break }
        step = record.firstStep - 1
        continue
      }
      first = eventChunks.firstIndex { $0.firstStep >= record.firstStep } ?? eventChunks.count
      let reader = EventReader(
        file: file, chunks: Array(eventChunks[first...]), stacks: stacks, threads: threads,
        addresses: addresses, keyframe: keyframe)
      return (reader, OpeningState(keyframe))
    }
    return (
      reader(addresses: addresses), OpeningState(startsInMidst: metadata.startsInMidst)
    )
  }
}

extension Array where Element == ChunkRecord {
  /// The first of these events chunks that may have a step at or after a moment: the last one that
  /// begins before it.
  fileprivate func firstIndex(reaching moment: UInt64, _ usesTimes: Bool) -> Int {
    var lower = startIndex
    var upper = endIndex
    while lower < upper {
      let middle = (lower + upper) / 2
      let begin = usesTimes ? self[middle].firstNanoseconds : self[middle].firstStep
      if begin < moment {
        lower = middle + 1
      } else {
        upper = middle
      }
    }
    return Swift.max(lower - 1, startIndex)
  }
}

extension UnsafeBufferPointer<Request> {
  /// The steps at the start of a batch that come before a moment.
  fileprivate func prefix(
    before moment: UInt64, _ tally: EventReader.Tally, _ usesTimes: Bool
  ) -> Slice<UnsafeBufferPointer<Request>> {
    guard usesTimes else {
      return prefix(Int(clamping: moment > tally.firstStep ? moment - tally.firstStep : 0))
    }
    guard let last, last.time.nanoseconds >= moment else { return self[...] }
    var lower = startIndex
    var upper = endIndex - 1
    while lower < upper {
      let middle = (lower + upper) / 2
      if self[middle].time.nanoseconds < moment {
        lower = middle + 1
      } else {
        upper = middle
      }
    }
    return self[..<lower]
  }
}
