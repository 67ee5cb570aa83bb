// The call stacks of a trace.

/// The call stacks of a trace: paths in a trie of return addresses, with the function at their end.
///
/// Node 0 of the trie is the root, outside all frames; every other node has a parent with a smaller
/// number. A ``StackID`` names a node and an entry point; 0 is the unknown stack.
public struct StackTable: Sendable {
  private(set) var parents: [UInt32] = [0]
  private(set) var returnAddresses: [UInt64] = [0]
  private(set) var images: [UInt32] = [0]
  private(set) var generations: [UInt16] = [0]
  private(set) var nodes: [UInt32] = [0]
  private(set) var entries: [EntryPoint] = [.unknown]

  init() {}

  /// The number of stacks, the unknown one among them; every ``StackID`` of a trace is below it.
  public var count: Int { nodes.count }

  /// The return addresses of a stack, innermost first; empty for an unknown one.
  /// - Complexity: O(depth).
  public func returnAddresses(of stack: StackID) -> [UInt64] {
    var addresses: [UInt64] = []
    var node = node(of: stack)
    while node != 0 {
      addresses.append(returnAddresses[node])
      node = Int(parents[node])
    }
    return addresses
  }

  /// The calls of a stack, innermost first, each with what tells its code from other code at the same
  /// address; empty for an unknown one.
  /// - Complexity: O(depth).
  public func frames(of stack: StackID) -> [CodeAddress] {
    var frames: [CodeAddress] = []
    var node = node(of: stack)
    while node != 0 {
      frames.append(
        CodeAddress(
          returnAddress: returnAddresses[node], image: images[node],
          generation: generations[node]))
      node = Int(parents[node])
    }
    return frames
  }

  /// All different calls of all stacks, in no order.
  /// - Complexity: O(nodes).
  public var calls: Set<CodeAddress> {
    var calls: Set<CodeAddress> = []
    for node in parents.indices.dropFirst() {
      calls.insert(
        CodeAddress(
          returnAddress: returnAddresses[node], image: images[node],
          generation: generations[node]))
    }
    return calls
  }

  /// The function that the program called at the end of the stack.
  public func entry(of stack: StackID) -> EntryPoint {
    stack.index < entries.count ? entries[stack.index] : .unknown
  }

  /// The program image that the frames of the stack belong to: 0, and one more after each `exec`.
  public func image(of stack: StackID) -> UInt32 { images[node(of: stack)] }

  private func node(of stack: StackID) -> Int {
    stack.index < nodes.count ? Int(nodes[stack.index]) : 0
  }
}

extension StackTable {
  /// Adds the nodes and stacks of a chunk.
  ///
  /// Where a chunk before it is lost, nodes without address below the root stand in for what it
  /// held, at most `gap` of them, and unknown stacks. Returns what is wrong, or nil.
  mutating func add(_ payload: ChunkPayload, gap: Int) -> String? {
    var range = payload.source(.stackRange)
    guard let firstNode = range.varint(), let nodeCount = range.varint(),
      let firstStack = range.varint(), let stackCount = range.varint(),
      nodeCount <= TraceFormat.stepsPerChunk, stackCount <= TraceFormat.stepsPerChunk,
      firstNode >= parents.count, firstNode - UInt64(parents.count) <= gap,
      firstStack >= nodes.count, firstStack - UInt64(nodes.count) <= gap,
      firstNode + nodeCount <= TraceFormat.maximumNodes,
      firstStack + stackCount <= TraceFormat.maximumNodes
    else { return "the numbers of the stacks do not follow those before" }
    pad(nodes: Int(firstNode), stacks: Int(firstStack))
    guard addNodes(Int(nodeCount), payload), addStacks(Int(stackCount), payload) else {
      pad(nodes: Int(firstNode + nodeCount), stacks: Int(firstStack + stackCount))
      return "the columns of the stacks do not fit together"
    }
    return nil
  }

  private mutating func pad(nodes nodeCount: Int, stacks stackCount: Int) {
    while parents.count < nodeCount { addNode(0, 0, (0, 0)) }
    while nodes.count < stackCount {
      nodes.append(0)
      entries.append(.unknown)
    }
  }

  private mutating func addNode(
    _ parent: UInt32, _ address: UInt64, _ version: (image: UInt32, generation: UInt16)
  ) {
    parents.append(parent)
    returnAddresses.append(address)
    images.append(version.image)
    generations.append(version.generation)
  }

  private mutating func addNodes(_ count: Int, _ payload: ChunkPayload) -> Bool {
    var parentColumn = payload.source(.nodeParents)
    var indices = payload.source(.nodeAddressIndices)
    var newAddresses = payload.source(.nodeNewAddresses)
    var imageRuns = payload.source(.nodeImages)
    var distinct: [UInt64] = []
    var version: (image: UInt32, generation: UInt16) = (0, 0)
    var run: UInt64 = 0
    for _ in 0..<count {
      if run == 0 {
        guard let length = imageRuns.varint(), length > 0,
          let value = imageRuns.varint().flatMap(CodeVersion.unpack)
        else { return false }
        run = length
        version = value
      }
      run -= 1
      guard let distance = parentColumn.varint(), distance < parents.count,
        let index = indices.varint()
      else { return false }
      if index == 0 {
        guard let difference = newAddresses.varint() else { return false }
        distinct.append((distinct.last ?? 0) &+ UInt64(bitPattern: unzigzag(difference)))
      }
      guard index <= distinct.count, let last = distinct.last else { return false }
      let address = index == 0 ? last : distinct[Int(index) - 1]
      addNode(UInt32(parents.count - 1 - Int(distance)), address, version)
    }
    return true
  }

  private mutating func addStacks(_ count: Int, _ payload: ChunkPayload) -> Bool {
    var ends = payload.source(.stackNodes)
    var entryColumn = payload.source(.stackEntries)
    var node: Int64 = 0
    for _ in 0..<count {
      guard let difference = ends.varint(), let code = entryColumn.byte() else { return false }
      node &+= unzigzag(difference)
      guard node >= 0, node < parents.count else { return false }
      nodes.append(UInt32(node))
      entries.append(EntryPoint(rawValue: code) ?? .unknown)
    }
    return true
  }
}
