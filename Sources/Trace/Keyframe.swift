// Keyframes: what lives at a moment, so that reading may begin there.

/// When keyframes are written, and what they hold at most.
enum KeyframeRule {
  /// So many steps lie between two keyframes at least: as many as are decoded in a tenth of a second.
  static let stepsBetween: UInt64 = 1 << 22
  /// What a block takes in the file, about.
  static let bytesPerBlock = 8
  /// The file must have grown by so many times the size of a keyframe before there is one more.
  static let growth = 32
  /// Blocks in one chunk; a keyframe takes as many chunks as it needs.
  static let blocksPerChunk = 1 << 16
}

/// What stands at the head of every chunk of a keyframe.
struct KeyframeHead: Equatable {
  /// The number of this chunk among those of its keyframe, and how many there are.
  var part: UInt64 = 0
  var parts: UInt64 = 1
  /// Blocks in this chunk, and in all.
  var blocks: UInt64 = 0
  var allBlocks: UInt64 = 0
  /// The number that the next allocation gets.
  var nextAllocation: UInt64 = 0
  /// The moment of the last step before.
  var nanoseconds: UInt64 = 0
  /// What the totals need to go on from here.
  var openReallocations: UInt64 = 0
  var hasEarlierBlocks = false
  var hasImage = false
}

/// A keyframe on its way into the file.
///
/// Made where the steps come in, and put in order where the chunks are packed.
struct RawKeyframe: Sendable {
  var head: KeyframeHead
  var held: HeldMemory
  var usableRule: UsableRule
  var blocks: [KeyframeBlock]
  /// Blocks by address that are too unusual for a ``PackedBlock``.
  var unusual: [UInt64: WrittenBlock]
}

extension ByteSink {
  mutating func keyframeHead(_ head: KeyframeHead) {
    let flags: UInt64 = (head.hasEarlierBlocks ? 1 : 0) | (head.hasImage ? 2 : 0)
    for number in [
      head.part, head.parts, head.blocks, head.allBlocks, head.nextAllocation, head.nanoseconds,
      head.openReallocations, flags,
    ] { varint(number) }
  }
}

extension ByteSource {
  mutating func keyframeHead() -> KeyframeHead? {
    var head = KeyframeHead()
    guard let part = varint(), let parts = varint(), let blocks = varint(),
      let allBlocks = varint(), let nextAllocation = varint(), let nanoseconds = varint(),
      let openReallocations = varint(), let flags = varint(),
      part < parts, blocks <= UInt64(KeyframeRule.blocksPerChunk), blocks <= allBlocks,
      allBlocks <= nextAllocation, nextAllocation < 1 << 62
    else { return nil }
    head.part = part
    head.parts = parts
    head.blocks = blocks
    head.allBlocks = allBlocks
    head.nextAllocation = nextAllocation
    head.nanoseconds = nanoseconds
    head.openReallocations = openReallocations
    head.hasEarlierBlocks = flags & 1 != 0
    head.hasImage = flags & 2 != 0
    return head
  }
}

/// Predicts that blocks of about one size follow each other, for the addresses of a keyframe.
///
/// The coding is that of the events' addresses (prediction 1), but in one column.
struct KeyframeAddresses {
  private static let classes = 256
  private var lastOfClass = [UInt64](repeating: 0, count: classes)
  private var last: UInt64 = 0

  private func prediction(_ sizeClass: Int) -> UInt64 {
    lastOfClass[sizeClass] == 0 ? last : lastOfClass[sizeClass]
  }

  private mutating func note(_ address: UInt64, _ sizeClass: Int) {
    lastOfClass[sizeClass] = address
    last = address
  }

  private static func sizeClass(_ size: UInt64) -> Int {
    Int(truncatingIfNeeded: min((size &+ 23) >> 4, UInt64(classes - 1)))
  }

  mutating func write(_ address: UInt64, size: UInt64, to column: inout Column) {
    let sizeClass = Self.sizeClass(size)
    let difference = Int64(bitPattern: address &- prediction(sizeClass))
    note(address, sizeClass)
    if difference & 15 == 0 {
      column.varint(zigzag(difference >> 4) << 1)
    } else {
      column.varint(1)
      column.varint(zigzag(difference))
    }
  }

  mutating func read(size: UInt64, from column: inout ColumnCursor) -> UInt64 {
    let sizeClass = Self.sizeClass(size)
    let code = column.varint()
    let difference =
      code & 1 == 0 ? unzigzag(code >> 1) &<< 4 : column.isOverrun ? 0 : unzigzag(column.varint())
    let address = prediction(sizeClass) &+ UInt64(bitPattern: difference)
    note(address, sizeClass)
    return address
  }
}
