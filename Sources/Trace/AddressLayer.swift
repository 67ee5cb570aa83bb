// The address layer of a chunk: where blocks lie, and how many bytes of them are usable.

/// Reads the addresses and usable bytes of the blocks of one chunk after another.
struct AddressLayer {
  private let isRead: Bool
  private var usesReuse = true
  private var reuse: ReusePrediction
  private var cursor: AddressCursor
  private var firstPrediction: AddressPrediction
  private var firstCodes: ColumnCursor
  private var raw: ColumnCursor
  private var usables: ColumnCursor
  private var nextUsable = Int.max
  private var usableRule = UsableRule.asRequested

  /// Makes no room for predictions where no addresses will be read.
  init(isRead: Bool) {
    self.isRead = isRead
    reuse = ReusePrediction(blocks: isRead ? TraceFormat.stepsPerChunk : 0)
    firstPrediction = AddressPrediction()
    let nothing = ColumnCursor(
      next: UnsafePointer(reuse.blockClasses), end: UnsafePointer(reuse.blockClasses))
    cursor = AddressCursor(codes: nothing, literals: nothing, drops: nothing)
    firstCodes = nothing
    raw = nothing
    usables = nothing
  }

  func deallocate() {
    reuse.deallocate()
    firstPrediction.deallocate()
  }

  /// Prepares for a chunk with these rules, in which so many blocks begin; returns what is wrong, or
  /// nil.
  mutating func adopt(
    _ payload: ChunkPayload, _ rules: (usable: UInt8, prediction: UInt8), blocks: Int
  ) -> String? {
    let prediction = rules.prediction
    guard let rule = UsableRule(rawValue: rules.usable),
      [AddressPrediction.identifier, ReusePrediction.identifier].contains(prediction)
    else { return "its addresses are coded in the way of a later version" }
    usableRule = rule
    usesReuse = prediction == ReusePrediction.identifier
    raw = payload.cursor(.rawAddresses)
    usables = payload.cursor(.usables)
    nextUsable = EventDecoder.position(after: 0, &usables)
    cursor = AddressCursor(
      codes: payload.cursor(.addressCodes), literals: payload.cursor(.addressLiterals),
      drops: payload.cursor(.addressDrops))
    firstCodes = payload.cursor(.addresses)
    if !usesReuse {
      firstPrediction.reset()
      return nil
    }
    reuse.reset(rule)
    // So no code needs a check of its own.
    return payload.section(.addressCodes).count == blocks
      ? nil : "the column of addresses has a wrong length"
  }

  /// The address of the next step that has one of no block; nil where there is none.
  mutating func rawAddress() -> UInt64? {
    let address = raw.varint()
    return raw.isOverrun ? nil : address
  }

  /// The address and the usable bytes of the next block, the `ordinal`th of the chunk, which replaces
  /// the `old` one, or none if that is -1; nil where the columns do not add up.
  @inline(__always)
  mutating func next(
    size: UInt64, ordinal: Int, old: Int, thread: Int
  ) -> (address: UInt64, usable: UInt64)? {
    let expected = usableRule.usable(size)
    var usable = expected
    if ordinal == nextUsable {
      guard let exceptional = nextUsable(size: size, ordinal: ordinal) else { return nil }
      usable = exceptional
    }
    guard usesReuse else { return firstAddress(size: size).map { ($0, usable) } }
    guard
      let address = reuse.read(
        &cursor, usable: usable, expected: expected, ordinal: ordinal, old: old, thread: thread)
    else { return nil }
    if old >= 0 && reuse.addresses[old] != address { free(old, thread: thread) }
    return (address, usable)
  }

  @inline(never)
  private mutating func nextUsable(size: UInt64, ordinal: Int) -> UInt64? {
    let usable = size &+ usables.varint()
    guard usable <= TraceFormat.maximumSize, !usables.isOverrun else { return nil }
    nextUsable = EventDecoder.position(after: ordinal &+ 1, &usables)
    return usable
  }

  @inline(never)
  private mutating func firstAddress(size: UInt64) -> UInt64? {
    let code = firstCodes.varint()
    let address = firstPrediction.address(code, size: size) { raw.varint() }
    return firstCodes.isOverrun || raw.isOverrun ? nil : address
  }

  /// Takes note that a thread freed the `ordinal`th block of the chunk.
  ///
  /// A chunk that does not make sense may free one twice: lists must not become circles.
  @inline(__always)
  mutating func free(_ ordinal: Int, thread: Int) {
    guard usesReuse, reuse.nexts[ordinal] == ReusePrediction.notFreed else { return }
    reuse.free(ordinal, thread: thread)
  }
}
