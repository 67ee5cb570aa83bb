// Addresses as an allocator that uses freed blocks again would choose them.

/// Predicts that a block lies where the last freed block of its size lay, or next to other blocks.
///
/// Writer and reader run the same prediction, over the blocks that began in the chunk alone: so
/// chunks can be read without each other. For each thread and size there is a list of freed
/// blocks, the last freed first, without bound. Entries whose memory went another way are found by
/// the writer, which knows what lives, and counted in the file: the reader needs no map of addresses.
struct ReusePrediction {
  /// The number of this prediction in the format.
  static let identifier: UInt8 = 2

  /// What a code says; the numbers are part of the format.
  enum Code {
    static let top: UInt8 = 0
    /// Behind the last block of this thread that no list predicted.
    static let behindPlaced: UInt8 = 1
    /// Behind the last block of this thread.
    static let behindLast: UInt8 = 2
    /// Where the block lay that this step resizes.
    static let inPlace: UInt8 = 3
    /// The entries after the first, up to the one with code 12.
    static let firstRank: UInt8 = 4
    static let ranks: UInt8 = 9
    /// Behind the last block of this size.
    static let behindClass: UInt8 = 13
    /// Where the last block lay that this thread freed.
    static let lastFreed: UInt8 = 14
    /// Differences, in units of 16 bytes: from the last block with a code from 15 on, and from the
    /// last block of this size.
    static let fromLiteral: UInt8 = 15
    static let fromClass: UInt8 = 16
    /// The difference in bytes from the last block with a code from 15 on.
    static let bytesFromLiteral: UInt8 = 17
    /// Added where a number of entries to drop stands before.
    static let drops: UInt8 = 32
  }

  /// What each thread did last; 64 of them have a place of their own.
  struct ThreadState {
    var behindPlaced: UInt64 = 0
    var behindLast: UInt64 = 0
    var lastFreed: UInt64 = 0
  }

  static let threads = 64
  static let classes = 256
  /// The end of a list; what follows a block that is in none.
  static let none = UInt32.max
  static let notFreed = UInt32.max - 1

  /// The first entry of each list, by thread and class.
  let heads: UnsafeMutablePointer<UInt32>
  /// For each block that began in the chunk: its address, its class, the entry after it.
  let addresses: UnsafeMutablePointer<UInt64>
  let blockClasses: UnsafeMutablePointer<UInt8>
  let nexts: UnsafeMutablePointer<UInt32>
  let threadStates: UnsafeMutablePointer<ThreadState>
  let lastOfClass: UnsafeMutablePointer<UInt64>
  var lastLiteral: UInt64 = 0
  var header: UInt64 = 0

  /// Makes room for chunks in which so many blocks begin at most.
  init(blocks: Int = TraceFormat.stepsPerChunk) {
    heads = .allocate(capacity: Self.threads * Self.classes)
    addresses = .allocate(capacity: blocks)
    blockClasses = .allocate(capacity: blocks)
    nexts = .allocate(capacity: blocks)
    threadStates = .allocate(capacity: Self.threads)
    lastOfClass = .allocate(capacity: Self.classes)
    heads.initialize(repeating: Self.none, count: Self.threads * Self.classes)
    addresses.initialize(repeating: 0, count: blocks)
    blockClasses.initialize(repeating: 0, count: blocks)
    nexts.initialize(repeating: Self.notFreed, count: blocks)
    threadStates.initialize(repeating: ThreadState(), count: Self.threads)
    lastOfClass.initialize(repeating: 0, count: Self.classes)
  }

  func deallocate() {
    heads.deallocate()
    addresses.deallocate()
    blockClasses.deallocate()
    nexts.deallocate()
    threadStates.deallocate()
    lastOfClass.deallocate()
  }

  /// Forgets everything but the memory.
  mutating func reset(_ rule: UsableRule) {
    heads.update(repeating: Self.none, count: Self.threads * Self.classes)
    threadStates.update(repeating: ThreadState(), count: Self.threads)
    lastOfClass.update(repeating: 0, count: Self.classes)
    lastLiteral = 0
    header = rule == .glibc ? 8 : 0
  }

  /// The bytes from one block to the next.
  @inline(__always)
  func extent(_ usable: UInt64) -> UInt64 { (usable &+ header &+ 15) & ~15 }

  @inline(__always)
  func sizeClass(_ extent: UInt64) -> Int {
    Int(truncatingIfNeeded: min(extent &>> 4, UInt64(Self.classes - 1)))
  }

  @inline(__always)
  func head(thread: Int, _ sizeClass: Int) -> UnsafeMutablePointer<UInt32> {
    let place = thread & (Self.threads - 1)
    return heads + (place &* Self.classes &+ sizeClass)
  }

  @inline(__always)
  func state(thread: Int) -> UnsafeMutablePointer<ThreadState> {
    threadStates + (thread & (Self.threads - 1))
  }

  /// Takes note that a thread freed a block that began in the chunk, as its `ordinal`th.
  @inline(__always)
  func free(_ ordinal: Int, thread: Int) {
    let head = head(thread: thread, Int(blockClasses[ordinal]))
    nexts[ordinal] = head.pointee
    head.pointee = UInt32(truncatingIfNeeded: ordinal)
    state(thread: thread).pointee.lastFreed = addresses[ordinal]
  }

  /// Takes note of a block that began.
  @inline(__always)
  mutating func note(
    _ ordinal: Int, _ address: UInt64, extent: UInt64, requestClass: Int, thread: Int, code: UInt8
  ) {
    addresses[ordinal] = address
    nexts[ordinal] = Self.notFreed
    blockClasses[ordinal] = UInt8(truncatingIfNeeded: sizeClass(extent))
    lastOfClass[requestClass] = address
    let state = state(thread: thread)
    let end = address &+ extent
    state.pointee.behindLast = end
    let isLiteral = code >= Code.fromLiteral
    if isLiteral { lastLiteral = address }
    if isLiteral || code == Code.behindPlaced || code == Code.behindLast {
      state.pointee.behindPlaced = end
    }
  }
}
