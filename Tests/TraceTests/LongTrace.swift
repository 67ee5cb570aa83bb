// Traces of any length, of a program that never ran.

import MemoryUnits
import TestSupport
import Trace

/// Requests without end: blocks of many sizes, most of which die young, in a heap of size classes.
struct LongTrace {
  private static let classes = 64
  private static let threads: UInt32 = 4

  private var random = SeededRandom(seed: 7)
  private var live: [(address: UInt64, size: Int32)] = []
  private var free = [[UInt64]](repeating: [], count: classes)
  private var top: UInt64 = 0x5555_5555_0000
  private var time: UInt64 = 0
  private var stacks: [StackID] = []
  private var isGrowing = true
  private let fewestLive: Int
  private let mostLive: Int

  /// A program that has from `fewest` to `most` live blocks once it has grown.
  init(writer: TraceWriter, live: ClosedRange<Int>) {
    fewestLive = live.lowerBound
    mostLive = live.upperBound
    var nodes: [UInt32] = [0]
    for index in 1...2000 {
      let parent = nodes[Int.random(in: max(0, index - 40)..<index, using: &random)]
      nodes.append(
        writer.node(parent: parent, returnAddress: 0x40_0000 + UInt64(index) * 23, image: 0))
    }
    for node in nodes.suffix(1000) { stacks.append(writer.stack(node: node, entry: .malloc)) }
    for index in 0..<Self.threads {
      _ = writer.thread(ThreadDescription(kernelID: Int32(index), name: "worker \(index)"))
    }
    writer.startBreak(at: Address(top), time: .zero)
  }

  /// Appends so many requests.
  mutating func run(_ count: Int, into writer: TraceWriter) {
    for _ in 0..<count {
      let dice = random.next()
      time += dice & 1023
      let thread = ThreadIndex(UInt32(truncatingIfNeeded: time >> 14) % Self.threads)
      if live.count > mostLive { isGrowing = false }
      if live.count < fewestLive { isGrowing = true }
      if dice >> 10 & 127 < (isGrowing ? 66 : 62) || live.isEmpty {
        allocate(dice >> 17, thread, writer)
      } else {
        release(dice >> 17, thread, writer)
      }
    }
  }

  private mutating func allocate(_ dice: UInt64, _ thread: ThreadIndex, _ writer: TraceWriter) {
    // Small sizes are more frequent.
    let sizeClass = Int(min(dice & 63, dice >> 6 & 63))
    let size = sizeClass * 16 + 24 - Int(dice >> 12 & 7)
    let bytes = UInt64(sizeClass * 16 + 32)
    var address = top
    if let known = free[sizeClass].popLast() {
      address = known
    } else {
      top += bytes
      if top & ~0x1ffff != address & ~0x1ffff {
        writer.moveBreak(
          to: Address(top | 0x1ffff + 1), time: Timestamp(nanoseconds: time))
      }
    }
    live.append((address, Int32(size)))
    let stack = stacks[Int(sizeClass * 12 + Int(dice >> 15 & 15)) % stacks.count]
    writer.allocate(
      address: Address(address + 16), size: ByteCount(size), usable: ByteCount(Int64(bytes) - 8),
      alignmentShift: 0, stack: stack, thread: thread, time: Timestamp(nanoseconds: time))
  }

  private mutating func release(_ dice: UInt64, _ thread: ThreadIndex, _ writer: TraceWriter) {
    // Seven of eight blocks that end are among the newest.
    let recent = UInt64(min(live.count, 64))
    let place =
      dice & 7 != 0
      ? live.count - 1 - Int(dice >> 3 % recent) : Int(dice >> 3 % UInt64(live.count))
    let (address, size) = live[place]
    live[place] = live[live.count - 1]
    live.removeLast()
    free[(Int(size) - 17) / 16].append(address)
    writer.free(
      address: Address(address + 16), thread: thread, time: Timestamp(nanoseconds: time))
  }
}
