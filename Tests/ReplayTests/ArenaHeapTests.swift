// Tests of the heaps of thread arenas whose size the trace tells, against a naive model.

import Allocators
import MemoryUnits
import TestSupport
import Testing

@testable import Replay

@Suite struct ArenaHeapTests {
  private static let base: UInt64 = 0x7f00_0400_0000

  private func request(_ address: UInt64, _ size: Int64) -> BlockRequest {
    BlockRequest(
      size: ByteCount(size), recordedAddress: Address(address), recordedUsable: ByteCount(size))
  }

  private func resize(_ heap: inout RecordedHeap, _ base: UInt64, _ bytes: UInt64) {
    heap.arenaHeapResized(to: Address(base)..<Address(base + bytes), isFirst: true)
  }

  private func drain(_ heap: inout RecordedHeap) -> [HeldChange] {
    defer { heap.heldChanges = [] }
    return heap.heldChanges
  }

  private func change(_ range: Range<UInt64>, _ isGrowth: Bool) -> HeldChange {
    HeldChange(range: Address(range.lowerBound)..<Address(range.upperBound), isGrowth: isGrowth)
  }

  @Test("holds what is reported, also when the heap is empty")
  func reported() {
    let base = Self.base
    var heap = RecordedHeap(headerBytes: 8)
    resize(&heap, base, 0x21000)
    #expect(drain(&heap) == [change(base..<base + 0x21000, true)])
    let block = heap.allocate(request(base + 0xb70, 24))
    resize(&heap, base, 0x30000)
    #expect(drain(&heap) == [change(base + 0x21000..<base + 0x30000, true)])
    heap.free(block)
    #expect(drain(&heap) == [])
    resize(&heap, base, 0x1000)
    #expect(drain(&heap) == [change(base + 0x1000..<base + 0x30000, false)])
    resize(&heap, base, 0)
    #expect(drain(&heap) == [change(base..<base + 0x1000, false)])
    // What comes after the heap in its place is a region like any other.
    let other = heap.allocate(request(base + 0x5010, 24))
    #expect(drain(&heap) == [change(base + 0x5000..<base + 0x6000, true)])
    heap.free(other)
    #expect(drain(&heap) == [change(base + 0x5000..<base + 0x6000, false)])
  }

  @Test("takes no block in a heap for a mapping of its own")
  func noMapping() {
    let base = Self.base
    var heap = RecordedHeap(headerBytes: 8)
    resize(&heap, base, 0x100_0000)
    // The looks of a mapping of 128 KiB.
    let block = heap.allocate(request(base + 0x10_0010, 0x1fff0))
    #expect(block == Placement(address: Address(base + 0x10_0008), granted: 0x1fff8))
    #expect(drain(&heap) == [change(base..<base + 0x100_0000, true)])
  }

  @Test("believes no report that comes when blocks already live there")
  func late() {
    let base = Self.base
    var heap = RecordedHeap(headerBytes: 8)
    let block = heap.allocate(request(base + 0x5010, 24))
    _ = drain(&heap)
    resize(&heap, base, 0x21000)
    #expect(drain(&heap) == [])
    heap.free(block)
    #expect(drain(&heap) == [change(base + 0x5000..<base + 0x6000, false)])
    resize(&heap, base, 0x22000)
    #expect(drain(&heap) == [change(base..<base + 0x22000, true)])
  }

  /// What is held of a heap is what was reported, and more only up to the last page of a live block
  /// that lies beyond.
  @Test("agrees with a naive model", arguments: 1...30 as ClosedRange<UInt64>)
  func model(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var heap = RecordedHeap(headerBytes: 8)
    let base = Self.base
    var reported: UInt64 = 0
    var end = base
    var live: [Placement] = []
    for step in 0..<2000 {
      switch Int.random(in: 0..<8, using: &random) {
      case 0:
        // Sound as a rule: not below the blocks that live.
        let lowest = seed % 3 == 0 ? base : live.map(\.end.rawValue).max() ?? base
        let needed = (lowest - base + 4095) & ~4095
        reported = min(needed + UInt64.random(in: 0..<20, using: &random) * 4096, 64 << 20)
        resize(&heap, base, reported)
      case 1..<5:
        guard reported > 0 else { continue }
        let limit = seed % 3 == 0 ? 64 << 20 : reported
        let address = base + 16 + UInt64.random(in: 0..<(limit - 16) / 16, using: &random) * 16
        let most = min(base + limit - address, 70000)
        live.append(
          heap.allocate(request(address, Int64.random(in: 0...Int64(most), using: &random))))
      default:
        guard let index = live.indices.randomElement(using: &random) else { continue }
        heap.free(live.remove(at: index))
      }
      for change in drain(&heap) {
        #expect(
          change.isGrowth
            ? change.range.lowerBound.rawValue == end
            : change.range.upperBound.rawValue == end, "seed \(seed), step \(step)")
        end = change.isGrowth ? change.range.upperBound.rawValue : change.range.lowerBound.rawValue
      }
      let needed = live.map { ($0.end.rawValue + 4095) & ~4095 }.max() ?? base
      #expect(end >= max(base + reported, needed), "seed \(seed), step \(step)")
      if seed % 3 != 0 { #expect(end == base + reported, "seed \(seed), step \(step)") }
      if live.isEmpty { #expect(end == base + reported, "seed \(seed), step \(step)") }
    }
  }
}
