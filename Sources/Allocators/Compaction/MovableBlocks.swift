// The live blocks of a heap that moves them, found from either of their ends.

/// Blocks in granules, by numbers that they keep when they move.
///
/// A sparse table has the number of a block at its first and at its last granule; so a walk goes from
/// block to block in both directions. What the table says elsewhere means nothing.
@usableFromInline
struct MovableBlocks: ~Copyable {
  @usableFromInline
  struct Block {
    @usableFromInline var start: Int
    @usableFromInline var length: Int
    /// In granules, as the request asked.
    @usableFromInline var alignment: Int
    @usableFromInline var handle: UInt32
    @usableFromInline var isLive = true
    /// The pass that moved the block last.
    @usableFromInline var pass: UInt32 = 0

    @inlinable
    init(start: Int, length: Int, alignment: Int, handle: UInt32) {
      self.start = start
      self.length = length
      self.alignment = alignment
      self.handle = handle
    }
  }

  private var blocks: UnsafeMutablePointer<Block>
  private var capacity = 64
  private var used: UInt32 = 0
  /// Unused numbers are chained by their blocks' starts; -1 ends the chain.
  private var unused = -1
  private var numbers = ChunkDirectory(chunkByteCount: 4 << HoleMap.chunkShift)

  @usableFromInline
  init() { blocks = .allocate(capacity: capacity) }

  @inlinable deinit { deallocate() }

  @usableFromInline
  func deallocate() { blocks.deallocate() }

  @usableFromInline
  subscript(number: UInt32) -> Block {
    blocks[Int(number)]
  }

  /// The block that starts at this granule, which must be one.
  @usableFromInline
  func block(startingAt granule: Int) -> UInt32 {
    let number = number(at: granule)
    precondition(
      number < used && blocks[Int(number)].isLive && blocks[Int(number)].start == granule,
      "no block lives there")
    return number
  }

  /// The block that ends before this granule, which must be one.
  @usableFromInline
  func block(endingAt end: Int) -> UInt32 {
    let number = number(at: end - 1)
    precondition(
      number < used && blocks[Int(number)].isLive
        && blocks[Int(number)].start + blocks[Int(number)].length == end, "no block lives there")
    return number
  }

  @usableFromInline
  mutating func insert(_ block: Block) {
    var number = used
    if unused >= 0 {
      number = UInt32(unused)
      unused = blocks[unused].start
    } else {
      if Int(used) == capacity { grow() }
      used += 1
    }
    blocks[Int(number)] = block
    setEnds(number)
  }

  @usableFromInline
  mutating func remove(_ number: UInt32) {
    blocks[Int(number)].isLive = false
    blocks[Int(number)].start = unused
    unused = Int(number)
  }

  /// Gives a block new bounds.
  @usableFromInline
  mutating func move(_ number: UInt32, to start: Int, _ length: Int, inPass pass: UInt32 = 0) {
    blocks[Int(number)].pass = pass
    blocks[Int(number)].start = start
    blocks[Int(number)].length = length
    setEnds(number)
  }

  /// Takes over what a request that resized a block asked.
  @usableFromInline
  mutating func update(_ number: UInt32, alignment: Int, handle: UInt32) {
    blocks[Int(number)].alignment = alignment
    blocks[Int(number)].handle = handle
  }

  private mutating func setEnds(_ number: UInt32) {
    let block = blocks[Int(number)]
    setNumber(number, at: block.start)
    setNumber(number, at: block.start + block.length - 1)
  }

  private func number(at granule: Int) -> UInt32 {
    let chunk = granule >> HoleMap.chunkShift
    guard granule >= 0, chunk < numbers.count, let chunk = numbers.chunk(chunk) else { return .max }
    return HoleMap.tags(chunk)[granule & HoleMap.chunkMask]
  }

  private mutating func setNumber(_ number: UInt32, at granule: Int) {
    let chunk = granule >> HoleMap.chunkShift
    if chunk >= numbers.count { numbers.extend(to: chunk + 1) }
    HoleMap.tags(numbers.writableChunk(chunk))[granule & HoleMap.chunkMask] = number
  }

  private mutating func grow() {
    let larger = UnsafeMutablePointer<Block>.allocate(capacity: capacity * 2)
    larger.update(from: blocks, count: capacity)
    blocks.deallocate()
    blocks = larger
    capacity *= 2
  }
}
