// The constants of the trace format, as `Trace.docc/TraceFormat.md` explains them.

/// Numbers that writer and reader must agree on.
enum TraceFormat {
  /// The version that is written; those from 1 on are read.
  static let version: UInt32 = 2
  /// The version of the layout of events that is written; those from 1 on are read.
  static let eventsVersion: UInt8 = 2
  /// The bytes 89 'L' 'A' 'C' 'U' 'N' 'A' 0a: not text, not damaged by a change of line ends.
  static let fileMagic: UInt64 = 0x0a41_4e55_4341_4c89
  /// The bytes 'L' 'C' 'k' 89.
  static let chunkMagic: UInt32 = 0x896b_434c
  /// The bytes 'L' 'a' 'c' 'E' 'n' 'd' 89 0a.
  static let footerMagic: UInt64 = 0x0a89_646e_4563_614c

  static let fileHeaderBytes = 16
  static let chunkHeaderBytes = 64
  static let footerBytes = 24
  static let sectionEntryBytes = 12

  /// Steps of an events chunk, and entries of a table chunk, at most.
  static let stepsPerChunk = 65_536
  static let maximumSections = 64
  /// Raw bytes of one section at most: the widest column needs twenty a step.
  static let maximumSectionBytes = 4 << 20
  static let maximumPayloadBytes = 32 << 20
  /// Deflate cannot pack tighter than this (zlib's documentation, "Maximum Compression Factor").
  static let maximumDeflateRatio = 1032
  /// A block has at most so many bytes: no user address space of four-level x86-64 holds more.
  static let maximumSize: UInt64 = 1 << 48
  /// A tick is a microsecond in what this version writes.
  static let nanosecondsPerTick: UInt64 = 1000
  /// Stack trie nodes, and stacks, that one trace may have.
  static let maximumNodes = 1 << 28
  /// Threads that may go undescribed because the chunk that described them is lost.
  static let maximumUndescribedThreads = 65_536
}

/// What a chunk holds.
///
/// The raw values are part of the format.
enum ChunkKind: UInt8, CaseIterable {
  case metadata = 1
  case events = 2
  case stacks = 3
  case modules = 4
  case threads = 5
  case samples = 6
  case summary = 7
  case index = 8
  case snapshots = 9
  case marks = 10
  case keyframe = 11
  case names = 12
}

/// What a section of a chunk holds.
///
/// The raw values are part of the format.
///
/// Sections of the address layer have numbers from 32 on.
enum SectionID: UInt8 {
  /// The only section of a chunk that is not made of columns.
  case body = 1

  case operations = 2
  case exceptionGaps = 3
  case exceptionCodes = 4
  /// Only in the first layout of events, like ``sizes``, ``threadRuns``, ``times``, ``alignments`` and
  /// ``addresses``.
  case stacks = 5
  case sizes = 6
  case references = 7
  case referenceLiterals = 8
  case threadList = 9
  case threadRuns = 10
  case times = 11
  case alignments = 12
  case tally = 13
  /// Which clock tick, rule for usable bytes and prediction of addresses the columns assume.
  case rules = 21

  case nodeParents = 14
  case nodeAddressIndices = 15
  case nodeNewAddresses = 16
  case nodeImages = 17
  case stackNodes = 18
  case stackEntries = 19
  case stackRange = 20
  /// What steps carry that are about no block.
  case extras = 22
  /// Which functions released blocks, where it is not the expected one.
  case releases = 23
  /// When threads began and ended.
  case lifetimes = 28

  /// What stands at the head of each chunk of a keyframe, and the allocations of its blocks.
  case keyframe = 26
  case allocations = 27
  /// Where the part of the index before this one is.
  case earlierIndex = 29
  /// How many entries the tables have.
  case counts = 30

  case addresses = 32
  case rawAddresses = 33
  case usables = 34
  /// The memory that the allocator holds at a keyframe.
  case held = 40

  /// The addresses of prediction 2.
  case addressCodes = 35
  case addressLiterals = 36
  case addressDrops = 37

  /// The bytes of the numbers of stacks, lowest first.
  case stackBytes0 = 48
  case stackBytes1 = 49
  case stackBytes2 = 50
  case stackBytes3 = 51
  case sizeCodes = 52
  case sizeLiterals = 53
  case timeCodes = 54
  case timeLiterals = 55
  case alignmentChanges = 56
  case runLengths = 57
  case runRanks = 58

  static let addressLayer = 32..<48

  /// Whether a reader that does not know the section may ignore it.
  var maySkip: Bool { self == .lifetimes || self == .earlierIndex || self == .counts }
}

/// How the bytes of a section are packed.
enum SectionCodec: UInt8 {
  case stored = 0
  /// A raw deflate stream (RFC 1951), whatever strategy made it.
  case deflate = 1
}

/// The codes of steps that are not plain allocations or frees: ``Operation`` by raw value, and one
/// more, which tells the two reasons for ending a block without a request apart.
enum StepCode {
  static let allocate = Operation.allocate.rawValue
  static let free = Operation.free.rawValue
  static let reallocate = Operation.reallocate.rawValue
  static let reallocateBegin = Operation.reallocateBegin.rawValue
  static let reallocateEnd = Operation.reallocateEnd.rawValue
  static let abandon = Operation.abandon.rawValue
  static let moveBreak = Operation.moveBreak.rawValue
  static let freeUnknown = Operation.freeUnknown.rawValue
  /// The block ends because its address was handed out again.
  static let abandonReused: UInt8 = 8
  static let startBreak = Operation.startBreak.rawValue
}

/// Rules that say how many bytes a heap makes usable for a request.
///
/// Part of the format.
enum UsableRule: UInt8 {
  case asRequested = 0
  /// glibc's: a chunk has 8 bytes of header, a multiple of 16 in all and at least 32 bytes.
  case glibc = 1

  init(headerBytes: Int) { self = headerBytes == 8 ? .glibc : .asRequested }

  @inline(__always)
  func usable(_ size: UInt64) -> UInt64 {
    switch self {
    case .asRequested: size
    case .glibc: max(24, ((size &+ 23) & ~15) &- 8)
    }
  }
}
