// A heap profile as plain values: what the formats of profilers have in common.

public import MemoryUnits

/// What each call stack asked for up to a moment of a trace, and what of that lived then.
public struct HeapProfile: Sendable {
  /// A file that was mapped as code.
  public struct Module: Sendable, Hashable {
    /// The path, as it was recorded.
    public var path: String
    /// The GNU build id in hexadecimal digits; empty where there is none.
    public var buildID: String
    /// The mapped addresses.
    public var range: Range<Address>

    /// Describes a mapped file.
    public init(path: String, buildID: String, range: Range<Address>) {
      self.path = path
      self.buildID = buildID
      self.range = range
    }
  }

  /// A function at a place in its source.
  public struct Line: Sendable, Hashable {
    /// The name of the function; `module+0xoffset` where none is known.
    public var function: String
    /// The source file; empty where unknown.
    public var file: String
    /// The line in it; 0 where unknown.
    public var line: Int
    /// The file name of the module; empty where the address lies in none.
    public var module: String
    /// Whether `function` is a name from a symbol table.
    public var isNamed: Bool

    /// A function at a place.
    public init(
      function: String, file: String = "", line: Int = 0, module: String = "", isNamed: Bool = true
    ) {
      self.function = function
      self.file = file
      self.line = line
      self.module = module
      self.isNamed = isNamed
    }
  }

  /// An address that a stack goes through.
  public struct Location: Sendable, Hashable {
    /// The last byte of the call.
    public var address: Address
    /// The index of the module that it lies in; nil for none.
    public var module: Int?
    /// The functions there: inlined ones first, each within the one behind it; never empty.
    public var lines: [Line]

    /// An address with its functions.
    public init(address: Address, module: Int?, lines: [Line]) {
      self.address = address
      self.module = module
      self.lines = lines
    }
  }

  /// The figures of one call stack.
  public struct Sample: Sendable {
    /// Indices of the locations, innermost first; never empty.
    public var stack: [Int]
    /// What the stack asked for and what of it lived.
    public var figures: HeapFigures

    /// A stack with its figures.
    public init(stack: [Int], figures: HeapFigures) {
      self.stack = stack
      self.figures = figures
    }
  }

  /// What names the moment in the names of files and tables: `peak`, `end`, `12.5s`.
  public var moment: String
  /// Nanoseconds from the start of recording to the moment; nil where times are unknown.
  public var nanoseconds: UInt64?
  /// Seconds since 1970 at which recording began; 0 where unknown.
  public var startedAt: Double
  /// The program and its arguments.
  public var command: [String]
  /// Sentences on how the figures came about.
  public var comments: [String]
  /// 1 where every block is in the trace, N where one in N is, and the figures are scaled by N.
  public var period: Int
  /// The files, the program itself first.
  public var modules: [Module]
  /// All places that the stacks go through.
  public var locations: [Location]
  /// The stacks, no two of them equal.
  public var samples: [Sample]

  /// A profile of these parts.
  public init(
    moment: String, nanoseconds: UInt64?, startedAt: Double = 0, command: [String] = [],
    comments: [String] = [], period: Int = 1, modules: [Module], locations: [Location],
    samples: [Sample]
  ) {
    self.moment = moment
    self.nanoseconds = nanoseconds
    self.startedAt = startedAt
    self.command = command
    self.comments = comments
    self.period = period
    self.modules = modules
    self.locations = locations
    self.samples = samples
  }
}

/// The four figures of heap profiles.
public struct HeapFigures: Sendable, Equatable {
  /// Blocks that were begun up to the moment.
  public var allocatedBlocks: Int64
  /// Bytes that were asked for with them.
  public var allocatedBytes: Int64
  /// Blocks that lived at the moment.
  public var liveBlocks: Int64
  /// Bytes that were asked for with them.
  public var liveBytes: Int64

  /// These figures.
  public init(
    allocatedBlocks: Int64 = 0, allocatedBytes: Int64 = 0, liveBlocks: Int64 = 0,
    liveBytes: Int64 = 0
  ) {
    self.allocatedBlocks = allocatedBlocks
    self.allocatedBytes = allocatedBytes
    self.liveBlocks = liveBlocks
    self.liveBytes = liveBytes
  }

  /// Whether nothing was asked for.
  public var areZero: Bool { self == HeapFigures() }
}

/// One of the four figures, for formats that carry one at a time.
public enum HeapMetric: String, CaseIterable, Sendable {
  /// Bytes that lived at the moment.
  case inuseSpace = "inuse_space"
  /// Blocks that lived at the moment.
  case inuseObjects = "inuse_objects"
  /// Bytes asked for up to the moment.
  case allocSpace = "alloc_space"
  /// Blocks begun up to the moment.
  case allocObjects = "alloc_objects"
}

extension HeapFigures {
  /// One of the figures.
  public subscript(metric: HeapMetric) -> Int64 {
    switch metric {
    case .inuseSpace: liveBytes
    case .inuseObjects: liveBlocks
    case .allocSpace: allocatedBytes
    case .allocObjects: allocatedBlocks
    }
  }
}
