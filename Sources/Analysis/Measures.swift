// The figures that are derived from one heap, as plain values: what reports show and JSON carries.

public import Allocators
public import MemoryUnits
public import Trace

/// A heap at one moment.
public struct HeapSnapshot: Sendable {
  /// The moment.
  public var time: Timestamp = .zero
  /// Whether the trace has no times, so that the nanoseconds of `time` count steps.
  public var countsSteps = false
  /// Bytes that live blocks asked for.
  public var live: ByteCount = .zero
  /// Blocks that live, of any size.
  public var liveBlocks: Int = 0
  /// Live bytes with headers and rounding: what no one else can use.
  public var granted: ByteCount = .zero
  /// Bytes that the heap has from the system (its footprint).
  public var held: ByteCount = .zero
  /// Held pages that were touched and not given back, under the rule that a program touches all
  /// of every block that it asks for.
  public var resident: ByteCount = .zero
  /// Maximal runs of held bytes that no live block covers; a run at the top of a held segment is
  /// the wilderness and is not counted.
  public var holes: Int = 0
  /// Bytes in all holes.
  public var holeBytes: ByteCount = .zero
  /// Bytes in the largest hole; zero where there is none.
  public var largestHole: ByteCount = .zero
  /// Free bytes at the tops of the held segments.
  public var wilderness: ByteCount = .zero
  /// Held pages on which at least one block lives.
  public var occupiedPages: Int = 0
  /// Free bytes on occupied pages: what cannot go back to the system however hard one trims.
  public var pinned: ByteCount = .zero
  /// Bytes of held pages on which nothing lives: what a perfect trim would return.
  public var freePageBytes: ByteCount = .zero
  /// Holes by size: bucket `k` counts the holes of 2^k up to, not including, 2^(k+1) bytes.
  public var holeHistogram: [HoleBucket] = []
  /// Occupied pages by how full they are: bucket `k` of 16 counts the pages of whose 4096 bytes
  /// more than k/16 and at most (k+1)/16 live.
  public var pageOccupancy: [Int] = []

  /// A moment at which nothing is held.
  public init() {}
}

/// The holes of one power of two of sizes.
public struct HoleBucket: Sendable, Equatable {
  /// Holes of these sizes.
  public var count: Int
  /// Bytes in all of them.
  public var bytes: ByteCount

  /// That many holes with that many bytes.
  public init(count: Int = 0, bytes: ByteCount = .zero) {
    self.count = count
    self.bytes = bytes
  }
}

/// One point of a heap's course over time.
public struct TimelinePoint: Sendable {
  /// The moment.
  public var time: Timestamp
  /// Bytes that live blocks asked for.
  public var live: ByteCount
  /// Live bytes with headers and rounding.
  public var granted: ByteCount
  /// Bytes that the heap has from the system.
  public var held: ByteCount
  /// Bytes of held pages that were touched.
  public var resident: ByteCount
  /// Bytes in all holes, the tops of held segments not included.
  public var holeBytes: ByteCount
  /// The number of holes.
  public var holes: Int

  /// A point with these figures.
  public init(
    time: Timestamp, live: ByteCount, granted: ByteCount, held: ByteCount, resident: ByteCount,
    holeBytes: ByteCount, holes: Int
  ) {
    self.time = time
    self.live = live
    self.granted = granted
    self.held = held
    self.resident = resident
    self.holeBytes = holeBytes
    self.holes = holes
  }
}

/// The four fragmentation figures of Johnstone & Wilson (ISMM'98), as fractions over 1: 0.05 says
/// that the heap holds five percent more than the program asked for.
///
/// Nil where nothing ever lived.
public struct FragmentationFigures: Sendable, Equatable {
  /// Mean over all events of held / live - 1.
  public var jw1: Double?
  /// Held / live - 1 at the moment of the most live bytes.
  public var jw2: Double?
  /// Most held bytes / live bytes at that same moment of most held bytes - 1.
  public var jw3: Double?
  /// Most held bytes / most live bytes - 1.
  public var jw4: Double?

  /// The four figures.
  public init(jw1: Double? = nil, jw2: Double? = nil, jw3: Double? = nil, jw4: Double? = nil) {
    self.jw1 = jw1
    self.jw2 = jw2
    self.jw3 = jw3
    self.jw4 = jw4
  }
}

/// Everything that one pass over a trace says about one heap.
public struct HeapMeasures: Sendable {
  /// The canonical heap specification: `first-fit`, `best-fit(align=8)`.
  public var allocator: String
  /// Allocations, frees and reallocations that were replayed.
  public var events: Int = 0
  /// Wall time that replaying and measuring this heap took, decoding not included.
  public var seconds: Double = 0
  /// The most bytes that live blocks ever asked for.
  public var peakLive: ByteCount = .zero
  /// The most bytes that the heap ever had from the system.
  public var peakHeld: ByteCount = .zero
  /// The most bytes of touched pages that were ever held.
  public var peakResident: ByteCount = .zero
  /// Time-weighted mean over the trace.
  public var meanResident: ByteCount = .zero
  /// The figures of Johnstone & Wilson.
  public var fragmentation = FragmentationFigures()
  /// At the moment of the most live bytes.
  public var atPeak = HeapSnapshot()
  /// After the last step.
  public var atEnd = HeapSnapshot()
  /// At most a few hundred points, evenly spaced in time, first and last moment included.
  public var timeline: [TimelinePoint] = []
  /// The work that the textbook form of the policy would have done.
  public var work = Work()
  /// What no heap can do with less of; known only to the offline packing.
  public var lowerBound: LowerBound?

  /// The measures of a heap that has seen no step.
  public init(allocator: String) { self.allocator = allocator }

  /// Events replayed and measured in a second; zero where no time was measured.
  public var eventsPerSecond: Double { seconds > 0 ? Double(events) / seconds : 0 }
}

/// A frame of a call stack, with a name where one was found.
public struct NamedFrame: Sendable, Hashable {
  /// The demangled function, or `module+0xoffset` where no symbol covers the address.
  public var function: String
  /// The file name of the executable or library, without its directory.
  public var module: String
  /// The source file; nil where debug information does not tell.
  public var file: String?
  /// The line in that file; nil where debug information does not tell.
  public var line: Int?

  /// A frame with these names.
  public init(function: String, module: String, file: String? = nil, line: Int? = nil) {
    self.function = function
    self.module = module
    self.file = file
    self.line = line
  }
}

/// What one call site keeps.
public struct PinnedSite: Sendable {
  /// Its share of the pinned bytes: the free bytes of each page that it lives on, divided equally
  /// among the sites that live there (the Shapley value).
  ///
  /// The shares sum to all pinned bytes.
  public var pinned: Double
  /// The free bytes of the pages on which only this site lives.
  public var sole: ByteCount
  /// Bytes that its live blocks asked for.
  public var live: ByteCount
  /// Its live blocks.
  public var blocks: Int
  /// Pages on which it has a block, full ones included.
  public var pages: Int
  /// The first frame that is the user's own: past malloc, operator new, swift_slowAlloc, ...
  public var frame: NamedFrame
  /// The whole stack of the site, innermost frame first; of several, the one with most live bytes.
  public var stack: [NamedFrame]

  /// A site with these figures.
  public init(
    pinned: Double, sole: ByteCount, live: ByteCount, blocks: Int, pages: Int,
    frame: NamedFrame, stack: [NamedFrame]
  ) {
    self.pinned = pinned
    self.sole = sole
    self.live = live
    self.blocks = blocks
    self.pages = pages
    self.frame = frame
    self.stack = stack
  }
}

/// Who keeps pages from being returned, at one moment of the recorded heap.
public struct PinReport: Sendable {
  /// The moment.
  public var time: Timestamp
  /// Whether the trace has no times, so that the nanoseconds of `time` count steps.
  public var countsSteps = false
  /// Free bytes on all pages on which something lives.
  public var pinned: ByteCount
  /// Bytes of held pages on which nothing lives.
  public var freePageBytes: ByteCount
  /// Held pages on which something lives.
  public var occupiedPages: Int
  /// Largest share first.
  public var sites: [PinnedSite]

  /// A report with these figures.
  public init(
    time: Timestamp, pinned: ByteCount, freePageBytes: ByteCount, occupiedPages: Int,
    sites: [PinnedSite]
  ) {
    self.time = time
    self.pinned = pinned
    self.freePageBytes = freePageBytes
    self.occupiedPages = occupiedPages
    self.sites = sites
  }
}

/// What a trace file holds beside its requests, and whether all of it could be read.
public struct TraceInventory: Sendable, Equatable {
  /// The length of the file.
  public var fileBytes: ByteCount
  /// Threads that made requests.
  public var threads: Int
  /// Processes that the trace follows.
  public var processes: Int
  /// Distinct call stacks.
  public var stacks: Int
  /// Files that were mapped as code.
  public var modules: Int
  /// The file ends as its writer meant it to end, and nothing in it is damaged.
  public var isComplete: Bool
  /// What is damaged or missing, one plain sentence each.
  public var damage: [String]

  /// An inventory with these figures.
  public init(
    fileBytes: ByteCount = .zero, threads: Int = 0, processes: Int = 1, stacks: Int = 0,
    modules: Int = 0, isComplete: Bool = true, damage: [String] = []
  ) {
    self.fileBytes = fileBytes
    self.threads = threads
    self.processes = processes
    self.stacks = stacks
    self.modules = modules
    self.isComplete = isComplete
    self.damage = damage
  }
}

/// All that the report of one trace is made from.
public struct Story: Sendable {
  /// The name of the trace file.
  public var traceName: String
  /// Where the trace comes from.
  public var metadata: TraceMetadata
  /// Its totals.
  public var summary: TraceSummary
  /// What the kernel said of the memory of the process, in order of time.
  public var samples: [ResidentSample]
  /// What really happened.
  public var recorded: HeapMeasures
  /// Who kept pages at the moment of the most live bytes.
  public var pinsAtPeak: PinReport
  /// Who kept pages after the last step.
  public var pinsAtEnd: PinReport
  /// All compared heaps, `recorded` among them.
  public var heaps: [HeapMeasures]
  /// What the trace file holds beside its steps.
  public var inventory: TraceInventory
  /// Blocks that the wrong function released.
  public var wrongReleases: [WrongRelease]
  /// Why functions have no name, one plain sentence for each file that could not be read.
  public var symbolProblems: [String]
  /// The part of the trace that it is about; nil where it is the whole.
  public var span: TraceSpan?
  /// The version of Lacuna that made the measures; empty where it does not matter.
  public var version: String

  /// A story of these parts.
  public init(
    traceName: String, metadata: TraceMetadata, summary: TraceSummary, samples: [ResidentSample],
    recorded: HeapMeasures, pinsAtPeak: PinReport, pinsAtEnd: PinReport, heaps: [HeapMeasures],
    inventory: TraceInventory = TraceInventory(), wrongReleases: [WrongRelease] = [],
    symbolProblems: [String] = [],
    version: String = ""
  ) {
    self.traceName = traceName
    self.metadata = metadata
    self.summary = summary
    self.samples = samples
    self.recorded = recorded
    self.pinsAtPeak = pinsAtPeak
    self.pinsAtEnd = pinsAtEnd
    self.heaps = heaps
    self.inventory = inventory
    self.wrongReleases = wrongReleases
    self.symbolProblems = symbolProblems
    self.version = version
  }
}
