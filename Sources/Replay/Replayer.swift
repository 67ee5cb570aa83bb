// The fold: requests, answered by a heap, watched by an observer.

public import Allocators
public import MemoryUnits
public import Trace

/// Replays requests through one heap under the eyes of one observer.
///
/// A plain value without references whose code is made anew for each pair of heap and observer.
@frozen
public struct Replayer<H: Heap & ~Copyable, O: Observer & ~Copyable>: ~Copyable {
  /// What answers the requests.
  public var heap: H
  /// What watches the answers.
  public var observer: O
  @usableFromInline var stepCount: UInt64 = 0
  @usableFromInline var eventCount: UInt64 = 0
  @usableFromInline var ignoredCount: UInt64 = 0
  @usableFromInline var slotsBefore: UInt64 = 0
  @usableFromInline var slots = SlotTable()

  /// No block asks for more: a trace may claim any size, the simulated address space has an end.
  @inlinable
  static var largestSize: Int64 { 1 << 42 }

  /// Prepares to replay from the first step of a trace.
  @inlinable
  public init(heap: consuming H, observer: consuming O) {
    self.heap = heap
    self.observer = observer
  }

  /// Steps applied so far.
  public var steps: UInt64 { stepCount }

  /// Allocations, frees and reallocations applied so far.
  public var events: UInt64 { eventCount }

  /// Steps that named a slot in which no block lives, or began a block where one lived already.
  ///
  /// A sound trace has none.
  public var ignoredSlots: UInt64 { ignoredCount }

  /// Applies the steps that lead to the beginning of a range of a trace.
  ///
  /// They are not counted; the steps of the range follow with ``apply(_:)``, and ``steps`` goes on
  /// from the steps before the range.
  @inlinable
  public mutating func open(_ opening: TraceOpening) {
    slotsBefore = UInt64(opening.slots)
    opening.steps.withUnsafeBufferPointer { apply($0) }
    stepCount = opening.stepsBefore
    eventCount = 0
  }

  /// Applies the steps in order.
  @inlinable
  public mutating func apply(_ requests: UnsafeBufferPointer<Request>) {
    for request in requests { apply(request) }
  }

  /// Calls `body` for every live block, in no particular order.
  public func forEachLiveBlock(_ body: (LiveBlock) -> Void) { slots.forEach(body) }

  @inlinable
  @inline(__always)
  mutating func apply(_ request: Request) {
    stepCount &+= 1
    observer.stepBegins(at: request.time)
    var isEvent = true
    switch request.operation {
    case .allocate, .reallocateEnd:
      begin(request)
    case .free:
      end(request.slot, by: request.thread)
    case .reallocate:
      resize(request)
    case .reallocateBegin, .abandon:
      end(request.slot, by: request.thread)
      isEvent = false
    case .moveBreak:
      moveBreak(request)
      isEvent = false
    case .startBreak:
      heap.breakStarted(at: request.address)
      drain()
      isEvent = false
    case .resizeHeap:
      resizeHeap(request)
      isEvent = false
    case .map, .unmap, .discard, .discardLazily, .trim, .setOption, .mark, .poolAllocate, .poolFree,
      .setBreak:
      isEvent = false
    case .freeUnknown:
      break
    }
    if isEvent { eventCount &+= 1 }
    observer.stepEnds(isEvent: isEvent)
  }

  @inlinable
  @inline(__always)
  mutating func begin(_ request: Request) {
    guard slots.makeRoom(for: request.slot, limit: stepCount &+ slotsBefore) else {
      ignoredCount &+= 1
      return
    }
    if slots.isLive(request.slot) {
      ignoredCount &+= 1
      end(request.slot, by: request.thread)
    }
    let wanted = Self.blockRequest(request)
    let block = LiveBlock(
      placement: heap.allocate(wanted), size: wanted.size, stack: request.stack)
    slots.insert(block, at: request.slot)
    passRelocations()
    drain()
    observer.blockBegins(slots[request.slot])
  }

  @inlinable
  @inline(__always)
  mutating func end(_ slot: Slot, by thread: ThreadIndex) {
    guard slots.isLive(slot) else {
      ignoredCount &+= 1
      return
    }
    let block = slots[slot]
    slots.remove(slot)
    heap.free(block.placement, by: thread.rawValue)
    observer.blockEnds(block)
    passRelocations()
    drain()
  }

  @inlinable
  mutating func resize(_ request: Request) {
    guard slots.isLive(request.slot) else {
      ignoredCount &+= 1
      return
    }
    var old = slots[request.slot]
    let wanted = Self.blockRequest(request)
    let placement = heap.reallocate(old.placement, oldSize: old.size, to: wanted)
    if H.relocatesBlocks {
      passRelocations()
      // The old block may have moved before it was copied.
      old = slots[request.slot]
    }
    let new = LiveBlock(placement: placement, size: wanted.size, stack: request.stack)
    slots.insert(new, at: request.slot)
    if placement.address < old.placement.end && old.placement.address < placement.end
      || !growsBeforeItShrinks
    {
      observer.blockEnds(old)
      drain()
      observer.blockBegins(new)
    } else {
      for change in heap.heldChanges where change.isGrowth { observer.heldChanged(change) }
      observer.blockBegins(new)
      observer.blockEnds(old)
      for change in heap.heldChanges where !change.isGrowth { observer.heldChanged(change) }
      forgetChanges()
    }
  }

  /// Tells the observer of blocks that the heap moved, before it gives back what they covered.
  @inlinable
  @inline(__always)
  mutating func passRelocations() {
    if H.relocatesBlocks, !heap.relocations.isEmpty { relocate() }
  }

  @inlinable
  @inline(never)
  mutating func relocate() {
    for change in heap.heldChanges where change.isGrowth { observer.heldChanged(change) }
    for relocation in heap.relocations {
      let slot = Slot(relocation.handle)
      guard slots.isLive(slot) else { continue }
      let old = slots[slot]
      guard old.placement == relocation.old else { continue }
      let new = LiveBlock(placement: relocation.new, size: old.size, stack: old.stack)
      slots.insert(new, at: slot)
      observer.blockEnds(old)
      observer.blockBegins(new)
    }
    for change in heap.heldChanges where !change.isGrowth { observer.heldChanged(change) }
    forgetChanges()
    heap.relocations.removeAll(keepingCapacity: true)
  }

  /// Whether every growth on the list of changes comes before every shrinking.
  @inlinable
  var growsBeforeItShrinks: Bool {
    var shrinks = false
    for change in heap.heldChanges {
      if shrinks && change.isGrowth { return false }
      shrinks = shrinks || !change.isGrowth
    }
    return true
  }

  @inlinable
  @inline(never)
  mutating func moveBreak(_ request: Request) {
    heap.breakMoved(to: request.address)
    drain()
  }

  @inlinable
  @inline(never)
  mutating func resizeHeap(_ request: Request) {
    if case .resizeHeap(let range, let isFirst)? = request.sideStep {
      heap.arenaHeapResized(to: range, isFirst: isFirst)
      drain()
    }
  }

  @inlinable
  @inline(__always)
  mutating func drain() {
    if heap.heldChanges.isEmpty { return }
    passChanges()
  }

  @inlinable
  @inline(never)
  mutating func passChanges() {
    for change in heap.heldChanges { observer.heldChanged(change) }
    forgetChanges()
  }

  @inlinable
  mutating func forgetChanges() {
    if !heap.heldChanges.isEmpty { heap.heldChanges.removeAll(keepingCapacity: true) }
  }

  @inlinable
  @inline(__always)
  static func blockRequest(_ request: Request) -> BlockRequest {
    BlockRequest(
      size: ByteCount(max(0, min(request.size.rawValue, largestSize))),
      alignment: ByteCount(Int64(1) &<< Int64(min(request.alignmentShift, 40))),
      thread: request.thread.rawValue, site: request.stack.rawValue,
      handle: request.slot.rawValue, recordedAddress: request.address,
      recordedUsable: request.usable)
  }
}
