// What a layer knows of blocks of the heap below, found by address.

internal import MemoryUnits

/// A hash table from the addresses of blocks to what a layer notes of each: open addressing with
/// linear probing, at most two thirds full.
///
/// Takes 24 bytes an entry.
@usableFromInline
struct BlockTable: ~Copyable {
  /// What is noted of a block.
  struct Note: Equatable {
    /// What the heap below granted.
    var granted: Int
    var sizeClass: UInt32
    var owner: UInt32
  }

  private(set) var count = 0
  private var capacity = 1024
  /// Addresses; zero where there is no entry.
  private var keys: UnsafeMutablePointer<UInt64>
  private var notes: UnsafeMutablePointer<Note>

  init() {
    keys = Self.map(capacity)
    notes = Self.map(capacity)
  }

  @usableFromInline deinit { Self.unmap(keys, notes, capacity) }

  /// What is noted of the block at an address, if anything is.
  func note(at address: Address) -> Note? {
    let place = place(of: address.rawValue)
    return keys[place] == 0 ? nil : notes[place]
  }

  /// Notes something of a block, whose address is not zero, in place of what was noted before.
  mutating func set(_ note: Note, at address: Address) {
    var place = place(of: address.rawValue)
    if keys[place] == 0 {
      if (count + 1) * 3 > capacity * 2 {
        grow()
        place = self.place(of: address.rawValue)
      }
      count += 1
      keys[place] = address.rawValue
    }
    notes[place] = note
  }

  /// Forgets a block, of which something must be noted.
  mutating func remove(_ address: Address) {
    var gap = place(of: address.rawValue)
    precondition(keys[gap] == address.rawValue, "a block that the layer does not know")
    count -= 1
    // Entries behind the gap move into it unless they would come to stand before their own place.
    var next = (gap + 1) & (capacity - 1)
    while keys[next] != 0 {
      let home = home(of: keys[next])
      if (next - home) & (capacity - 1) >= (next - gap) & (capacity - 1) {
        keys[gap] = keys[next]
        notes[gap] = notes[next]
        gap = next
      }
      next = (next + 1) & (capacity - 1)
    }
    keys[gap] = 0
  }

  /// Where an address stands, or would.
  private func place(of key: UInt64) -> Int {
    var place = home(of: key)
    while keys[place] != 0, keys[place] != key { place = (place + 1) & (capacity - 1) }
    return place
  }

  /// Fibonacci hashing (Knuth, TAOCP 3 §6.4).
  private func home(of key: UInt64) -> Int {
    let mixed = (key ^ key >> 32) &* 0x9e37_79b9_7f4a_7c15
    return Int(truncatingIfNeeded: mixed >> UInt64(64 - capacity.trailingZeroBitCount))
  }

  private mutating func grow() {
    let old = (keys: keys, notes: notes, capacity: capacity)
    capacity *= 2
    keys = Self.map(capacity)
    notes = Self.map(capacity)
    for place in 0..<old.capacity where old.keys[place] != 0 {
      let new = self.place(of: old.keys[place])
      keys[new] = old.keys[place]
      notes[new] = old.notes[place]
    }
    Self.unmap(old.keys, old.notes, old.capacity)
  }

  private static func map<Element>(_ capacity: Int) -> UnsafeMutablePointer<Element> {
    LazyMemory.map(byteCount: capacity * MemoryLayout<Element>.stride)
      .bindMemory(to: Element.self, capacity: capacity)
  }

  private static func unmap(
    _ keys: UnsafeMutablePointer<UInt64>, _ notes: UnsafeMutablePointer<Note>, _ capacity: Int
  ) {
    LazyMemory.unmap(UnsafeMutableRawPointer(keys), byteCount: capacity * 8)
    LazyMemory.unmap(
      UnsafeMutableRawPointer(notes), byteCount: capacity * MemoryLayout<Note>.stride)
  }
}
