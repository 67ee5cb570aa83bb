// The moments of the steps: only those at which the clock had moved on are written.

/// The times of a chunk under construction.
///
/// Most steps happen in the same tick as the one before. Each of the others takes one byte: how many
/// steps it comes after the last that moved the clock, and by how many ticks it moves it.
struct TimeColumns {
  /// The largest gap and the largest advance that a code holds; from these on, literals follow.
  static let longGap: UInt64 = 62
  static let longAdvance: UInt64 = 3

  var codes = Column(capacity: TraceFormat.stepsPerChunk)
  var literals = Column(capacity: 20 * TraceFormat.stepsPerChunk)
  private var nextStep = 0

  func deallocate() {
    codes.deallocate()
    literals.deallocate()
  }

  mutating func removeAll() {
    codes.removeAll()
    literals.removeAll()
    nextStep = 0
  }

  /// Appends that a step comes so many ticks, at least one, after the step before it.
  mutating func advance(by ticks: UInt64, at step: Int) {
    let gap = UInt64(step &- nextStep)
    nextStep = step &+ 1
    let advance = ticks &- 1
    codes.byte(
      UInt8(
        truncatingIfNeeded: min(gap, Self.longGap) &<< 2 | min(advance, Self.longAdvance)))
    if gap >= Self.longGap { literals.varint(gap &- Self.longGap) }
    if advance >= Self.longAdvance { literals.varint(advance &- Self.longAdvance) }
  }
}

extension TimeColumns {
  /// Takes the times of a chunk of the first layout over: a varint for each step, ticks since the step
  /// before.
  ///
  /// False where the column does not hold so many.
  mutating func rewrite(_ column: ColumnCursor, steps: Int) -> Bool {
    removeAll()
    var column = column
    for step in 0..<steps {
      let ticks = column.varint()
      guard !column.isOverrun else { return false }
      if ticks > 0 { advance(by: ticks, at: step) }
    }
    codes.pad()
    literals.pad()
    return column.isAtEnd
  }

  /// Reads what was rewritten.
  func cursor(firstTick: UInt64) -> TimeCursor {
    TimeCursor(
      codes: ColumnCursor(next: UnsafePointer(codes.base), end: UnsafePointer(codes.end)),
      literals: ColumnCursor(next: UnsafePointer(literals.base), end: UnsafePointer(literals.end)),
      firstTick: firstTick)
  }
}

/// The times of a chunk being read.
struct TimeCursor {
  private var codes: ColumnCursor
  private var literals: ColumnCursor
  /// The next step that moves the clock, and by how many ticks.
  private var nextStep = Int.max
  private var advance: UInt64 = 0
  private var tick: UInt64

  init(codes: ColumnCursor, literals: ColumnCursor, firstTick: UInt64) {
    self.codes = codes
    self.literals = literals
    tick = firstTick
    step(from: 0)
  }

  var isAtEnd: Bool { nextStep == .max && codes.isAtEnd && literals.isAtEnd }

  /// Says of the steps from `first` on, the first that were not asked for yet, how many nanoseconds
  /// each comes after the one before.
  ///
  /// Returns of how many that makes sense: the clock never goes beyond the last tick.
  mutating func unpack(
    from first: Int, count: Int, into delays: UnsafeMutablePointer<UInt64>, until lastTick: UInt64,
    unit: UInt64
  ) -> Int {
    delays.update(repeating: 0, count: count)
    while nextStep < first &+ count {
      guard advance <= lastTick &- tick else { return nextStep &- first }
      tick &+= advance
      delays[nextStep &- first] = advance &* unit
      step(from: nextStep &+ 1)
    }
    return count
  }

  /// Moves on to the next step, from `first` on, that moves the clock.
  @inline(__always)
  private mutating func step(from first: Int) {
    guard codes.next < codes.end, !literals.isOverrun else {
      nextStep = .max
      return
    }
    let code = UInt64(codes.byte())
    var gap = code &>> 2
    advance = code & 3 &+ 1
    if gap >= TimeColumns.longGap { gap &+= literals.varint() & 0xffff_ffff }
    if code & 3 == TimeColumns.longAdvance { advance &+= literals.varint() }
    nextStep = first &+ Int(truncatingIfNeeded: gap)
  }
}
