// Which slots of a span live.

/// The slots of a span, of which some live.
///
/// A view of memory that ``deallocate()`` gives back.
public struct SlotMap {
  /// How many slots there are.
  public let count: Int
  /// How many of them live.
  public private(set) var live = 0
  private let words: UnsafeMutablePointer<UInt64>
  private var wordCount: Int { (count + 63) >> 6 }

  /// A span of at least one slot, in which none lives.
  public init(count: Int) {
    precondition(count > 0, "a span without slots")
    self.count = count
    words = .allocate(capacity: (count + 63) >> 6)
    words.initialize(repeating: 0, count: (count + 63) >> 6)
  }

  /// Gives the memory back.
  public func deallocate() { words.deallocate() }

  /// Whether a slot lives.
  public func isLive(_ slot: Int) -> Bool { words[slot >> 6] >> UInt64(slot & 63) & 1 != 0 }

  /// Makes a slot live that does not.
  public mutating func set(_ slot: Int) {
    precondition(!isLive(slot), "a slot that lives already")
    words[slot >> 6] |= 1 << UInt64(slot & 63)
    live += 1
  }

  /// Ends a slot that lives.
  public mutating func clear(_ slot: Int) {
    precondition(isLive(slot), "a slot that does not live")
    words[slot >> 6] &= ~(1 << UInt64(slot & 63))
    live -= 1
  }

  /// The free slot before which so many free ones lie, which must be fewer than there are.
  public func freeSlot(_ rank: Int) -> Int {
    var rest = rank
    var word = 0
    while true {
      let free = 64 - words[word].nonzeroBitCount
      if rest < free { break }
      rest -= free
      word += 1
    }
    var bits = ~words[word]
    for _ in 0..<rest { bits &= bits - 1 }
    return word << 6 + bits.trailingZeroBitCount
  }

  /// Takes a free slot, of which there must be one.
  public mutating func take(_ choice: SlotChoice, _ random: inout SlotRandom) -> Int {
    precondition(live < count, "a full span")
    let slot = freeSlot(choice == .first ? 0 : random.below(count - live))
    set(slot)
    return slot
  }

  /// Whether no slot lives in both spans: whether the two can be meshed.
  public func isDisjoint(with other: SlotMap) -> Bool {
    for word in 0..<min(wordCount, other.wordCount) where words[word] & other.words[word] != 0 {
      return false
    }
    return true
  }
}

/// Randomness that follows from a seed (SplitMix64; Steele, Lea & Flood, OOPSLA 2014).
public struct SlotRandom {
  private var state: UInt64

  /// Numbers that follow from the seed alone.
  public init(seed: Int) { state = UInt64(bitPattern: Int64(seed)) }

  /// A number from zero up to, not including, a bound above zero.
  public mutating func below(_ bound: Int) -> Int {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return Int(truncatingIfNeeded: (z ^ (z >> 31)) >> 1) % bound
  }
}
