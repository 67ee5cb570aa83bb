// Tests of the heaps of thread arenas as several threads report them, against a naive model.

import TestSupport
import Testing

@testable import Recorder

@Suite struct ArenaHeapsTests {
  private typealias Change = ArenaHeaps.Change
  private static let unit: UInt64 = 64 << 20

  /// What an arena is: its heaps, the first one first.
  private struct Arena {
    var heaps: [(base: UInt64, bytes: UInt64)]

    /// The records that describe the heaps from `first` on.
    func report(from first: Int, to heaps: inout ArenaHeaps) -> [ArenaHeaps.Change] {
      self.heaps.indices.dropFirst(first).flatMap { index in
        let previous = index == 0 ? 0 : self.heaps[index - 1].base
        return heaps.report(
          base: self.heaps[index].base, bytes: self.heaps[index].bytes,
          detail: previous | (index == self.heaps.count - 1 ? 1 : 0))
      }
    }
  }

  @Test("passes on what is new, once")
  func repetitions() {
    var heaps = ArenaHeaps()
    let base = 9 * Self.unit
    let first = heaps.report(base: base, bytes: 0x21000, detail: 1)
    #expect(first == [Change(base: base, bytes: 0x21000, isFirst: true)])
    #expect(heaps.report(base: base, bytes: 0x21000, detail: 1) == [])
    let grown = heaps.report(base: base, bytes: 0x22000, detail: 1)
    #expect(grown == [Change(base: base, bytes: 0x22000, isFirst: true)])
    #expect(heaps.removeAll() == [Change(base: base, bytes: 0, isFirst: false)])
    #expect(heaps.removeAll() == [])
  }

  @Test("knows that heaps are gone when one before them has the top")
  func goneHeaps() {
    var heaps = ArenaHeaps()
    let bases = [5, 7, 6].map { $0 * Self.unit } as [UInt64]
    _ = heaps.report(base: bases[0], bytes: 0x4000, detail: 1)
    _ = heaps.report(base: bases[1], bytes: 0x5000, detail: bases[0] | 1)
    _ = heaps.report(base: bases[2], bytes: 0x6000, detail: bases[1] | 1)
    #expect(
      heaps.report(base: bases[0], bytes: 0x4000, detail: 1) == [
        Change(base: bases[2], bytes: 0, isFirst: false),
        Change(base: bases[1], bytes: 0, isFirst: false),
      ])
  }

  @Test("ignores what is no heap")
  func senseless() {
    var heaps = ArenaHeaps()
    let base = 9 * Self.unit
    #expect(heaps.report(base: base + 4096, bytes: 4096, detail: 1) == [])
    #expect(heaps.report(base: base, bytes: 4097, detail: 1) == [])
    #expect(heaps.report(base: base, bytes: 65 << 20, detail: 1) == [])
    #expect(heaps.report(base: base, bytes: 4096, detail: base | 1) == [])
    #expect(heaps.report(base: 0, bytes: 4096, detail: 1) == [])
    // Two that name each other.
    _ = heaps.report(base: base, bytes: 4096, detail: 2 * base)
    _ = heaps.report(base: 2 * base, bytes: 4096, detail: base)
    #expect(heaps.report(base: 2 * base, bytes: 8192, detail: 1).last?.bytes == 8192)
  }

  /// Arenas grow, shrink, get heaps and lose them, and threads report some of their states.
  ///
  /// After the report of an arena its part of the result is the state that was reported.
  @Test("agrees with a naive model", arguments: 1...50 as ClosedRange<UInt64>)
  func model(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var heaps = ArenaHeaps()
    var arenas: [Arena] = (1...4).map { Arena(heaps: [(UInt64($0) * Self.unit, 0x21000)]) }
    var free = (5...12).map { UInt64($0) * Self.unit }
    var known: [UInt64: UInt64] = [:]
    for step in 0..<1000 {
      let index = arenas.indices.randomElement(using: &random)!
      let last = arenas[index].heaps.count - 1
      switch Int.random(in: 0..<6, using: &random) {
      case 0:
        guard let place = free.indices.randomElement(using: &random) else { continue }
        arenas[index].heaps.append((free.remove(at: place), 0x21000))
      case 1, 2:
        guard last > 0 else { continue }
        free.append(arenas[index].heaps.removeLast().base)
      default:
        arenas[index].heaps[last].bytes = UInt64.random(in: 1...0x4000, using: &random) * 4096
      }
      guard Int.random(in: 0..<3, using: &random) == 0 else { continue }
      for change in arenas[index].report(from: 0, to: &heaps) {
        known[change.base] = change.bytes == 0 ? nil : change.bytes
      }
      for (base, bytes) in arenas[index].heaps {
        #expect(known[base] == bytes, "seed \(seed), step \(step)")
      }
    }
    for arena in arenas {
      for change in arena.report(from: 0, to: &heaps) {
        known[change.base] = change.bytes == 0 ? nil : change.bytes
      }
    }
    let expected = Dictionary(uniqueKeysWithValues: arenas.flatMap { $0.heaps })
    #expect(known == expected, "seed \(seed)")
  }
}
