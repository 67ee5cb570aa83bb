// The blocks that live at the moment, as the writer knows them.

/// A block that lives: everything that the trace says of it but its address.
struct WrittenBlock: BitwiseCopyable, Equatable {
  /// The number of the step that began it, among those that begin blocks.
  var allocation: UInt64
  /// Bytes asked for; at most 2^48.
  var size: UInt64
  /// Bytes that the heap made usable; from `size` to 2^48.
  var usable: UInt64
  /// When that step was made, in ticks of the format.
  var tick: UInt64
  var stack: UInt32
  var thread: UInt32
  var alignmentShift: UInt8
  /// What ``ReleasePrediction`` goes by.
  var family: UInt8
}

/// A ``WrittenBlock`` in three words, which with its address make a half line of the cache.
///
/// What does not fit is marked as such and kept elsewhere: that takes 2^44 allocations, half a year,
/// a million threads, 8 GiB asked for, or 16 KiB more than that.
struct PackedBlock: BitwiseCopyable {
  private static let unusualExcess: UInt64 = 1 << 14 - 1

  private var allocationAndThread: UInt64
  private var sizeStackAndFamily: UInt64
  private var tickExcessAndAlignment: UInt64

  /// Packs what fits.
  ///
  /// Numbers of stacks are below 2^28.
  @inline(__always)
  init(_ block: WrittenBlock) {
    let excess = block.usable &- block.size
    let fits =
      block.allocation >> 44 == 0 && block.thread >> 20 == 0 && block.size >> 33 == 0
      && block.tick >> 44 == 0 && excess < Self.unusualExcess
    allocationAndThread = block.allocation &<< 20 | UInt64(block.thread & 0xf_ffff)
    sizeStackAndFamily =
      block.size &<< 31 | UInt64(block.stack & 0xfff_ffff) &<< 3 | UInt64(block.family & 7)
    tickExcessAndAlignment =
      block.tick &<< 20 | (fits ? excess : Self.unusualExcess) &<< 6
      | UInt64(block.alignmentShift & 63)
  }

  /// Puts blocks in the order of their allocations, where there are fewer than 2^44.
  var order: UInt64 { allocationAndThread }

  /// Whether it says nothing, because the block is kept elsewhere.
  @inline(__always)
  var isUnusual: Bool { tickExcessAndAlignment &>> 6 & Self.unusualExcess == Self.unusualExcess }

  @inline(__always)
  var block: WrittenBlock {
    let size = sizeStackAndFamily &>> 31
    return WrittenBlock(
      allocation: allocationAndThread &>> 20, size: size,
      usable: size &+ tickExcessAndAlignment &>> 6 & Self.unusualExcess,
      tick: tickExcessAndAlignment &>> 20,
      stack: UInt32(truncatingIfNeeded: sizeStackAndFamily &>> 3 & 0xfff_ffff),
      thread: UInt32(truncatingIfNeeded: allocationAndThread & 0xf_ffff),
      alignmentShift: UInt8(truncatingIfNeeded: tickExcessAndAlignment & 63),
      family: UInt8(truncatingIfNeeded: sizeStackAndFamily & 7))
  }
}

/// The live blocks by address.
///
/// Takes 32 bytes for each place of a table that is between a quarter and half full: 64 to 128 bytes
/// for each live block.
struct LiveBlocks: ~Copyable {
  private var packed = FlatMap<PackedBlock>(capacityShift: 12)
  private var unusual = FlatMap<WrittenBlock>(capacityShift: 6)

  var count: Int { packed.count }

  /// Stores a block; returns the one that lived at the address.
  @inline(__always)
  mutating func set(_ address: UInt64, _ block: WrittenBlock) -> WrittenBlock? {
    let new = PackedBlock(block)
    let old = packed.set(address, new)
    if new.isUnusual || old?.isUnusual == true {
      return exchange(address, new.isUnusual ? block : nil, old)
    }
    return old?.block
  }

  /// Whether a block lives at the address.
  @inline(__always)
  func contains(_ address: UInt64) -> Bool { packed.find(address) != nil }

  @inline(__always)
  mutating func remove(_ address: UInt64) -> WrittenBlock? {
    guard let old = packed.remove(address) else { return nil }
    return old.isUnusual ? unusual.remove(address) : old.block
  }

  @inline(never)
  private mutating func exchange(
    _ address: UInt64, _ new: WrittenBlock?, _ old: PackedBlock?
  ) -> WrittenBlock? {
    let known = unusual.remove(address)
    if let new { _ = unusual.set(address, new) }
    return known ?? old?.block
  }

  mutating func removeAll() {
    packed.removeAll()
    unusual.removeAll()
  }

  func forEach(_ body: (UInt64, WrittenBlock) -> Void) {
    packed.forEach { address, block in
      if !block.isUnusual {
        body(address, block.block)
      } else if let known = unusual.find(address) {
        body(address, known)
      }
    }
  }

  @inline(__always)
  func prefetch(_ address: UInt64) { packed.prefetch(address) }

  /// A copy of all of them as they are now, in no order.
  ///
  /// - Complexity: O(blocks); this is all that a keyframe makes the feeder of the writer wait for.
  func copy() -> [KeyframeBlock] {
    var blocks: [KeyframeBlock] = []
    blocks.reserveCapacity(packed.count)
    packed.forEach { address, block in
      blocks.append(KeyframeBlock(address: address, packed: block))
    }
    return blocks
  }

  /// Those of the copy that are kept elsewhere.
  func copyUnusual() -> [UInt64: WrittenBlock] {
    var blocks: [UInt64: WrittenBlock] = [:]
    unusual.forEach { blocks[$0] = $1 }
    return blocks
  }
}

/// A live block on its way into a keyframe.
struct KeyframeBlock: BitwiseCopyable {
  var address: UInt64
  var packed: PackedBlock
}
