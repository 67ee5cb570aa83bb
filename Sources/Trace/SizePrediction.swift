// Sizes and alignments, guessed from the call stack that asks.

/// Predicts that a call stack asks for as many bytes, at the same alignment, as it did last.
///
/// Writer and reader run the same prediction; it begins anew with each chunk. Stacks share entries
/// where their numbers end in the same bits, so that the table stays in the nearest caches.
struct SizePrediction {
  static let entries = 1 << 13
  /// Codes from here on say the high part of a size, with one more byte of literals.
  static let firstMiddle: UInt64 = 192
  /// The code that says: the size is a varint of the literals.
  static let escape: UInt64 = 255

  /// The size, and in the lowest eight bits the alignment's binary logarithm.
  private let last: UnsafeMutablePointer<UInt64>

  init() {
    last = .allocate(capacity: Self.entries)
    last.initialize(repeating: 0, count: Self.entries)
  }

  func deallocate() { last.deallocate() }

  func reset() { last.update(repeating: 0, count: Self.entries) }

  /// Where a stack keeps what it asked for.
  @inline(__always)
  func entry(of stack: UInt32) -> UnsafeMutablePointer<UInt64> {
    last + Int(stack & UInt32(Self.entries - 1))
  }

  @inline(__always)
  static func pack(size: UInt64, shift: UInt8) -> UInt64 { size &<< 8 | UInt64(shift) }
}

/// The sizes and alignments of a chunk under construction.
struct SizeColumns {
  var codes = Column(capacity: TraceFormat.stepsPerChunk)
  var literals = Column(capacity: 10 * TraceFormat.stepsPerChunk)
  var alignments = Column(capacity: 11 * TraceFormat.stepsPerChunk)
  private var nextAlignment = 0
  private let prediction = SizePrediction()

  func deallocate() {
    codes.deallocate()
    literals.deallocate()
    alignments.deallocate()
    prediction.deallocate()
  }

  mutating func removeAll() {
    codes.removeAll()
    literals.removeAll()
    alignments.removeAll()
    nextAlignment = 0
    prediction.reset()
  }

  /// Appends what an allocating step, the `ordinal`th of the chunk, asks for.
  @inline(__always)
  mutating func append(_ size: UInt64, shift: UInt8, stack: UInt32, ordinal: Int) {
    let entry = prediction.entry(of: stack)
    let old = entry.pointee
    let new = SizePrediction.pack(size: size, shift: shift)
    if old == new { return codes.byte(0) }
    entry.pointee = new
    if old &>> 8 == size { codes.byte(0) } else { append(size) }
    if UInt8(truncatingIfNeeded: old) != shift {
      alignments.varint(UInt64(ordinal &- nextAlignment))
      alignments.byte(shift)
      nextAlignment = ordinal &+ 1
    }
  }

  @inline(__always)
  private mutating func append(_ size: UInt64) {
    let code = size &+ 1
    if code < SizePrediction.firstMiddle { return codes.byte(UInt8(truncatingIfNeeded: code)) }
    let rest = code &- SizePrediction.firstMiddle
    if rest < (SizePrediction.escape &- SizePrediction.firstMiddle) &<< 8 {
      codes.byte(UInt8(truncatingIfNeeded: SizePrediction.firstMiddle &+ rest &>> 8))
      literals.byte(UInt8(truncatingIfNeeded: rest))
    } else {
      codes.byte(UInt8(truncatingIfNeeded: SizePrediction.escape))
      literals.varint(size)
    }
  }
}
