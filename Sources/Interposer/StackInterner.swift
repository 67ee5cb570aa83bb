// The tree of call stacks in the segment: every stack once, whichever thread took it.

import CaptureABI
import InterposerEntry

/// Finds or adds the nodes of a stack, without locks: a node is written first and then entered
/// into the index; of two threads that add the same node, one loses and leaves its copy unused.
enum StackInterner {
  private static let indexMask = LACUNA_INDEX_CAPACITY &- 1
  private static let idMask = (UInt64(1) << UInt64(LACUNA_NODE_BITS)) &- 1
  private static let truncatedMark: UInt64 = 1
  /// So many steps from the home of an entry the index counts as full.
  private static let probeLimit = 64

  /// The node that is the root of the stacks of a program image.
  static func imageRoot(number: UInt32) -> UInt32 {
    append(parent: 0, returnAddress: UInt64(number))
  }

  /// The node of a stack, given innermost frame first. A negative count marks a stack that was
  /// cut; its outermost frame then hangs under a node of its own.
  static func node(of scratch: UnsafeMutablePointer<UInt64>, _ signedCount: Int) -> UInt32 {
    let count = signedCount < 0 ? 0 &- signedCount : signedCount
    let remembered = scratch + StackScratch.remembered
    let nodes = UnsafeMutableRawPointer(scratch + StackScratch.nodes)
      .assumingMemoryBound(to: UInt32.self)
    var root = session.imageRoot
    var shared = 0
    if signedCount < 0 {
      _ = lacuna_add64(&session.header.unsafelyUnwrapped.pointee.truncated_stacks, 1)
      root = child(of: root, truncatedMark)
    } else {
      // What is still in place since the last walk, from the root, has its nodes already.
      let known = Int(truncatingIfNeeded: scratch[StackScratch.count])
      let most = known < count ? known : count
      while shared < most, remembered[shared] == scratch[count &- 1 &- shared] { shared &+= 1 }
    }
    var node = shared > 0 ? nodes[shared &- 1] : root
    var depth = shared
    while depth < count {
      let address = scratch[count &- 1 &- depth]
      node = child(of: node, address)
      remembered[depth] = address
      nodes[depth] = node
      depth &+= 1
    }
    scratch[StackScratch.count] = signedCount < 0 ? 0 : UInt64(truncatingIfNeeded: count)
    return node
  }

  /// The node of a call below `parent`; `parent` itself when the tree is full.
  private static func child(of parent: UInt32, _ address: UInt64) -> UInt32 {
    let index = session.index.unsafelyUnwrapped
    let nodes = session.nodes.unsafelyUnwrapped
    let hash = mix(address, parent)
    let tag = hash & ~idMask
    var position = Int(truncatingIfNeeded: hash) & indexMask
    var added: UInt32 = 0
    var probes = 0
    while probes < probeLimit {
      let slot = index + position
      let entry = lacuna_load64(slot)
      if entry == 0 {
        if added == 0 { added = append(parent: parent, returnAddress: address) }
        if added == 0 { return parent }
        if lacuna_swap64(slot, 0, tag | UInt64(added)) != 0 { return added }
        continue
      }
      if entry & ~idMask == tag {
        let id = UInt32(truncatingIfNeeded: entry & idMask)
        let node = nodes[Int(id)]
        if node.return_address == address, node.parent == parent { return id }
      }
      position = (position &+ 1) & indexMask
      probes &+= 1
    }
    return parent
  }

  @inline(__always)
  private static func mix(_ address: UInt64, _ parent: UInt32) -> UInt64 {
    var hash = (address ^ UInt64(parent) &* 0xff51_afd7_ed55_8ccd) &* 0x9e37_79b9_7f4a_7c15
    hash ^= hash >> 29
    hash = hash &* 0xbf58_476d_1ce4_e5b9
    return hash ^ hash >> 32
  }

  /// Writes a new node. Returns 0 when there is no room.
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
