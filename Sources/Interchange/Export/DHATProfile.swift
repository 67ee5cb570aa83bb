// DHAT: the format of valgrind's viewer of heap lifetimes, dh_view.html.

/// What each call stack did over a whole trace, lifetimes included.
public struct LifetimeProfile: Sendable {
  /// The figures of one stack.
  public struct Sample: Sendable {
    /// Indices of the locations, innermost first; never empty.
    public var stack: [Int]
    /// Blocks and bytes over the whole trace.
    public var allocatedBlocks: Int64
    /// See `allocatedBlocks`.
    public var allocatedBytes: Int64
    /// Units of time that all blocks lived together.
    public var lifetimes: Int64
    /// The most bytes of the stack that lived at a time, and the blocks that lived then.
    public var largestBytes: Int64
    /// See `largestBytes`.
    public var blocksAtLargest: Int64
    /// What lived when most bytes of the whole program lived.
    public var peakBlocks: Int64
    /// See `peakBlocks`.
    public var peakBytes: Int64
    /// What lived at the end.
    public var endBlocks: Int64
    /// See `endBlocks`.
    public var endBytes: Int64

    /// A stack with figures that are all zero.
    public init(stack: [Int]) {
      self.stack = stack
      allocatedBlocks = 0
      allocatedBytes = 0
      lifetimes = 0
      largestBytes = 0
      blocksAtLargest = 0
      peakBlocks = 0
      peakBytes = 0
      endBlocks = 0
      endBytes = 0
    }
  }

  /// The program and its arguments.
  public var command: [String]
  /// Its process.
  public var processID: Int
  /// Whether lifetimes are microseconds; they are steps otherwise.
  public var usesTimes: Bool
  /// The moment of the most live bytes, in units of time.
  public var peak: UInt64
  /// The end of the trace, in units of time.
  public var end: UInt64
  /// All places that the stacks go through.
  public var locations: [HeapProfile.Location]
  /// The stacks, no two of them equal.
  public var samples: [Sample]

  /// A profile of these parts.
  public init(
    command: [String], processID: Int, usesTimes: Bool, peak: UInt64, end: UInt64,
    locations: [HeapProfile.Location], samples: [Sample]
  ) {
    self.command = command
    self.processID = processID
    self.usesTimes = usesTimes
    self.peak = peak
    self.end = end
    self.locations = locations
    self.samples = samples
  }
}

/// Writes lifetimes as version 2 of DHAT's JSON.
///
/// The fields are those of `dhat/dh_main.c` in valgrind 3.19, without accesses, which a trace of
/// requests does not know. Firefox Profiler reads it too.
public enum DHATProfile {
  /// Writes the profile.
  public static func write(_ profile: LifetimeProfile, to sink: @escaping ByteSink) throws {
    var stream = ByteOutput(to: sink)
    var frames = FrameStrings(profile.locations)
    putHead(of: profile, to: &stream)
    stream.put(",\"pps\":[" as StaticString)
    for (index, sample) in merged(profile.samples, &frames).enumerated() {
      stream.putComma(before: index)
      put(sample, to: &stream)
      try stream.settle()
    }
    stream.put("\n],\"ftbl\":[" as StaticString)
    for (index, frame) in frames.strings.enumerated() {
      stream.putComma(before: index)
      stream.put("\n" as StaticString)
      stream.put(json: frame)
      try stream.settle()
    }
    stream.put("\n]}\n" as StaticString)
    try stream.flush()
  }

  private static func putHead(of profile: LifetimeProfile, to stream: inout ByteOutput) {
    stream.put(
      """
      {"dhatFileVersion":2,"mode":"heap","verb":"Allocated","bklt":true,"bkacc":false

      """ as StaticString)
    // A block that dies within this time is shown as short-lived.
    stream.put(
      profile.usesTimes
        ? #","tu":"µs","Mtu":"s","tuth":500"# as StaticString
        : #","tu":"steps","Mtu":"Msteps","tuth":500"#)
    stream.put(",\"cmd\":" as StaticString)
    stream.put(json: profile.command.joined(separator: " "))
    stream.put(",\"pid\":" as StaticString)
    stream.put(decimal: Int64(profile.processID))
    stream.put("\n,\"tg\":" as StaticString)
    stream.put(decimal: profile.peak)
    stream.put(",\"te\":" as StaticString)
    stream.put(decimal: profile.end)
    stream.put("\n" as StaticString)
  }

  private static func put(_ sample: LifetimeProfile.Sample, to stream: inout ByteOutput) {
    let fields: [(StaticString, Int64)] = [
      ("\n{\"tb\":", sample.allocatedBytes), (",\"tbk\":", sample.allocatedBlocks),
      (",\"tl\":", sample.lifetimes), (",\"mb\":", sample.largestBytes),
      (",\"mbk\":", sample.blocksAtLargest), (",\"gb\":", sample.peakBytes),
      (",\"gbk\":", sample.peakBlocks), (",\"eb\":", sample.endBytes),
      (",\"ebk\":", sample.endBlocks),
    ]
    for (name, value) in fields {
      stream.put(name)
      stream.put(decimal: value)
    }
    stream.put(",\"fs\":" as StaticString)
    stream.put(json: sample.stack)
    stream.put("}" as StaticString)
  }

  /// The samples in terms of frame strings: the viewer refuses two that read alike.
  private static func merged(
    _ samples: [LifetimeProfile.Sample], _ frames: inout FrameStrings
  ) -> [LifetimeProfile.Sample] {
    var places: [[Int]: Int] = [:]
    var result: [LifetimeProfile.Sample] = []
    for sample in samples where sample.allocatedBlocks > 0 {
      var sample = sample
      sample.stack = sample.stack.flatMap { frames.ofLocation($0) }
      if let place = places[sample.stack] {
        result[place].add(sample)
      } else {
        places[sample.stack] = result.count
        result.append(sample)
      }
    }
    return result
  }

  /// The table of frames, `[root]` first.
  private struct FrameStrings {
    private(set) var strings = ["[root]"]
    private var numbers: [String: Int] = [:]
    private var known: [Int: [Int]] = [:]
    private let locations: [HeapProfile.Location]

    init(_ locations: [HeapProfile.Location]) { self.locations = locations }

    /// The numbers of a location's frames, inlined ones first.
    mutating func ofLocation(_ index: Int) -> [Int] {
      if let frames = known[index] { return frames }
      let location = locations[index]
      let frames = location.lines.map { line in
        // As valgrind writes it: 0x401136: main (file.c:3).
        let place = line.file.isEmpty && !line.module.isEmpty ? "in \(line.module)" : line.place
        return number(
          "\(location.address): \(line.function)" + (place.isEmpty ? "" : " (\(place))"))
      }
      known[index] = frames
      return frames
    }

    private mutating func number(_ text: String) -> Int {
      if let known = numbers[text] { return known }
      numbers[text] = strings.count
      strings.append(text)
      return strings.count - 1
    }
  }
}

extension LifetimeProfile.Sample {
  /// Adds another stack; the largest of the sum is at most the sum of the largest.
  fileprivate mutating func add(_ other: LifetimeProfile.Sample) {
    allocatedBlocks &+= other.allocatedBlocks
    allocatedBytes &+= other.allocatedBytes
    lifetimes &+= other.lifetimes
    largestBytes &+= other.largestBytes
    blocksAtLargest &+= other.blocksAtLargest
    peakBlocks &+= other.peakBlocks
    peakBytes &+= other.peakBytes
    endBlocks &+= other.endBlocks
    endBytes &+= other.endBytes
  }
}
