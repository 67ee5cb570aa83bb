// Deflate streams of literals alone, read back by zlib.

import TestSupport
import Testing

@testable import Trace

@Suite struct HuffmanCoderTests {
  /// Packs with room for `capacity` bytes and reads the stream back; nil where there is no room.
  func packed(_ raw: [UInt8], capacity: Int) -> [UInt8]? {
    var coder = HuffmanCoder()
    // Bytes behind the room must stay as they are.
    var output = [UInt8](repeating: 0xa5, count: capacity + 64)
    let count = raw.withUnsafeBufferPointer { raw in
      output.withUnsafeMutableBufferPointer { output in
        output.baseAddress.flatMap { coder.pack(raw, into: $0, capacity: capacity) }
      }
    }
    #expect(output[capacity...].allSatisfy { $0 == 0xa5 })
    return count.map { Array(output[..<$0]) }
  }

  func unpacked(_ packed: [UInt8], count: Int) -> [UInt8]? {
    var output = [UInt8](repeating: 0, count: count + 1)
    let isWhole = packed.withUnsafeBufferPointer { packed in
      output.withUnsafeMutableBufferPointer { output in
        guard let base = output.baseAddress else { return false }
        return Inflater().unpack(packed, into: base, count: count)
      }
    }
    return isWhole ? Array(output[..<count]) : nil
  }

  enum Source: CaseIterable {
    case uniform, skewed, steep, few, constant, counting
  }

  func bytes(_ source: Source, _ count: Int, _ random: inout SeededRandom) -> [UInt8] {
    (0..<count).map { place in
      switch source {
      case .uniform: UInt8.random(in: 0...255, using: &random)
      case .skewed: UInt8.random(in: 0...UInt8.random(in: 0...255, using: &random), using: &random)
      // Each byte half as likely as the one before: codes longer than deflate may have.
      case .steep:
        UInt8(min(UInt64.random(in: 0...UInt64.max, using: &random).leadingZeroBitCount, 63))
      case .few: [3, 3, 3, 200, 201].randomElement(using: &random) ?? 0
      case .constant: 7
      case .counting: UInt8(truncatingIfNeeded: place)
      }
    }
  }

  @Test("makes streams that zlib reads back", arguments: Source.allCases)
  func roundTrip(source: Source) {
    var random = SeededRandom(seed: 11)
    for count in [1, 2, 3, 5, 100, 1000, 4096, 65_535, 65_536, 65_537, 200_000] {
      let raw = bytes(source, count, &random)
      guard let packed = packed(raw, capacity: count + 1000) else {
        Issue.record("no room for \(count) bytes")
        continue
      }
      #expect(unpacked(packed, count: count) == raw, "\(source) \(count)")
      // Room for one byte less than it takes is no room.
      #expect(self.packed(raw, capacity: packed.count) == nil)
      #expect(self.packed(raw, capacity: packed.count + 1) == packed)
    }
  }

  @Test("bounds the lengths of Fibonacci's counts, which make the deepest trees")
  func deepTrees() {
    var counts: [(UInt8, Int)] = []
    var (a, b) = (1, 1)
    for symbol in 0..<24 {
      counts.append((UInt8(symbol), a))
      (a, b) = (b, a + b)
    }
    var raw = counts.flatMap { [UInt8](repeating: $0, count: $1) }
    var random = SeededRandom(seed: 5)
    raw.shuffle(using: &random)
    raw = Array(raw.prefix(60_000))
    let packed = packed(raw, capacity: raw.count)
    #expect(packed.flatMap { unpacked($0, count: raw.count) } == raw)
  }

  @Test("packs to the entropy of the bytes, but for a hundredth")
  func closeToEntropy() {
    var random = SeededRandom(seed: 12)
    let raw = bytes(.skewed, 60_000, &random)
    var counts = [Double](repeating: 0, count: 256)
    for byte in raw { counts[Int(byte)] += 1 }
    let total = Double(raw.count)
    let bits = counts.filter { $0 > 0 }.reduce(0) { $0 - $1 * logarithm($1 / total) }
    let size = Double(packed(raw, capacity: raw.count)?.count ?? .max)
    #expect(size * 8 > bits)
    #expect(size * 8 < bits * 1.01 + 8 * 150)
  }

  /// Of base 2, for values in (0, 1].
  private func logarithm(_ value: Double) -> Double {
    var (rest, result) = (value.significand, Double(value.exponent))
    var step = 0.5
    for _ in 0..<40 {
      rest *= rest
      if rest >= 2 {
        rest /= 2
        result += step
      }
      step /= 2
    }
    return result
  }
}
