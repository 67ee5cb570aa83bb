// What the allocating steps of a chunk ask for, unpacked column by column before the steps are read.

/// Stacks, sizes and alignments of the allocating steps of one chunk, for whoever decodes the steps.
struct BlockView {
  var stacks: UnsafePointer<UInt32>
  var sizes: UnsafePointer<UInt64>
  var shifts: UnsafePointer<UInt8>
  var count: Int
}

extension BlockView {
  /// Those of no steps; nobody looks at the memory.
  init(nothingAt memory: UnsafeMutablePointer<UInt64>) {
    let raw = UnsafeRawPointer(memory)
    self.init(
      stacks: raw.assumingMemoryBound(to: UInt32.self), sizes: UnsafePointer(memory),
      shifts: raw.assumingMemoryBound(to: UInt8.self), count: 0)
  }
}

/// Stacks, sizes and alignments of the allocating steps of one chunk after another.
struct BlockColumns {
  private let stacks: UnsafeMutablePointer<UInt32>
  private let sizes: UnsafeMutablePointer<UInt64>
  private let shifts: UnsafeMutablePointer<UInt8>
  private(set) var count = 0
  private let prediction = SizePrediction()

  init() {
    stacks = .allocate(capacity: TraceFormat.stepsPerChunk)
    sizes = .allocate(capacity: TraceFormat.stepsPerChunk)
    shifts = .allocate(capacity: TraceFormat.stepsPerChunk)
    stacks.initialize(repeating: 0, count: TraceFormat.stepsPerChunk)
    sizes.initialize(repeating: 0, count: TraceFormat.stepsPerChunk)
    shifts.initialize(repeating: 0, count: TraceFormat.stepsPerChunk)
  }

  /// What was unpacked last; holds until the next time.
  var view: BlockView {
    BlockView(
      stacks: UnsafePointer(stacks), sizes: UnsafePointer(sizes), shifts: UnsafePointer(shifts),
      count: count)
  }

  func deallocate() {
    stacks.deallocate()
    sizes.deallocate()
    shifts.deallocate()
    prediction.deallocate()
  }

  /// Unpacks the columns of a chunk with so many allocating steps; returns what is wrong, or nil.
  mutating func load(_ payload: ChunkPayload, version: UInt8, count: Int) -> String? {
    self.count = count
    if version == 1 { return loadFirstLayout(payload) }
    return loadStacks(payload) ?? loadSizes(payload)
  }

  private func loadStacks(_ payload: ChunkPayload) -> String? {
    stacks.update(repeating: 0, count: count)
    let planes: [SectionID] = [.stackBytes0, .stackBytes1, .stackBytes2, .stackBytes3]
    for (plane, id) in planes.enumerated() {
      let bytes = payload.section(id)
      if bytes.isEmpty { continue }
      guard bytes.count == count, let base = bytes.baseAddress else {
        return "a column of stacks has a wrong length"
      }
      let shift = UInt32(8 * plane)
      for index in 0..<count { stacks[index] |= UInt32(base[index]) &<< shift }
    }
    return nil
  }

  private func loadSizes(_ payload: ChunkPayload) -> String? {
    let codes = payload.section(.sizeCodes)
    guard codes.count == count else { return "the column of sizes has a wrong length" }
    guard let base = codes.baseAddress else { return nil }
    var literals = payload.cursor(.sizeLiterals)
    var alignments = payload.cursor(.alignmentChanges)
    var nextAlignment = EventDecoder.position(after: 0, &alignments)
    var isTooLarge = false
    prediction.reset()
    for index in 0..<count {
      let entry = prediction.entry(of: stacks[index])
      let code = UInt64(base[index])
      let old = entry.pointee
      // Both are made and one is chosen: which one it is, no processor can foresee.
      let small = (code &- 1) &<< 8 | old & 0xff
      var new = code == 0 ? old : small
      if code >= SizePrediction.firstMiddle || index == nextAlignment {
        let size = code == 0 ? old &>> 8 : Self.size(code, &literals)
        var shift = UInt8(truncatingIfNeeded: old)
        isTooLarge = isTooLarge || size > TraceFormat.maximumSize
        if index == nextAlignment {
          shift = alignments.byte() & 63
          nextAlignment = EventDecoder.position(after: index &+ 1, &alignments)
        }
        new = SizePrediction.pack(size: size, shift: shift)
        if literals.isOverrun { break }
      }
      entry.pointee = new
      sizes[index] = new &>> 8
      shifts[index] = UInt8(truncatingIfNeeded: new)
    }
    if isTooLarge { return "a block is larger than any address space" }
    return literals.isAtEnd && alignments.isAtEnd && nextAlignment == .max
      ? nil : "the columns of sizes do not add up"
  }

  @inline(__always)
  private static func size(_ code: UInt64, _ literals: inout ColumnCursor) -> UInt64 {
    if code < SizePrediction.firstMiddle { return code &- 1 }
    if code == SizePrediction.escape { return literals.varint() }
    let low = UInt64(literals.byte())
    return SizePrediction.firstMiddle &- 1 &+ (code &- SizePrediction.firstMiddle) &<< 8 &+ low
  }

  /// In the first layout, stacks and sizes are plain numbers, and alignments stand where a step names
  /// one.
  private func loadFirstLayout(_ payload: ChunkPayload) -> String? {
    var stackColumn = payload.cursor(.stacks)
    var sizeColumn = payload.cursor(.sizes)
    for index in 0..<count {
      stacks[index] = UInt32(truncatingIfNeeded: min(stackColumn.varint(), UInt64(UInt32.max)))
      sizes[index] = sizeColumn.varint()
      guard !stackColumn.isOverrun, !sizeColumn.isOverrun else {
        return "a column ends too early"
      }
      guard sizes[index] <= TraceFormat.maximumSize else {
        return "a block is larger than any address space"
      }
    }
    guard stackColumn.isAtEnd, sizeColumn.isAtEnd else { return "a column is too long" }
    shifts.update(repeating: 0, count: count)
    var alignments = payload.cursor(.alignments)
    var next = EventDecoder.position(after: 0, &alignments)
    while next < count, alignments.next < alignments.end {
      shifts[next] = alignments.byte()
      guard shifts[next] < 64 else { return "an alignment is larger than any address space" }
      next = EventDecoder.position(after: next &+ 1, &alignments)
    }
    return next == .max && alignments.isAtEnd ? nil : "the column of alignments does not add up"
  }
}
