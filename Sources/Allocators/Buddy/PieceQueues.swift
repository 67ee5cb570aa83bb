// Queues of places, one for each class of a buddy system.

/// For each of up to 128 classes the places of its pieces, lowest first.
///
/// The owner's tables say which places are still meant, as in `AddressQueue`.
struct PieceQueues: ~Copyable {
  private let queues: UnsafeMutablePointer<AddressQueue>
  /// One bit for each class of which there is a piece: the first 64, and the others.
  private var low: UInt64 = 0
  private var high: UInt64 = 0

  init() {
    queues = .allocate(capacity: BuddyRule.classLimit)
    queues.initialize(repeating: AddressQueue(), count: BuddyRule.classLimit)
  }

  deinit {
    for number in 0..<BuddyRule.classLimit { queues[number].deallocate() }
    queues.deallocate()
  }

  /// The smallest class of at least this one that has a piece, or -1.
  @inline(__always)
  func first(atLeast number: Int) -> Int {
    if number < 64 {
      let bits = low & (~0 << UInt64(truncatingIfNeeded: number))
      if bits != 0 { return bits.trailingZeroBitCount }
    }
    guard high != 0 else { return -1 }
    let bits = number < 64 ? high : high & (~0 << UInt64(truncatingIfNeeded: number &- 64))
    return bits == 0 ? -1 : 64 &+ bits.trailingZeroBitCount
  }

  /// The lowest piece of a class, which must have one.
  @inline(__always)
  mutating func lowest(_ number: Int, isMeant: (Int) -> Bool) -> Int {
    queues[number].lowest(isFree: isMeant)
  }

  @inline(__always)
  mutating func push(_ place: Int, _ number: Int, isMeant: (Int) -> Bool) {
    queues[number].push(place, isFree: isMeant)
    if number < 64 { low |= 1 << UInt64(number) } else { high |= 1 << UInt64(number - 64) }
  }

  /// Says that a piece of the class is gone.
  @inline(__always)
  mutating func vanish(_ number: Int) {
    guard queues[number].vanish() else { return }
    if number < 64 { low &= ~(1 << UInt64(number)) } else { high &= ~(1 << UInt64(number - 64)) }
  }
}
