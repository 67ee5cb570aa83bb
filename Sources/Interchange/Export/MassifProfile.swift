// Massif: the format of ms_print and massif-visualizer.

/// The heap over time, with the stacks of some moments.
public struct MassifProfile: Sendable {
  /// The heap at a moment.
  public struct Snapshot: Sendable {
    /// Milliseconds, or steps where times are unknown.
    public var time: UInt64
    /// Bytes that live blocks asked for.
    public var liveBytes: Int64
    /// What the allocator adds to them: headers and rounding.
    public var extraBytes: Int64
    /// The stacks of the live blocks; nil where they are not shown.
    public var profile: HeapProfile?
    /// Whether most bytes lived at this moment.
    public var isPeak: Bool

    /// A moment without stacks.
    public init(
      time: UInt64, liveBytes: Int64, extraBytes: Int64, profile: HeapProfile? = nil,
      isPeak: Bool = false
    ) {
      self.time = time
      self.liveBytes = liveBytes
      self.extraBytes = extraBytes
      self.profile = profile
      self.isPeak = isPeak
    }
  }

  /// The program and its arguments.
  public var command: [String]
  /// Whether times are known.
  public var usesTimes: Bool
  /// In order of time.
  public var snapshots: [Snapshot]

  /// A course of these moments.
  public init(command: [String], usesTimes: Bool, snapshots: [Snapshot]) {
    self.command = command
    self.usesTimes = usesTimes
    self.snapshots = snapshots
  }
}

extension MassifProfile {
  /// Writes the file (valgrind.org/docs/manual/ms-manual.html, massif/ms_main.c of valgrind 3.19).
  ///
  /// Trees begin at the functions that allocate and branch towards their callers. Branches of less
  /// than a hundredth of the heap are summed up, as Massif does by default.
  public func write(creator: String, to sink: @escaping ByteSink) throws {
    var stream = ByteOutput(to: sink)
    stream.put("desc: \(creator)\ncmd: \(Self.plain(command.joined(separator: " ")))\n")
    // The readers know three units; without times, "i" is the one that counts what was done.
    stream.put(usesTimes ? "time_unit: ms\n" : "time_unit: i\n" as StaticString)
    for (index, snapshot) in snapshots.enumerated() {
      stream.put("#-----------\nsnapshot=\(index)\n#-----------\n")
      stream.put("time=\(snapshot.time)\nmem_heap_B=\(snapshot.liveBytes)\n")
      stream.put("mem_heap_extra_B=\(snapshot.extraBytes)\nmem_stacks_B=0\n")
      if let profile = snapshot.profile {
        stream.put(snapshot.isPeak ? "heap_tree=peak\n" : "heap_tree=detailed\n" as StaticString)
        try putTree(profile, of: snapshot, to: &stream)
      } else {
        stream.put("heap_tree=empty\n" as StaticString)
      }
      try stream.settle()
    }
    try stream.flush()
  }

  private func putTree(
    _ profile: HeapProfile, of snapshot: Snapshot, to stream: inout ByteOutput
  ) throws {
    let samples = profile.samples.filter { $0.figures.liveBytes > 0 }
    let threshold = max(1, (snapshot.liveBytes + snapshot.extraBytes + 99) / 100)
    let names = profile.locations.map(Self.name)
    var nodes = [CallerTree.root(samples)]
    // Depth first, without recursion: stacks may be deep.
    while let node = nodes.popLast() {
      stream.put(String(repeating: " ", count: node.depth))
      if node.mergedPlaces > 0 {
        let places = node.mergedPlaces == 1 ? "1 place" : "\(node.mergedPlaces) places, all"
        stream.put("n0: \(node.bytes) in \(places) below massif's threshold (1.00%)\n")
        continue
      }
      let children = node.children(of: samples, threshold: threshold)
      stream.put("n\(children.count): \(node.bytes) ")
      stream.put(
        node.location.map { names[$0] }
          ?? "(heap allocation functions) malloc/new/new[], --alloc-fns, etc.")
      stream.put("\n" as StaticString)
      nodes.append(contentsOf: children.reversed())
      try stream.settle()
    }
  }

  private static func name(of location: HeapProfile.Location) -> String {
    // Trees are made of addresses; of an address all functions are shown, inlined ones first.
    let functions = location.lines.map { line in
      let place = line.file.isEmpty && !line.module.isEmpty ? "in \(line.module)" : line.place
      return line.function + (place.isEmpty ? "" : " (\(place))")
    }
    return plain("\(location.address): " + functions.joined(separator: ", inlined in "))
  }

  /// The readers take the number sign for the start of a comment.
  private static func plain(_ text: String) -> String {
    String(text.onOneLine.map { $0 == "#" ? "." : $0 })
  }
}

/// A node of the tree whose root is the allocator and whose branches lead to callers.
private struct CallerTree {
  /// How many frames are above it in the tree.
  var depth: Int
  var bytes: Int64
  /// The index of the location; nil for the root and for what is summed up.
  var location: Int?
  /// Indices of the samples that go through the node.
  var samples: [Int]
  /// How many nodes are summed up in this one; 0 for a node of its own.
  var mergedPlaces = 0

  static func root(_ samples: [HeapProfile.Sample]) -> CallerTree {
    CallerTree(
      depth: 0, bytes: samples.reduce(0) { $0 &+ $1.figures.liveBytes }, location: nil,
      samples: Array(samples.indices))
  }

  /// The callers, largest first, and behind them what is too small to be shown.
  func children(of all: [HeapProfile.Sample], threshold: Int64) -> [CallerTree] {
    var places: [Int: Int] = [:]
    var children: [CallerTree] = []
    for index in samples where all[index].stack.count > depth {
      let location = all[index].stack[depth]
      let place = places[location] ?? children.count
      if place == children.count {
        places[location] = place
        children.append(
          CallerTree(depth: depth + 1, bytes: 0, location: location, samples: []))
      }
      children[place].bytes &+= all[index].figures.liveBytes
      children[place].samples.append(index)
    }
    let small = children.filter { $0.bytes < threshold }
    children.removeAll { $0.bytes < threshold }
    children.sort { ($1.bytes, $0.location ?? 0) < ($0.bytes, $1.location ?? 0) }
    if !small.isEmpty {
      children.append(
        CallerTree(
          depth: depth + 1, bytes: small.reduce(0) { $0 &+ $1.bytes }, location: nil,
          samples: [], mergedPlaces: small.count))
    }
    return children
  }
}
