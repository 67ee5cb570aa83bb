// What the steps say of the memory that the allocator holds: the data segment and the arenas.

import MemoryUnits

/// The data segment and the heaps of thread arenas at one moment: what a reader that begins there
/// has to know of the steps before.
///
/// Its memory follows the heaps that are there, and so do its bytes in a keyframe.
struct HeldMemory: Equatable {
  /// One heap of a thread arena.
  struct ArenaHeap: Equatable {
    var bytes: UInt64
    var isFirst: Bool
  }

  /// A break further above the start belongs to another data segment, which begins with it.
  private static let reach: UInt64 = 64 << 30
  /// More heaps than any process has: each takes 64 MiB of address space.
  static let mostHeaps = 1 << 21

  /// Where the data segment begins; nil where that is not known.
  private(set) var start: UInt64?
  /// Where it ends.
  private(set) var end: UInt64 = 0
  /// The heaps that are there by the address at which they begin.
  private(set) var heaps: [UInt64: ArenaHeap] = [:]

  mutating func startBreak(at address: UInt64) {
    start = address
    end = address
  }

  mutating func moveBreak(to address: UInt64) {
    if let start, address &- start < Self.reach {
      end = address
    } else {
      startBreak(at: address)
    }
  }

  mutating func resizeHeap(at base: UInt64, to bytes: UInt64, isFirst: Bool) {
    if bytes == 0 {
      heaps[base] = nil
    } else if heaps.count < Self.mostHeaps || heaps[base] != nil {
      heaps[base] = ArenaHeap(bytes: bytes, isFirst: isFirst)
    }
  }

  /// Takes note of a step, if it is about this.
  mutating func apply(_ request: Request) {
    switch request.operation {
    case .startBreak: startBreak(at: request.address.rawValue)
    case .moveBreak: moveBreak(to: request.address.rawValue)
    case .resizeHeap:
      resizeHeap(
        at: request.address.rawValue, to: UInt64(max(0, request.size.rawValue)),
        isFirst: request.alignmentShift != 0)
    default: break
    }
  }

  /// The steps that lead here, to be made before blocks begin.
  func stepsBeforeBlocks(at time: Timestamp) -> [Request] {
    var steps: [Request] = []
    if let start {
      steps.append(
        Request(operation: .startBreak, slot: .none, time: time, address: Address(start)))
    }
    for (base, heap) in heaps.sorted(by: { $0.key < $1.key }) {
      let range = Address(base)..<Address(max(base, base &+ heap.bytes))
      steps.append(
        Request(
          .resizeHeap(range: range, isFirst: heap.isFirst), thread: ThreadIndex(0), time: time))
    }
    return steps
  }

  /// Those to be made afterwards: blocks beyond the break would move it.
  func stepsAfterBlocks(at time: Timestamp) -> [Request] {
    guard start != nil else { return [] }
    return [Request(operation: .moveBreak, slot: .none, time: time, address: Address(end))]
  }
}

extension ByteSink {
  mutating func held(_ held: HeldMemory) {
    varint(held.start == nil ? 0 : 1)
    varint(held.start ?? 0)
    varint(held.end)
    varint(UInt64(held.heaps.count))
    var last: UInt64 = 0
    for (base, heap) in held.heaps.sorted(by: { $0.key < $1.key }) {
      varint(base &- last)
      varint(heap.bytes)
      varint(heap.isFirst ? 1 : 0)
      last = base
    }
  }
}

extension ByteSource {
  /// Reads what `held` wrote; nil where it is incomplete or makes no sense.
  mutating func held() -> HeldMemory? {
    var held = HeldMemory()
    guard let isKnown = varint(), let start = varint(), let end = varint(), let count = varint()
    else { return nil }
    if isKnown != 0 {
      held.startBreak(at: start)
      held.moveBreak(to: end)
    }
    var base: UInt64 = 0
    for _ in 0..<min(count, UInt64(HeldMemory.mostHeaps)) {
      guard let distance = varint(), let bytes = varint(), bytes <= TraceFormat.maximumSize,
        let isFirst = varint()
      else { return nil }
      base &+= distance
      held.resizeHeap(at: base, to: bytes, isFirst: isFirst != 0)
    }
    return held
  }
}
