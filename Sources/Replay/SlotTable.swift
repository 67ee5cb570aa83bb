// Which block lives in which slot: the memory of a replay.

internal import Allocators
internal import MemoryUnits
public import Trace

/// A flat table from slots to live blocks, growing by doubling.
///
/// Takes 32 bytes for each slot up to the highest one used, which is the most blocks that ever
/// lived at once.
@frozen
@usableFromInline
struct SlotTable: ~Copyable {
  @usableFromInline
  struct Entry {
    @usableFromInline var block: LiveBlock
    @usableFromInline var isLive: Bool

    @inlinable
    init(block: LiveBlock, isLive: Bool) {
      self.block = block
      self.isLive = isLive
    }
  }

  @usableFromInline var entries: UnsafeMutablePointer<Entry>
  @usableFromInline var capacity: Int

  @usableFromInline
  init() {
    capacity = 1024
    entries = .allocate(capacity: capacity)
    clear(0..<capacity)
  }

  @inlinable
  deinit { entries.deallocate() }

  /// Whether a block lives in the slot.
  @inlinable
  @inline(__always)
  func isLive(_ slot: Slot) -> Bool {
    slot.index < capacity && entries[slot.index].isLive
  }

  /// The block in a slot of which `isLive` holds.
  @inlinable
  @inline(__always)
  subscript(slot: Slot) -> LiveBlock { entries[slot.index].block }

  /// Puts a block into a slot, which must be below `limit` if the table has to grow for it: that
  /// bounds the memory that a senseless slot number can claim.
  ///
  /// False if it is not.
  @inlinable
  @inline(__always)
  mutating func makeRoom(for slot: Slot, limit: UInt64) -> Bool {
    slot.index < capacity || grow(for: slot, limit: limit)
  }

  @inlinable
  @inline(__always)
  mutating func insert(_ block: LiveBlock, at slot: Slot) {
    entries[slot.index] = Entry(block: block, isLive: true)
  }

  @inlinable
  @inline(__always)
  mutating func remove(_ slot: Slot) { entries[slot.index].isLive = false }

  @usableFromInline
  @inline(never)
  mutating func grow(for slot: Slot, limit: UInt64) -> Bool {
    guard UInt64(slot.rawValue) < limit, slot != .none else { return false }
    var larger = capacity
    while larger <= slot.index { larger *= 2 }
    let new = UnsafeMutablePointer<Entry>.allocate(capacity: larger)
    new.moveInitialize(from: entries, count: capacity)
    entries.deallocate()
    entries = new
    let old = capacity
    capacity = larger
    clear(old..<larger)
    return true
  }

  /// Calls `body` for every live block, in the order of the slots.
  func forEach(_ body: (LiveBlock) -> Void) {
    for index in 0..<capacity where entries[index].isLive { body(entries[index].block) }
  }

  private func clear(_ range: Range<Int>) {
    let nothing = LiveBlock(
      placement: .init(address: .zero, granted: .zero), size: .zero, stack: .unknown)
    for index in range {
      (entries + index).initialize(to: Entry(block: nothing, isLive: false))
    }
  }
}
