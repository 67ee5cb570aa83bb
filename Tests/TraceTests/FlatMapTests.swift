// The hash table, against a dictionary and against keys that were chosen to harm it.

import TestSupport
import Testing

@testable import Trace

@Suite struct FlatMapTests {
  @Test("it holds what a dictionary holds", arguments: 0..<20) func random(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var map = FlatMap<UInt32>(capacityShift: 6)
    var model: [UInt64: UInt32] = [:]
    // Keys in few groups, and far apart: both kinds of neighbours.
    let keys = (0..<600).map { _ in random.next() & (seed & 1 == 0 ? 0x3fff : .max) }
    for _ in 0..<20_000 {
      let key = keys[Int(random.next() % 600)]
      switch random.next() % 4 {
      case 0: #expect(map.remove(key) == model.removeValue(forKey: key))
      case 1: #expect(map.find(key) == model[key])
      default:
        let value = UInt32(truncatingIfNeeded: random.next())
        #expect(map.set(key, value) == model.updateValue(value, forKey: key))
      }
    }
    var found: [UInt64: UInt32] = [:]
    map.forEach { found[$0] = $1 }
    #expect(found == model && map.count == model.count)
  }

  /// How far from their homes so many keys stand, all of which have one place under the golden ratio.
  private func displacement(_ count: UInt64, multiplier: UInt64) -> Int {
    // A Fibonacci number: its product with 1 / golden ratio is almost whole, and so are its multiples'.
    let unit: UInt64 = 1_134_903_170
    var map = FlatMap<UInt32>(multiplier: multiplier)
    for number in 0..<count { _ = map.set(number &* unit &<< 8, 1) }
    #expect(map.count == Int(count))
    return map.displacement
  }

  @Test("keys that collide under a known multiplier do no harm under one that is drawn")
  func crafted() {
    #expect(displacement(20_000, multiplier: HashMultiplier.golden) > 20_000 * 1000)
    for _ in 0..<5 {
      #expect(displacement(20_000, multiplier: HashMultiplier.draw()) < 20_000 * 100)
    }
  }

  @Test("multipliers are odd, even-handed and different") func draws() {
    var seen: Set<UInt64> = [HashMultiplier.golden]
    for _ in 0..<200 {
      let multiplier = HashMultiplier.draw()
      #expect(multiplier & 1 == 1 && HashMultiplier.isEven(multiplier))
      #expect(seen.insert(multiplier).inserted)
    }
    #expect(HashMultiplier.isEven(HashMultiplier.golden))
    for number: UInt64 in [0, 1, 3, 1 << 63 + 1, .max, .max / 3, 0x2000_0000_0000_0001] {
      #expect(!HashMultiplier.isEven(number))
    }
  }

  @Test("keys at equal distances spread evenly under every multiplier that is drawn")
  func spread() {
    // The largest distance between neighbours of n multiples is some few times 1/n (three-distance
    // theorem: at most the largest partial quotient and two).
    for _ in 0..<20 {
      let multiplier = HashMultiplier.draw()
      for count in [16, 100, 1000, 4096] {
        let places = (0..<UInt64(count)).map { $0 &* multiplier }.sorted()
        let gaps = zip(places.dropFirst(), places).map { $0 - $1 }
        let largest = Double(gaps.max() ?? 0) / 0x1p64 * Double(count)
        #expect(largest < Double(HashMultiplier.largestQuotient) + 2)
      }
    }
  }
}
