// Call stacks on their way into the file: a trie of return addresses, and the stacks that end in it.

/// Numbers trie nodes and stacks, and keeps those that no chunk holds yet.
struct StackTableEncoder: ~Copyable {
  private struct Node {
    var parent: UInt32
    /// As ``CodeVersion`` packs it.
    var version: UInt64
    var returnAddress: UInt64
  }

  private var nodes: [Node] = []
  private var firstNode: UInt32 = 1
  private var stacks: [(node: UInt32, entry: EntryPoint)] = []
  private var firstStack: UInt32 = 1
  /// A node and an entry point, as one number, to the stack.
  private var known = FlatMap<UInt32>()

  /// All nodes but the root, and all stacks but the unknown one.
  var nodeCount: Int { Int(firstNode) - 1 + nodes.count }
  var stackCount: Int { Int(firstStack) - 1 + stacks.count }

  /// Nodes or stacks that wait for a chunk.
  var pending: Int { max(nodes.count, stacks.count) }

  mutating func node(parent: UInt32, returnAddress: UInt64, version: UInt64) -> UInt32 {
    let id = Int(firstNode) + nodes.count
    guard id < TraceFormat.maximumNodes else { return 0 }
    precondition(Int(parent) < id, "a stack node's parent must be there before it")
    nodes.append(Node(parent: parent, version: version, returnAddress: returnAddress))
    return UInt32(id)
  }

  mutating func stack(node: UInt32, entry: EntryPoint) -> StackID {
    if node == 0 && entry == .unknown { return .unknown }
    let key = UInt64(node) << 8 | UInt64(entry.rawValue)
    if let id = known.find(key) { return StackID(id) }
    let id = Int(firstStack) + stacks.count
    guard id < TraceFormat.maximumNodes else { return .unknown }
    precondition(
      Int(node) < Int(firstNode) + nodes.count, "a stack's node must be there before it")
    stacks.append((node, entry))
    _ = known.set(key, UInt32(id))
    return StackID(UInt32(id))
  }

  /// Writes the sections of a chunk with all that waits.
  mutating func write(to output: ChunkOutput) {
    var range = ByteSink()
    for number in [Int(firstNode), nodes.count, Int(firstStack), stacks.count] {
      range.varint(UInt64(number))
    }
    output.section(.stackRange, range.bytes)
    writeNodes(to: output)
    writeStacks(to: output)
    firstNode += UInt32(nodes.count)
    firstStack += UInt32(stacks.count)
    nodes.removeAll(keepingCapacity: true)
    stacks.removeAll(keepingCapacity: true)
  }

  /// Return addresses repeat: each distinct one of the chunk is written once, then named by number.
  private func writeNodes(to output: ChunkOutput) {
    var parents = ByteSink()
    var indices = ByteSink()
    var newAddresses = ByteSink()
    var images = ByteSink()
    var numbers = FlatMap<UInt32>()
    var last: UInt64 = 0
    var run: UInt64 = 0
    for (offset, node) in nodes.enumerated() {
      parents.varint(UInt64(Int(firstNode) + offset - 1 - Int(node.parent)))
      if let number = numbers.find(node.returnAddress) {
        indices.varint(UInt64(number) + 1)
      } else {
        indices.varint(0)
        newAddresses.varint(zigzag(Int64(bitPattern: node.returnAddress &- last)))
        last = node.returnAddress
        _ = numbers.set(node.returnAddress, UInt32(numbers.count))
      }
      run += 1
      if offset + 1 == nodes.count || nodes[offset + 1].version != node.version {
        images.varint(run)
        images.varint(node.version)
        run = 0
      }
    }
    output.section(.nodeParents, parents.bytes)
    output.section(.nodeAddressIndices, indices.bytes)
    output.section(.nodeNewAddresses, newAddresses.bytes)
    output.section(.nodeImages, images.bytes)
  }

  private func writeStacks(to output: ChunkOutput) {
    var ends = ByteSink()
    var entries: [UInt8] = []
    var last: Int64 = 0
    for stack in stacks {
      ends.varint(zigzag(Int64(stack.node) - last))
      last = Int64(stack.node)
      entries.append(stack.entry.rawValue)
    }
    output.section(.stackNodes, ends.bytes)
    output.section(.stackEntries, entries)
  }
}
