// Tests of the map of the address space against a model that recomputes everything.

import MemoryUnits
import TestSupport
import Testing

@testable import Analysis

@Suite struct AddressMapTests {
  /// One change applied to a window of five granules in every possible state, wherever the window
  /// lies to page and leaf boundaries, and whether or not the change can happen.
  @Test(
    "does every single change from every state of a few granules",
    arguments: [0x10000, 0x10000 - 16, 0x40_0000 - 16, 0x10000 - 40, (1 << 47) - 40] as [UInt64])
  func everyChange(window: UInt64) {
    for code in 0..<243 {
      for lower in 0..<5 {
        for upper in lower + 1...5 {
          for change in [ByteChange.hold, .release, .begin, .end] {
            var states = Self.states(code)
            var map = Self.map(states, at: window)
            map.apply(change, window / 8 + UInt64(lower)..<window / 8 + UInt64(upper))
            var conflicts = 0
            for index in lower..<upper where !Self.apply(change, to: &states[index]) {
              conflicts += 1
            }
            #expect((map.conflicts == 0) == (conflicts == 0))
            check(&map, states, at: window, "\(code) \(change) \(lower)..<\(upper)")
          }
        }
      }
    }
  }

  private enum State { case notHeld, free, live }

  private static func states(_ code: Int) -> [State] {
    var rest = code
    return (0..<5).map { _ in
      defer { rest /= 3 }
      return [.notHeld, .free, .live][rest % 3]
    }
  }

  private static func map(_ states: [State], at window: UInt64) -> AddressMap {
    var map = AddressMap()
    for (index, state) in states.enumerated() where state != .notHeld {
      let granule = Address(window + UInt64(index) * 8)
      map.hold(granule..<granule + 8)
      if state == .live { map.begin(granule, granule + 8) }
    }
    return map
  }

  private static func apply(_ change: ByteChange, to state: inout State) -> Bool {
    switch (change, state) {
    case (.hold, .notHeld), (.end, .live): state = .free
    case (.release, .free): state = .notHeld
    case (.begin, .free): state = .live
    default: return false
    }
    return true
  }

  private func check(
    _ map: inout AddressMap, _ states: [State], at window: UInt64, _ what: String
  ) {
    var model = RangeModel()
    for (index, state) in states.enumerated() where state != .notHeld {
      let granule = window + UInt64(index) * 8
      model.hold(granule..<granule + 8)
      if state == .live { model.begin(granule..<granule + 8) }
    }
    // Which pages were touched depends on the past, which the model was not told.
    model.touched = Set(0..<UInt64(map.touchedPages))
    #expect(differences(&map, model) == [], "\(what)")
  }

  @Test(
    "keeps all sums over random blocks of all sizes",
    arguments: [0x10000, 0x3f_e008, (1 << 47) - (64 << 20)] as [UInt64],
    1...6 as ClosedRange<UInt64>)
  func randomBlocks(base: UInt64, seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var map = AddressMap()
    var model = RangeModel()
    let span: UInt64 = [1 << 14, 1 << 16, 1 << 20, 24 << 20][Int(seed) % 4]
    for step in 0..<600 {
      let choice = Int.random(in: 0..<20, using: &random)
      if choice < 3 || model.held.isEmpty {
        let range = Self.range(in: base..<base + span, &random)
        if !model.held.contains(where: { $0.overlaps(range) }) {
          model.hold(range)
          map.hold(range.addresses)
        }
      } else if choice < 5 {
        let range = Self.range(in: model.segments.randomElement(using: &random)!, &random)
        if !model.blocks.contains(where: { $0.overlaps(range) }) {
          model.release(range)
          map.release(range.addresses)
        }
      } else if choice < 14 || model.blocks.isEmpty {
        let range = Self.range(in: model.segments.randomElement(using: &random)!, &random)
        if !model.blocks.contains(where: { $0.overlaps(range) }) {
          model.begin(range)
          map.begin(Address(range.lowerBound), Address(range.upperBound))
        }
      } else {
        let range = model.blocks.randomElement(using: &random)!
        model.end(range)
        map.end(Address(range.lowerBound), Address(range.upperBound))
      }
      if step % (span > 1 << 20 ? 20 : 1) == 0 || step > 590 {
        let found = differences(&map, model)
        #expect(found == [], "seed \(seed), step \(step)")
        if found != [] { return }
      }
    }
    #expect(map.conflicts == 0)
    #expect(model.blocks.count > 3)
  }

  /// A range of whole granules; small, a page, or anything, each about as often.
  private static func range(
    in whole: Range<UInt64>, _ random: inout SeededRandom
  ) -> Range<UInt64> {
    let granules = (whole.upperBound - whole.lowerBound) / 8
    let most = [64, 1024, granules][Int.random(in: 0..<3, using: &random)]
    let length = UInt64.random(in: 1...min(most, granules), using: &random)
    var start = UInt64.random(in: 0...granules - length, using: &random)
    let first = whole.lowerBound / 8 + start
    // Often at the start of a page, where whole pages and leaves come about.
    if first % 512 <= start, Bool.random(using: &random) { start -= first % 512 }
    return whole.lowerBound + start * 8..<whole.lowerBound + (start + length) * 8
  }

  @Test("tells held ranges apart that end and start where its own parts do")
  func distantRanges() {
    let leaf: UInt64 = 1 << 22
    var map = AddressMap()
    var model = RangeModel()
    // The end of one part is free, then nothing, then a part that is held from its start on; and
    // the same with whole parts.
    for range in [
      leaf * 8 - 4096..<leaf * 8, leaf * 12..<leaf * 12 + 8192, leaf * 16..<leaf * 17,
      leaf * 20..<leaf * 22,
    ] {
      model.hold(range)
      map.hold(range.addresses)
    }
    for range in [
      leaf * 8 - 4096..<leaf * 8 - 4088, leaf * 12 + 16..<leaf * 12 + 24,
      leaf * 20 + 64..<leaf * 20 + 128, leaf * 21..<leaf * 22 - 4096,
    ] {
      model.begin(range)
      map.begin(Address(range.lowerBound), Address(range.upperBound))
    }
    #expect(differences(&map, model) == [])
    #expect(map.wilderness().count == 4)
  }

  @Test("does nothing when blocks end where none live, on pages of every kind")
  func endsOfNothing() {
    var map = AddressMap()
    let page = Address(0x10000)
    func end() { map.end(page + 8, page + 16) }
    end()
    map.hold(page..<page + 4096)
    end()
    map.begin(page, page + 8)
    end()
    map.begin(page + 16, page + 600)
    map.end(page + 8, page + 700)
    map.end(page, page + 8)
    // Given back in halves, the page keeps its detail though nothing of it is held.
    map.release(page..<page + 2048)
    map.release(page + 2048..<page + 4096)
    end()
    map.begin(page + 8, page + 16)
    #expect(map.conflicts > 5)
    #expect(map.freeBytes == 0)
    #expect(map.freeRuns == 0)
    #expect(map.touchedPages == 0)
    #expect(map.census() == MapCensus())
  }

  @Test("takes a block of a tebibyte as easily as a small one")
  func hugeBlock() {
    var map = AddressMap()
    let start = Address(0x7000_0000_0000)
    let range = start..<start + ByteCount(1 << 40)
    for _ in 0..<50 {
      map.hold(range)
      map.begin(range.lowerBound, range.upperBound)
      map.end(range.lowerBound, range.upperBound)
      map.begin(start + 4096, range.upperBound - 8)
      #expect(map.freeRuns == 2)
      #expect(map.freeBytes == 4096 + 8)
      #expect(map.touchedPages == 1 << 28)
      #expect(map.wilderness() == Wilderness(count: 1, bytes: 8))
      map.end(start + 4096, range.upperBound - 8)
      #expect(map.wilderness() == Wilderness(count: 1, bytes: 1 << 40))
      map.release(range)
      #expect(map.touchedPages == 0)
      #expect(map.freeBytes == 0)
      #expect(map.freeRuns == 0)
    }
    #expect(map.conflicts == 0)
    #expect(map.census() == MapCensus())
  }

  @Test("ignores what lies beyond the address space")
  func beyond() {
    var map = AddressMap()
    let top = Address(1 << 47)
    map.hold(top - 16..<top + 4096)
    map.begin(top - 8, top + 64)
    map.begin(Address(.max - 64), Address(.max))
    map.end(Address(.max - 8), Address(16))
    #expect(map.freeBytes == 8)
    #expect(map.freeRuns == 1)
    #expect(map.freeBytes(onPage: 1 << 35) == 0)
    #expect(map.wilderness() == Wilderness())
    #expect(map.census().holeBytes == 8)
  }
}
