// Tests of the fold: what observers are told, in which order, and what senseless steps do.

import Allocators
import MemoryUnits
import Testing
import Trace

@testable import Replay

/// Places each block where the request says, holding one page below it for as long as it lives.
private struct PageHeap: Heap {
  var heldChanges: [HeldChange] = []
  var work = Work()
  var breaks: [Address] = []
  var shrinksFirst = false

  mutating func allocate(_ request: BlockRequest) -> Placement {
    let page = request.recordedAddress
    heldChanges.append(HeldChange(range: page..<page + 4096, isGrowth: true))
    return Placement(address: page, granted: request.size + 8)
  }

  mutating func free(_ placement: Placement) {
    let page = placement.address
    heldChanges.append(HeldChange(range: page..<page + 4096, isGrowth: false))
  }

  mutating func reallocate(
    _ placement: Placement, oldSize: ByteCount, to request: BlockRequest
  ) -> Placement {
    if placement.address == request.recordedAddress {
      return Placement(address: placement.address, granted: request.size + 8)
    }
    if shrinksFirst { free(placement) }
    let new = allocate(request)
    if !shrinksFirst { free(placement) }
    return new
  }

  mutating func breakMoved(to end: Address) { breaks.append(end) }
}

/// Writes down what it is told.
private struct Protocol: Observer {
  var lines: [String] = []

  mutating func stepBegins(at time: Timestamp) { lines.append("@\(time.nanoseconds)") }
  mutating func heldChanged(_ change: HeldChange) {
    lines.append((change.isGrowth ? "+" : "-") + "\(change.range.lowerBound)")
  }
  mutating func blockBegins(_ block: LiveBlock) {
    lines.append(
      "begin \(block.placement.address) \(block.size.rawValue) by \(block.stack.rawValue)")
  }
  mutating func blockEnds(_ block: LiveBlock) {
    lines.append("end \(block.placement.address) \(block.size.rawValue)")
  }
  mutating func stepEnds(isEvent: Bool) { lines.append(isEvent ? "event" : "no event") }
}

@Suite struct ReplayerTests {
  private func step(
    _ operation: Operation, slot: UInt32 = 0, time: UInt64 = 0, size: Int64 = 0,
    address: UInt64 = 0, stack: UInt32 = 0
  ) -> Request {
    Request(
      operation: operation, slot: Slot(slot), time: Timestamp(nanoseconds: time),
      size: ByteCount(size), address: Address(address), usable: ByteCount(size),
      stack: StackID(stack))
  }

  private func replay(_ steps: [Request], shrinksFirst: Bool = false) -> [String] {
    var replayer = Replayer(
      heap: PageHeap(shrinksFirst: shrinksFirst), observer: Protocol())
    steps.withUnsafeBufferPointer { replayer.apply($0) }
    #expect(replayer.steps == UInt64(steps.count))
    return replayer.observer.lines
  }

  @Test("tells of blocks only while their bytes are held")
  func order() {
    #expect(
      replay([
        step(.allocate, time: 3, size: 100, address: 0x10000, stack: 7),
        step(.free, time: 5),
      ]) == [
        "@3", "+0x10000", "begin 0x10000 100 by 7", "event",
        "@5", "end 0x10000 100", "-0x10000", "event",
      ])
  }

  @Test("lets a moved block live in both places, unless the old one went first")
  func moves() {
    let steps = [
      step(.allocate, size: 1, address: 0x10000), step(.reallocate, size: 2, address: 0x20000),
    ]
    #expect(
      replay(steps).suffix(6) == [
        "@0", "+0x20000", "begin 0x20000 2 by 0", "end 0x10000 1", "-0x10000", "event",
      ])
    #expect(
      replay(steps, shrinksFirst: true).suffix(6) == [
        "@0", "end 0x10000 1", "-0x10000", "+0x20000", "begin 0x20000 2 by 0", "event",
      ])
  }

  @Test("ends a block before it begins anew where it was")
  func inPlace() {
    #expect(
      replay([
        step(.allocate, size: 1, address: 0x10000), step(.reallocate, size: 2, address: 0x10000),
      ]).suffix(4) == ["@0", "end 0x10000 1", "begin 0x10000 2 by 0", "event"])
  }

  @Test("counts a reallocation in halves once, and what is no event not at all")
  func events() {
    let lines = replay([
      step(.allocate, size: 1, address: 0x10000),
      step(.reallocateBegin), step(.reallocateEnd, size: 2, address: 0x20000),
      step(.abandon), step(.moveBreak, address: 0x30000), step(.freeUnknown, slot: .max),
    ])
    #expect(
      lines.filter { $0.hasSuffix("event") } == [
        "event", "no event", "event", "no event", "no event", "event",
      ])
    #expect(lines.contains("end 0x20000 2"))
  }

  @Test("passes the break to the heap")
  func moveBreak() {
    var replayer = Replayer(heap: PageHeap(), observer: Protocol())
    [step(.moveBreak, address: 0x5000)].withUnsafeBufferPointer { replayer.apply($0) }
    #expect(replayer.heap.breaks == [Address(0x5000)])
  }

  @Test("ignores slots in which nothing lives, and those out of all proportion")
  func senselessSlots() {
    var replayer = Replayer(heap: PageHeap(), observer: Protocol())
    let steps = [
      step(.free, slot: 3), step(.reallocate, slot: 4, size: 1, address: 0x10000),
      step(.allocate, slot: 4_000_000_000, size: 1, address: 0x10000),
      step(.allocate, slot: .max, size: 1, address: 0x10000), step(.abandon, slot: .max),
      step(.allocate, slot: 0, size: 1, address: 0x10000),
      step(.allocate, slot: 0, size: 2, address: 0x20000),
    ]
    steps.withUnsafeBufferPointer { replayer.apply($0) }
    #expect(replayer.ignoredSlots == 6)
    var live: [LiveBlock] = []
    replayer.forEachLiveBlock { live.append($0) }
    #expect(live.map(\.size) == [2])
    #expect(replayer.observer.lines.filter { $0.hasPrefix("end") } == ["end 0x10000 1"])
  }

  @Test("keeps blocks while the table of slots grows")
  func manySlots() {
    var replayer = Replayer(heap: PageHeap(), observer: Protocol())
    let steps = (0..<5000).map {
      step(.allocate, slot: UInt32($0), size: Int64($0), address: 0x10000 + UInt64($0) * 4096)
    }
    steps.withUnsafeBufferPointer { replayer.apply($0) }
    var sizes: [Int64] = []
    replayer.forEachLiveBlock { sizes.append($0.size.rawValue) }
    #expect(sizes == Array(0..<5000))
    #expect(replayer.ignoredSlots == 0)
  }

  @Test("bounds sizes and alignments that no request can have")
  func bounds() {
    var request = step(.allocate, size: .max, address: 0x10000)
    request.alignmentShift = .max
    let wanted = Replayer<PageHeap, Protocol>.blockRequest(request)
    #expect(wanted.size == ByteCount(1 << 42))
    #expect(wanted.alignment == ByteCount(1 << 40))
    request.size = ByteCount(-5)
    request.alignmentShift = 0
    #expect(Replayer<PageHeap, Protocol>.blockRequest(request).size == 0)
    #expect(Replayer<PageHeap, Protocol>.blockRequest(request).alignment == 1)
  }
}
