// Tests of the recorded heap: what it holds, and that damage cannot confuse it.

import Allocators
import MemoryUnits
import TestSupport
import Testing

@testable import Replay

@Suite struct RecordedHeapTests {
  private static let start: UInt64 = 0x5555_5555_5000

  private func request(_ address: UInt64, _ size: Int64, usable: Int64? = nil) -> BlockRequest {
    BlockRequest(
      size: ByteCount(size), recordedAddress: Address(address),
      recordedUsable: ByteCount(usable ?? size))
  }

  private func change(_ range: Range<UInt64>, _ isGrowth: Bool) -> HeldChange {
    HeldChange(range: Address(range.lowerBound)..<Address(range.upperBound), isGrowth: isGrowth)
  }

  /// What changed since the last call.
  private func drain(_ heap: inout RecordedHeap) -> [HeldChange] {
    defer { heap.heldChanges = [] }
    return heap.heldChanges
  }

  @Test("covers header and usable bytes in the data segment, and follows the break")
  func dataSegment() {
    let start = Self.start
    var heap = RecordedHeap(headerBytes: 8)
    heap.breakStarted(at: Address(start))
    #expect(drain(&heap) == [])
    heap.breakMoved(to: Address(start + 0x21000))
    #expect(drain(&heap) == [change(start..<start + 0x21000, true)])
    let block = heap.allocate(request(start + 0x10, 20, usable: 24))
    #expect(block == Placement(address: Address(start + 8), granted: 32))
    heap.free(block)
    heap.breakMoved(to: Address(start + 0x1000))
    #expect(drain(&heap) == [change(start + 0x1000..<start + 0x21000, false)])
  }

  @Test("keeps live blocks held when the break seen is stale")
  func staleBreak() {
    let start = Self.start
    var heap = RecordedHeap(headerBytes: 8)
    heap.breakStarted(at: Address(start))
    // A block beyond the known break extends it to the end of its last page.
    let low = heap.allocate(request(start + 0x1010, 24))
    #expect(drain(&heap) == [change(start..<start + 0x2000, true)])
    let high = heap.allocate(request(start + 0x5010, 24))
    #expect(drain(&heap) == [change(start + 0x2000..<start + 0x6000, true)])
    // A break below the higher block, then one below the lower, cannot take them away.
    heap.breakMoved(to: Address(start + 0x1000))
    #expect(drain(&heap) == [])
    heap.free(high)
    heap.breakMoved(to: Address(start + 0x1000))
    #expect(drain(&heap) == [change(start + 0x2000..<start + 0x6000, false)])
    heap.free(low)
    heap.breakMoved(to: Address(start + 0x1000))
    #expect(drain(&heap) == [change(start + 0x1000..<start + 0x2000, false)])
  }

  @Test("starts anew with a program image, once nothing lives of the one before")
  func images() {
    let start = Self.start
    var heap = RecordedHeap(headerBytes: 8)
    heap.breakStarted(at: Address(start))
    let block = heap.allocate(request(start + 0x10, 24))
    _ = drain(&heap)
    heap.breakStarted(at: Address(start + 0x100_0000))
    #expect(drain(&heap) == [])
    heap.free(block)
    heap.breakStarted(at: Address(start + 0x100_0000))
    heap.breakMoved(to: Address(start + 0x100_1000))
    #expect(
      drain(&heap) == [
        change(start..<start + 0x1000, false),
        change(start + 0x100_0000..<start + 0x100_1000, true),
      ])
  }

  @Test("holds a mapping of glibc as long as it lives, whole")
  func mappings() {
    let page: UInt64 = 0x7f00_1234_5000
    var heap = RecordedHeap(headerBytes: 8)
    // 200000 bytes and 16 of header round up to 0x31000.
    let block = heap.allocate(request(page + 0x10, 200_000, usable: 0x31000 - 16))
    #expect(block == Placement(address: Address(page), granted: 0x31000))
    #expect(drain(&heap) == [change(page..<page + 0x31000, true)])
    // Grown in place, moved, shrunk below the threshold: never held twice.
    let grown = heap.reallocate(
      block, oldSize: 200_000, to: request(page + 0x10, 0x35ff0, usable: 0x36000 - 16))
    #expect(drain(&heap) == [change(page + 0x31000..<page + 0x36000, true)])
    let elsewhere = page + 0x100_0000
    let moved = heap.reallocate(
      grown, oldSize: 200_000, to: request(elsewhere + 0x10, 0x37ff0, usable: 0x38000 - 16))
    #expect(
      drain(&heap) == [
        change(page..<page + 0x36000, false), change(elsewhere..<elsewhere + 0x38000, true),
      ])
    let small = heap.reallocate(
      moved, oldSize: 200_000, to: request(elsewhere + 0x10, 5000, usable: 0x2000 - 16))
    #expect(small.granted == 0x2000)
    #expect(drain(&heap) == [change(elsewhere + 0x2000..<elsewhere + 0x38000, false)])
    heap.free(small)
    #expect(drain(&heap) == [change(elsewhere..<elsewhere + 0x2000, false)])
  }

  @Test("joins the parts of a mapping that spans regions")
  func largeMapping() {
    let page: UInt64 = 0x7f00_0000_1000
    var heap = RecordedHeap(headerBytes: 8)
    let block = heap.allocate(request(page + 0x10, (1 << 30) - 16))
    #expect(drain(&heap) == [change(page..<page + 1 << 30, true)])
    heap.free(block)
    #expect(drain(&heap) == [change(page..<page + 1 << 30, false)])
  }

  @Test("holds the extent of an arena until it is empty")
  func arenas() {
    let base: UInt64 = 0x7f00_0400_0000
    var heap = RecordedHeap(headerBytes: 8)
    let first = heap.allocate(request(base + 0x1010, 24))
    #expect(drain(&heap) == [change(base + 0x1000..<base + 0x2000, true)])
    let second = heap.allocate(request(base + 0x5010, 0x2000))
    #expect(drain(&heap) == [change(base + 0x2000..<base + 0x8000, true)])
    let third = heap.allocate(request(base + 0x10, 24))
    #expect(drain(&heap) == [change(base..<base + 0x1000, true)])
    heap.free(second)
    heap.free(first)
    #expect(drain(&heap) == [])
    heap.free(third)
    #expect(drain(&heap) == [change(base..<base + 0x8000, false)])
  }

  @Test("gives blocks without a possible place no bytes")
  func misplaced() {
    var heap = RecordedHeap(headerBytes: 8)
    heap.breakStarted(at: Address(Self.start))
    let senseless = [
      request(0, 16), request(4096, 16), request(1 << 47, 16), request(.max, .max),
      request((1 << 47) - 16, 24), request(Self.start, 16), request(0x7f00_0000_0000, .max),
    ]
    for request in senseless {
      let block = heap.allocate(request)
      #expect(block.granted == 0)
      heap.free(block)
    }
    #expect(heap.misplacedBlocks == senseless.count)
    #expect(drain(&heap) == [])
    let top = heap.allocate(request((1 << 47) - 24, 24))
    #expect(top.end == Address(1 << 47))
  }

  /// Blocks anywhere, overlapping, with the looks of mappings or not, and breaks that make no
  /// sense: what is held must stay free of overlaps and must cover every live block.
  @Test("keeps its promises whatever the trace says", arguments: 1...40 as ClosedRange<UInt64>)
  func anything(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var heap = RecordedHeap(headerBytes: seed % 4 == 0 ? 0 : 8)
    let starts: [UInt64] = [Self.start, 0x7f00_0000_0000, 0x7f00_03ff_0000, 0x7f00_0ff0_0000]
    var live: [Placement] = []
    var held = HeldBytes()
    for step in 0..<400 {
      let near =
        starts.randomElement(using: &random)! + UInt64.random(in: 0..<64, using: &random) * 4096
      switch Int.random(in: 0..<13, using: &random) {
      case 12:
        let base = near & ~0x3ff_ffff + (seed % 5 == 0 ? 4096 : 0)
        let bytes = Int64([0, 8192, 4 << 20, 64 << 20, 65 << 20].randomElement(using: &random)!)
        heap.arenaHeapResized(
          to: Address(base)..<Address(base) + ByteCount(bytes), isFirst: false)
      case 0: heap.breakMoved(to: Address(near))
      case 1: heap.breakStarted(at: Address(near))
      case 2..<7:
        live.append(heap.allocate(anyRequest(near, &random)))
      case 7, 8:
        guard let index = live.indices.randomElement(using: &random) else { continue }
        live[index] = heap.reallocate(
          live[index], oldSize: 0, to: anyRequest(near, &random))
      default:
        guard let index = live.indices.randomElement(using: &random) else { continue }
        heap.free(live.remove(at: index))
      }
      let wrong = held.apply(drain(&heap)) + live.compactMap(held.missing)
      #expect(wrong == [], "seed \(seed), step \(step)")
      if !wrong.isEmpty { return }
    }
    #expect(live.contains { $0.granted > 0 })
  }

  private func anyRequest(_ near: UInt64, _ random: inout SeededRandom) -> BlockRequest {
    let offset = [0, 8, 0x10, 0x10, 0xff0, 0x7f8].randomElement(using: &random)! as UInt64
    let size =
      [0, 24, 4080, 0x1ff0, 0x20ff0, 0x40ff0, 100_000, 70 << 20, (128 << 20) - 16]
      .randomElement(using: &random)! as Int64
    return request(near + offset, size)
  }
}

/// What a heap holds, as an array of ranges.
private struct HeldBytes {
  private var ranges: [Range<Address>] = []

  /// Takes changes; says which of them are wrong.
  mutating func apply(_ changes: [HeldChange]) -> [String] {
    var wrong: [String] = []
    for change in changes {
      let range = change.range
      if change.isGrowth {
        if ranges.contains(where: { $0.overlaps(range) }) { wrong.append("held twice: \(range)") }
        ranges.append(range)
      } else {
        if !covers(range) { wrong.append("not held: \(range)") }
        ranges = ranges.flatMap { piece -> [Range<Address>] in
          guard piece.overlaps(range) else { return [piece] }
          let below = piece.lowerBound..<max(piece.lowerBound, range.lowerBound)
          let above = min(piece.upperBound, range.upperBound)..<piece.upperBound
          return [below, above].filter { !$0.isEmpty }
        }
      }
    }
    return wrong
  }

  func covers(_ range: Range<Address>) -> Bool {
    let covered = ranges.reduce(ByteCount.zero) { $0 + $1.clamped(to: range).byteCount }
    return covered == range.byteCount
  }

  func missing(_ block: Placement) -> String? {
    covers(block.address..<block.end) ? nil : "live but not held: \(block)"
  }
}
