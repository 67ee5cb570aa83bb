// One tree of buddies: an address space that is cut, and joined again, by a rule.

internal import MemoryUnits

/// A binary tree of blocks over an address space that grows upwards without end.
///
/// The tree's root covers everything up to the highest block ever taken; when it gets too small it
/// becomes the lower part of a root of the next class, whose upper part is new. Pieces are live,
/// free, or in reserve: address space that is not held.
///
/// A block remembers which part of its parent it is, and half of what its parent remembered: the
/// lower part has the parent's side, the upper what the parent remembered itself, so that joining
/// restores both (Cranston & Thomas, CACM 18(6) 1975, with more than one kind of upper part).
struct BuddyTree: ~Copyable {
  private static let chunkShift = 22

  /// What begins at a place.
  enum State: UInt16 { case live, free, reserve }

  /// A piece of the tree.
  struct Piece {
    var number: Int
    var side: BuddyRule.Side
    /// What it remembers of its parent.
    var memory: BuddyRule.Side
  }

  let rule: BuddyRule
  var work = Work()
  private var free = PieceQueues()
  private var reserve = PieceQueues()
  /// For each place the piece that begins there, as a tag that is not zero.
  private var tags = ChunkDirectory(chunkByteCount: 2 << BuddyTree.chunkShift)
  /// The class of the root, or -1.
  private var root = -1

  init(_ rule: consuming BuddyRule) { self.rule = rule }

  // MARK: Tags

  @inline(__always)
  private static func tag(_ piece: Piece, _ state: State) -> UInt16 {
    UInt16(
      truncatingIfNeeded: piece.number &+ 1 | piece.side << 8 | piece.memory << 10
        | Int(state.rawValue) << 12)
  }

  @inline(__always)
  private static func tag(_ tags: borrowing ChunkDirectory, at place: Int) -> UInt16 {
    let number = place >> chunkShift
    guard number < tags.count, let chunk = tags.chunk(number) else { return 0 }
    return chunk.assumingMemoryBound(to: UInt16.self)[place & ((1 << chunkShift) - 1)]
  }

  @inline(__always)
  private mutating func setTag(_ place: Int, _ tag: UInt16) {
    let chunk = tags.writableChunk(place >> Self.chunkShift)
    chunk.assumingMemoryBound(to: UInt16.self)[place & ((1 << Self.chunkShift) - 1)] = tag
  }

  @inline(__always)
  private static func piece(_ tag: UInt16) -> Piece {
    Piece(
      number: Int(tag & 0xff) &- 1, side: Int(tag >> 8 & 3), memory: Int(tag >> 10 & 3))
  }

  @inline(__always)
  private static func has(
    _ tags: borrowing ChunkDirectory, _ place: Int, _ number: Int, _ state: State
  ) -> Bool {
    let tag = tag(tags, at: place)
    return tag & 0xff == UInt16(truncatingIfNeeded: number &+ 1) && tag >> 12 == state.rawValue
  }

  /// The live block that begins here, or nil.
  @inline(__always)
  func block(at place: Int) -> Piece? {
    let tag = Self.tag(tags, at: place)
    return tag != 0 && tag >> 12 == State.live.rawValue ? Self.piece(tag) : nil
  }

  /// Where the live block begins that covers a place.
  func start(ofBlockCovering place: Int) -> Int {
    var start = 0
    var number = root
    while number >= 0, !Self.has(tags, start, number, .live) {
      number -= 1
      guard place >= start + rule.size(number) else { continue }
      start += rule.size(number)
      number = rule.upperClass(number + 1)
    }
    precondition(number >= 0, "a block was freed that does not live")
    return start
  }

  // MARK: Free pieces

  @inline(__always)
  private mutating func insertFree(_ place: Int, _ piece: Piece) {
    free.push(place, piece.number) { Self.has(tags, $0, piece.number, .free) }
    setTag(place, Self.tag(piece, .free))
    work.listOperations &+= 1
  }

  @inline(__always)
  private mutating func removeFree(_ place: Int, _ number: Int) {
    setTag(place, 0)
    free.vanish(number)
    work.listOperations &+= 1
  }

  private mutating func insertReserve(_ place: Int, _ piece: Piece) {
    reserve.push(place, piece.number) { Self.has(tags, $0, piece.number, .reserve) }
    setTag(place, Self.tag(piece, .reserve))
  }

  // MARK: Blocks

  /// A free block of the smallest class that will do, cut to the class; the place is -1 if there is
  /// none.
  @inline(__always)
  mutating func take(_ number: Int) -> Int {
    let found = free.first(atLeast: number)
    guard found >= 0 else { return -1 }
    let place = free.lowest(found) { Self.has(tags, $0, found, .free) }
    let piece = Self.piece(Self.tag(tags, at: place))
    removeFree(place, found)
    work.holesInspected &+= UInt64(truncatingIfNeeded: found &- number &+ 1)
    return cut(place, piece, to: number)
  }

  /// Cuts a piece that is on no list until it is a live block of the class: goes on with the
  /// upper part, which is never the larger one, where that will do.
  @inline(__always)
  private mutating func cut(_ start: Int, _ whole: Piece, to number: Int) -> Int {
    var (place, piece) = (start, whole)
    while piece.number > number {
      let (lower, upper) = parts(of: piece)
      let middle = place &+ rule.size(lower.number)
      work.splits &+= 1
      if upper.number >= number {
        insertFree(place, lower)
        (place, piece) = (middle, upper)
      } else {
        insertFree(middle, upper)
        piece = lower
      }
    }
    setTag(place, Self.tag(piece, .live))
    return place
  }

  @inline(__always)
  private func parts(of piece: Piece) -> (lower: Piece, upper: Piece) {
    let lower = Piece(number: piece.number &- 1, side: BuddyRule.lower, memory: piece.side)
    let upper = Piece(
      number: rule.upperClass(piece.number), side: rule.upperSide(piece.number),
      memory: piece.memory)
    return (lower, upper)
  }

  /// Where the buddy of a piece begins, its class, and the class of both together; nil for the root.
  @inline(__always)
  private func buddy(_ place: Int, _ piece: Piece) -> (place: Int, number: Int, parent: Int)? {
    let parent = rule.parent(piece.number, piece.side)
    guard parent >= 0 else { return nil }
    return piece.side == BuddyRule.lower
      ? (place &+ rule.size(piece.number), rule.upperClass(parent), parent)
      : (place &- rule.size(parent &- 1), parent &- 1, parent)
  }

  /// Frees the live block that begins here.
  @inline(__always)
  mutating func release(_ start: Int) {
    var place = start
    var piece = Self.piece(Self.tag(tags, at: place))
    setTag(place, 0)
    while let other = buddy(place, piece), Self.has(tags, other.place, other.number, .free) {
      let neighbour = Self.piece(Self.tag(tags, at: other.place))
      removeFree(other.place, other.number)
      work.merges &+= 1
      let isLower = piece.side == BuddyRule.lower
      piece = Piece(
        number: other.parent, side: isLower ? piece.memory : neighbour.memory,
        memory: isLower ? neighbour.memory : piece.memory)
      place = min(place, other.place)
    }
    insertFree(place, piece)
  }

  /// Cuts or joins the live block that begins here until it is of the class, without moving it;
  /// returns whether that is possible.
  mutating func resize(_ place: Int, to number: Int) -> Bool {
    var piece = Self.piece(Self.tag(tags, at: place))
    var above = piece
    // The sides of what the block would become lie in the buddies' memories.
    while above.number < number {
      guard above.side == BuddyRule.lower, let other = buddy(place, above),
        Self.has(tags, other.place, other.number, .free)
      else { return false }
      above = joined(above, Self.piece(Self.tag(tags, at: other.place)), other.parent)
    }
    while piece.number < number, let other = buddy(place, piece) {
      let neighbour = Self.piece(Self.tag(tags, at: other.place))
      removeFree(other.place, other.number)
      work.merges &+= 1
      piece = joined(piece, neighbour, other.parent)
    }
    while piece.number > number {
      let (lower, upper) = parts(of: piece)
      work.splits &+= 1
      insertFree(place &+ rule.size(lower.number), upper)
      piece = lower
    }
    setTag(place, Self.tag(piece, .live))
    return true
  }

  @inline(__always)
  private func joined(_ lower: Piece, _ upper: Piece, _ parent: Int) -> Piece {
    Piece(number: parent, side: lower.memory, memory: upper.memory)
  }

  // MARK: The system

  /// Takes a piece of at least the class `growth` from the reserve, of which a block of the class
  /// `number` becomes live and the rest free.
  ///
  /// The places are -1 beyond the limit.
  mutating func acquire(
    _ number: Int, growth: Int
  ) -> (block: Int, taken: Range<Int>) {
    let wanted = max(number, growth)
    while reserve.first(atLeast: wanted) < 0 { guard growRoot(wanted) else { return (-1, 0..<0) } }
    let found = reserve.first(atLeast: wanted)
    var place = reserve.lowest(found) { Self.has(tags, $0, found, .reserve) }
    var piece = Self.piece(Self.tag(tags, at: place))
    setTag(place, 0)
    reserve.vanish(found)
    while piece.number > wanted {
      let (lower, upper) = parts(of: piece)
      let middle = place + rule.size(lower.number)
      if upper.number >= wanted {
        insertReserve(place, lower)
        (place, piece) = (middle, upper)
      } else {
        insertReserve(middle, upper)
        piece = lower
      }
    }
    let taken = place..<(place + rule.size(wanted))
    return (cut(place, piece, to: number), taken)
  }

  /// Makes the root the lower part of a larger one, or makes the first root.
  private mutating func growRoot(_ wanted: Int) -> Bool {
    let next = root < 0 ? wanted : rule.parent(root, BuddyRule.lower)
    guard next >= 0, next < rule.count else { return false }
    tags.extend(to: rule.size(next) >> Self.chunkShift + 1)
    if root < 0 {
      insertReserve(0, Piece(number: next, side: BuddyRule.lower, memory: BuddyRule.lower))
    } else {
      let upper = Piece(
        number: rule.upperClass(next), side: rule.upperSide(next), memory: BuddyRule.lower)
      insertReserve(rule.size(root), upper)
    }
    root = next
    return true
  }
}
