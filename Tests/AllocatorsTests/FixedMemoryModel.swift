// The simulations of the 1970s: a memory of fixed size, a queue that never empties, and a clock.

import Allocators
import Glibc
import MemoryUnits
import TestSupport

/// How sizes of requests are spread.
enum SizeSpread: CaseIterable, Sendable {
  /// Deviation as large as the mean.
  case exponential
  /// Two exponentials with balanced means, deviation twice the mean.
  case hyperexponential
  case uniform
  /// Deviation a quarter of the mean.
  case normal
  /// Eight sizes, equally likely.
  case classes

  /// A size from 1 on.
  func size(mean: Double, _ random: inout SeededRandom) -> Int {
    let value =
      switch self {
      case .exponential: Self.exponential(mean, &random)
      case .hyperexponential:
        Double.random(in: 0..<1, using: &random) < 0.1127
          ? Self.exponential(mean * 4.437, &random) : Self.exponential(mean * 0.5635, &random)
      case .uniform: Double.random(in: 0..<2 * mean, using: &random)
      case .normal: mean + mean / 4 * Self.normal(&random)
      case .classes: mean / 4.5 * Double(Int.random(in: 1...8, using: &random))
      }
    return max(1, Int(value.rounded(.up)))
  }

  private static func exponential(_ mean: Double, _ random: inout SeededRandom) -> Double {
    -mean * log(Double.random(in: 0x1p-53..<1, using: &random))
  }

  private static func normal(_ random: inout SeededRandom) -> Double {
    let radius = (-2 * log(Double.random(in: 0x1p-53..<1, using: &random))).squareRoot()
    return radius * cos(2 * Double.pi * Double.random(in: 0..<1, using: &random))
  }
}

/// A memory into which requests go first come, first served.
///
/// The one that is next waits until some hole takes it. Blocks live for 5 to 15 units of time (Shore,
/// CACM 18(8) 1975).
struct FixedMemoryModel {
  var memory: Int
  var mean: Double
  var spread: SizeSpread
  var requests: Int

  private struct Block {
    var end: Double
    var placement: Placement
  }

  /// The product of bytes and time that was used, as a share of what there was.
  func timeMemoryProduct<Policy: FitPolicy & ~Copyable>(
    _ heap: consuming FitHeap<Policy>
  ) -> Double {
    var random = SeededRandom(seed: 75)
    // The memory is one hole with a block behind it, so that the heap has no top to use.
    let whole = heap.allocate(BlockRequest(size: ByteCount(memory)))
    _ = heap.allocate(BlockRequest(size: 1))
    heap.free(whole)
    // In order of their ends, the first to end last.
    var live: [Block] = []
    var (now, start, used) = (0.0, 0.0, 0.0)
    for number in 0..<requests {
      let size = min(spread.size(mean: mean, &random), memory)
      while !heap.holes.contains(where: { $0.byteCount.int >= size }), let first = live.popLast() {
        now = first.end
        heap.free(first.placement)
      }
      if number == requests / 10 { (start, used) = (now, 0) }
      let time = Double.random(in: 5..<15, using: &random)
      let placement = heap.allocate(BlockRequest(size: ByteCount(size)))
      let place = live.lastIndex { $0.end > now + time }.map { $0 + 1 } ?? 0
      live.insert(Block(end: now + time, placement: placement), at: place)
      used += Double(size) * time
    }
    return used / (now - start) / Double(memory)
  }
}
