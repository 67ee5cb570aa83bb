// The free objects inside one slab.

/// Which objects of a slab are free: a linked list, or a bitmap in which the lowest is found.
///
/// An object is its place in the slab. Memory lives as long as the slab does.
struct SlabObjects {
  private static let none = UInt32.max

  /// The links of the list, or the words of the bitmap followed by those of its summary, in
  /// which a bit says that a word is not zero.
  private let memory: UnsafeMutableRawPointer
  private let isBitmap: Bool
  private let wordCount: Int
  private var head = Self.none
  /// Objects from here on were never used; the list does not have them.
  private var fresh: UInt32 = 0

  /// All objects are free.
  init(count: Int, isBitmap: Bool) {
    self.isBitmap = isBitmap
    wordCount = (count + 63) / 64
    let summaryCount = (wordCount + 63) / 64
    memory = LazyMemory.map(byteCount: Self.byteCount(count, isBitmap: isBitmap))
    guard isBitmap else { return }
    let words = memory.bindMemory(to: UInt64.self, capacity: wordCount + summaryCount)
    for object in 0..<count { words[object >> 6] |= 1 << UInt64(object & 63) }
    for word in 0..<wordCount { words[wordCount + word >> 6] |= 1 << UInt64(word & 63) }
  }

  private static func byteCount(_ count: Int, isBitmap: Bool) -> Int {
    let wordCount = (count + 63) / 64
    return isBitmap ? 8 * (wordCount + (wordCount + 63) / 64) : 4 * count
  }

  func deallocate(count: Int) {
    LazyMemory.unmap(memory, byteCount: Self.byteCount(count, isBitmap: isBitmap))
  }

  private var words: UnsafeMutablePointer<UInt64> {
    @inline(__always) get { memory.assumingMemoryBound(to: UInt64.self) }
  }

  private var links: UnsafeMutablePointer<UInt32> {
    @inline(__always) get { memory.assumingMemoryBound(to: UInt32.self) }
  }

  /// Takes the next object; there must be one.
  @inline(__always)
  mutating func take() -> Int {
    if isBitmap { return takeLowest() }
    guard head != Self.none else {
      fresh &+= 1
      return Int(fresh) &- 1
    }
    let object = Int(head)
    head = links[object]
    return object
  }

  @inline(__always)
  mutating func put(_ object: Int) {
    if isBitmap {
      words[object >> 6] |= 1 << UInt64(truncatingIfNeeded: object & 63)
      words[wordCount &+ object >> 12] |= 1 << UInt64(truncatingIfNeeded: object >> 6 & 63)
    } else {
      links[object] = head
      head = UInt32(truncatingIfNeeded: object)
    }
  }

  private func takeLowest() -> Int {
    var group = 0
    while words[wordCount &+ group] == 0 { group &+= 1 }
    let word = group << 6 | words[wordCount &+ group].trailingZeroBitCount
    let object = word << 6 | words[word].trailingZeroBitCount
    words[word] &= words[word] &- 1
    if words[word] == 0 { words[wordCount &+ group] &= words[wordCount &+ group] &- 1 }
    return object
  }
}
