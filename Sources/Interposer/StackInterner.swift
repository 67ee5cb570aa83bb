// The tree of call stacks in the segment: every stack once, whichever thread took it.

import CaptureABI
import InterposerEntry

/// Finds or adds the nodes of a stack, without locks: a node is written first and then entered
/// into the index; of two threads that add the same node, one loses and leaves its copy unused.
enum StackInterner {
  /// The first part of the index: a line of eight entries for every four nodes, with the calls
  /// below those nodes.
  ///
  /// The nodes of one stack are numbered in order, and so are stacks that were taken one after the
  /// other: walks stay in few lines, and a small program in few pages. An entry that finds its line
  /// full goes to the rest, by hash.
  private static let nodesPerLine = 4
  private static let lines = LACUNA_NODE_CAPACITY / nodesPerLine
  private static let nearEntries = lines * 8
  private static let farEntries = LACUNA_NODE_CAPACITY
  private static let farMask = farEntries &- 1
  static let indexEntries = nearEntries &+ farEntries
  private static let idMask = (UInt64(1) << UInt64(LACUNA_NODE_BITS)) &- 1
  private static let truncatedMark: UInt64 = 1
  /// So many steps from the home of an entry the index counts as full.
  private static let probeLimit = 64

  /// The node that is the root of the stacks of a program image.
  static func imageRoot(number: UInt32) -> UInt32 {
    append(parent: 0, returnAddress: UInt64(number))
  }

  /// The node of the stack that a walk found, which is remembered for the next walk.
  ///
  /// The outermost frame of a stack that was cut hangs under a node of its own.
  @inline(__always)
  static func node(of walk: Walk, _ scratch: UnsafeMutablePointer<UInt64>) -> UInt32 {
    let fresh = Frames(addresses: scratch + StackScratch.fresh)
    let remembered = Frames(addresses: scratch + StackScratch.remembered)
    let nodes = UnsafeMutableRawPointer(scratch + StackScratch.nodes)
      .assumingMemoryBound(to: UInt32.self)
    if session.hasGenerations { addGenerations(fresh, walk.fresh, scratch) }
    var node = walk.shared > 0 ? nodes[walk.shared &- 1] : session.imageRoot
    if walk.isTruncated {
      _ = lacuna_add64(&session.header.unsafelyUnwrapped.pointee.truncated_stacks, 1)
      node = child(of: node, truncatedMark)
    }
    var depth = walk.shared
    var index = walk.fresh &- 1
    while index >= 0 {
      node = child(of: node, fresh.addresses[index])
      remembered.copy(depth, from: fresh, index)
      nodes[depth] = node
      depth = depth &+ 1
      index = index &- 1
    }
    let isReliable = walk.isRegular && !walk.isTruncated
    scratch[StackScratch.count] = UInt64(truncatingIfNeeded: isReliable ? depth : walk.shared)
    return node
  }

  /// Puts the generations of their modules above the addresses of frames.
  ///
  /// Such frames are met anew in every walk: what is remembered of them is no address of the stack.
  @inline(never)
  private static func addGenerations(
    _ frames: Frames, _ count: Int, _ scratch: UnsafeMutablePointer<UInt64>
  ) {
    for index in 0..<count {
      let address = frames.addresses[index]
      let rule = UnwindRuleCache.rule(at: address &- 1, epoch: scratch[StackScratch.epoch])
      frames.addresses[index] = address | rule.bits & UnwindRule.generationMask
    }
  }

  /// The node of a call below `parent`; `parent` itself when the tree is full.
  ///
  /// An entry of the index holds 40 bits of the hash above the node's id. Equal bits are taken for
  /// an equal call, so that no node has to be fetched from memory: of a million different calls one
  /// is confused with another with a probability below one in a hundred thousand.
  private static func child(of parent: UInt32, _ address: UInt64) -> UInt32 {
    let index = session.index.unsafelyUnwrapped
    let hash = mix(address, parent)
    let tag = hash & ~idMask
    let line = Int(truncatingIfNeeded: parent) / nodesPerLine
    var added: UInt32 = 0
    let near = find(
      index + line &* 8, 0, mask: 7, limit: 8, tag, parent: parent, address, &added)
    if near != 0 { return near }
    let home = Int(truncatingIfNeeded: hash) & farMask
    let far = find(
      index + nearEntries, home, mask: farMask, limit: probeLimit, tag, parent: parent, address,
      &added)
    return far != 0 ? far : parent
  }

  /// Looks for the tag from `start` on, round the mask, and enters a new node at the first empty
  /// entry.
  ///
  /// 0 when there is neither within the limit, or no room for a node.
  @inline(__always)
  private static func find(
    _ entries: UnsafeMutablePointer<UInt64>, _ start: Int, mask: Int, limit: Int, _ tag: UInt64,
    parent: UInt32, _ address: UInt64, _ added: inout UInt32
  ) -> UInt32 {
    var position = start
    var probes = 0
    while probes < limit {
      let slot = entries + position
      let entry = lacuna_load64(slot)
      if entry == 0 {
        if added == 0 { added = append(parent: parent, returnAddress: address) }
        if added == 0 { return 0 }
        if lacuna_swap64(slot, 0, tag | UInt64(added)) != 0 { return added }
        // Another thread was faster, perhaps with the same call: look at the entry again.
        continue
      }
      if entry & ~idMask == tag { return UInt32(truncatingIfNeeded: entry & idMask) }
      position = (position &+ 1) & mask
      probes &+= 1
    }
    return 0
  }

  @inline(__always)
  private static func mix(_ address: UInt64, _ parent: UInt32) -> UInt64 {
    var hash = (address ^ UInt64(parent) &* 0xff51_afd7_ed55_8ccd) &* 0x9e37_79b9_7f4a_7c15
    hash ^= hash >> 29
    hash = hash &* 0xbf58_476d_1ce4_e5b9
    return hash ^ hash >> 32
  }

  /// Writes a new node.
  ///
  /// Returns 0 when there is no room.
  private static func append(parent: UInt32, returnAddress: UInt64) -> UInt32 {
    let header = session.header.unsafelyUnwrapped
    guard header.pointee.node_count < UInt32(LACUNA_NODE_CAPACITY &- 1024) else { return 0 }
    // Node 0 stands for no stack.
    let id = lacuna_add32(&header.pointee.node_count, 1) &+ 1
    guard id < UInt32(LACUNA_NODE_CAPACITY) else { return 0 }
    let node = session.nodes.unsafelyUnwrapped + Int(id)
    node.pointee.return_address = returnAddress
    node.pointee.parent = parent
    lacuna_store32(&node.pointee.ready, 1)
    return id
  }
}
