// What a trace says beside its requests: where it comes from, modules, threads, samples, totals.

public import MemoryUnits

/// Where a trace comes from and what it knows.
public struct TraceMetadata: Sendable, Equatable, Codable {
  /// The program and its arguments, as they were started.
  public var command: [String] = []
  /// The absolute path of the executable, where known.
  public var executable = ""
  /// The kernel's id of the process.
  public var processID = 0
  /// Seconds since 1970 at which recording began.
  public var startedAt = 0.0
  /// The kernel, as `uname -r` says it.
  public var kernel = ""
  /// The path of the library whose malloc answered the requests.
  public var allocator = ""
  /// Bytes of bookkeeping in front of every block of that allocator: 8 for glibc; 0 where unknown.
  public var headerBytes = 0
  /// The version of Lacuna that wrote the trace.
  public var writer = ""
  /// Snapshots that were begun in vain, because the process ended or replaced its program meanwhile.
  public var droppedSnapshots = 0
  /// Nanoseconds of a processor that the recorder spent on snapshots.
  public var snapshotNanoseconds: UInt64 = 0
  /// Whether blocks lived before recording began that the trace knows nothing of, until the first
  /// `exec`: the process was attached to, or is a forked child.
  public var startsInMidst = false
  /// The kernel's id of the process that started this one, where it is recorded too; 0 otherwise.
  public var parentProcessID = 0
  /// The name of the parent's trace, in the same directory; empty where there is none.
  public var parentTrace = ""
  /// The name of the trace of the first process that the recording followed, in the same directory:
  /// its own in that trace, empty where only one process was recorded.
  public var rootTrace = ""
  /// What the traces of one such recording have in common, and no others; else empty.
  public var recordingID = ""
  /// Whether the addresses are those of a real heap, and not made up by an importer.
  public var knowsAddresses = true
  /// Whether steps name the threads that made them.
  public var knowsThreads = true
  /// Whether steps name call stacks.
  public var knowsStacks = true
  /// Whether steps have times; where not, each is one ``nanosecondsPerStep`` after the one before.
  public var knowsTimes = true
  /// How far steps are apart that have no times: a tick, so that their moments tell their number.
  public static let nanosecondsPerStep: UInt64 = 1000

  /// The part of the address space whose blocks are recorded; nil where all are.
  public var regions: RegionSampling?

  /// Makes metadata that say nothing.
  public init() {}

  /// Reads what is there: a key that an older or another writer left out keeps its default.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    func read<Value: Decodable>(_ key: CodingKeys, _ value: inout Value) throws {
      if let stored = try values.decodeIfPresent(Value.self, forKey: key) { value = stored }
    }
    try read(.command, &command)
    try read(.executable, &executable)
    try read(.processID, &processID)
    try read(.startedAt, &startedAt)
    try read(.kernel, &kernel)
    try read(.allocator, &allocator)
    try read(.headerBytes, &headerBytes)
    try read(.writer, &writer)
    try read(.droppedSnapshots, &droppedSnapshots)
    try read(.snapshotNanoseconds, &snapshotNanoseconds)
    try read(.startsInMidst, &startsInMidst)
    try read(.parentProcessID, &parentProcessID)
    try read(.parentTrace, &parentTrace)
    try read(.rootTrace, &rootTrace)
    try read(.recordingID, &recordingID)
    try read(.knowsAddresses, &knowsAddresses)
    try read(.knowsThreads, &knowsThreads)
    try read(.knowsStacks, &knowsStacks)
    try read(.knowsTimes, &knowsTimes)
    regions = try values.decodeIfPresent(RegionSampling.self, forKey: .regions)
  }
}

/// A file that was mapped into the process as code, at one place, during one program image.
public struct Module: Sendable, Equatable {
  /// The program image that it belongs to: 0, and one more after each `exec`.
  public var image: UInt32
  /// Tells files apart that lay at overlapping addresses of one image in turn, because the one
  /// before was unloaded: 0, 1, ….
  public var generation: UInt16
  /// The mapped addresses.
  public var range: Range<Address>
  /// What the loader added to the addresses in the file.
  public var bias: UInt64
  /// The path of the file, as the kernel named it.
  public var path: String
  /// The GNU build id; empty where there is none.
  public var buildID: [UInt8]

  /// Describes a mapped file.
  public init(
    image: UInt32, generation: UInt16 = 0, range: Range<Address>, bias: UInt64, path: String,
    buildID: [UInt8]
  ) {
    self.image = image
    self.generation = generation
    self.range = range
    self.bias = bias
    self.path = path
    self.buildID = buildID
  }
}

/// A thread that made requests.
public struct ThreadDescription: Sendable, Equatable {
  /// The kernel's id; may be reused by later threads.
  public var kernelID: Int32
  /// The name that the program gave the thread; empty where unknown.
  public var name: String
  /// When it began, to a hundredth of a second, and never after its first step; nil where unknown.
  public var began: Timestamp?
  /// When it was found to have ended; nil where it lived on when recording ended, or unknown.
  public var ended: Timestamp?

  /// Describes a thread.
  public init(kernelID: Int32, name: String, began: Timestamp? = nil, ended: Timestamp? = nil) {
    self.kernelID = kernelID
    self.name = name
    self.began = began
    self.ended = ended
  }
}

/// What the kernel said about the process's memory at one moment (`/proc/PID/statm`).
public struct ResidentSample: Sendable, Equatable {
  /// The moment of the sample.
  public var time: Timestamp
  /// All resident pages.
  public var resident: ByteCount
  /// Those that are not the process's own: backed by a file or shared memory, or Lacuna's, in the
  /// recorder's segment or in the tables of its library.
  public var shared: ByteCount

  /// Makes a sample.
  public init(time: Timestamp, resident: ByteCount, shared: ByteCount) {
    self.time = time
    self.resident = resident
    self.shared = shared
  }

  /// Resident pages that belong to the process alone: heap, stacks, written data.
  public var anonymous: ByteCount { resident - shared }
}

/// A name that the program gave to a moment.
public struct MarkDescription: Sendable, Equatable {
  /// The moment.
  public var time: Timestamp
  /// The thread that gave the name.
  public var thread: ThreadIndex
  /// The name.
  public var name: String

  /// Describes a mark.
  public init(time: Timestamp, thread: ThreadIndex, name: String) {
    self.time = time
    self.thread = thread
    self.name = name
  }
}

/// The totals of a trace.
public struct TraceSummary: Sendable, Equatable, Codable {
  /// Requests for a new block.
  public var allocations: UInt64 = 0
  /// Requests that end a block, those of unknown addresses among them.
  public var frees: UInt64 = 0
  /// Requests that resize a block; one in two halves counts once.
  public var reallocations: UInt64 = 0
  /// All steps of the stream, also those that count as no event.
  public var steps: UInt64 = 0
  /// The most bytes asked for that lived at a time.
  public var peakLiveBytes: Int64 = 0
  /// The most blocks that lived at a time, not necessarily at the same moment.
  public var peakLiveBlocks: UInt64 = 0
  /// The number of steps up to and including the one that first reached `peakLiveBytes`.
  public var peakStep: UInt64 = 0
  /// The moment of that step, in nanoseconds since recording began.
  public var peakNanoseconds: UInt64 = 0
  /// Bytes asked for of the blocks that live after the last step.
  public var liveBytesAtEnd: Int64 = 0
  /// Blocks that live after the last step.
  public var liveBlocksAtEnd: UInt64 = 0
  /// The moment of the last step, in nanoseconds since recording began.
  public var durationNanoseconds: UInt64 = 0
  /// Requests that happened and are not in the trace.
  public var lostEvents: UInt64 = 0
  /// Requests that returned an address on which a block already lived.
  public var allocationsOfLiveAddress: UInt64 = 0
  /// Frees and reallocations of an address on which no known block lived.
  public var freesOfUnknownAddress: UInt64 = 0
  /// Frees and reallocations of blocks from before recording began, as far as can be told: of
  /// addresses on which no known block lived.
  public var freesOfEarlierBlocks: UInt64 = 0
  /// Stacks cut short because they were deeper than the limit.
  public var truncatedStacks: UInt64 = 0

  /// Makes the totals of a trace without steps.
  public init() {}

  /// Allocations, frees and reallocations.
  public var events: UInt64 { allocations + frees + reallocations }
}
