// A binary buddy system that keeps no free lists: what is free follows from what is not.

import Allocators
import MemoryUnits

/// Keeps the live blocks and the held ranges only.
///
/// As two free buddies are always joined, the free blocks are the largest aligned powers of two
/// that the free runs consist of.
struct NaiveBuddyHeap {
  let least: Int
  let header: Int
  let growth: Int
  let base: Int
  var live: [Range<Int>] = []
  var held: [Range<Int>] = []
  var changes: [HeldChange] = []
  var work = Work()

  init(_ parameters: BuddyParameters) {
    least = parameters.min.int
    header = parameters.header.int
    growth = max(parameters.growth.int, least)
    base = max(0x1000_0000, least)
  }

  func size(for size: Int, _ alignment: Int) -> Int {
    var power = least
    while power < max(size, 1) + header || power < alignment { power *= 2 }
    return power
  }

  /// Cuts what `whole` has and `taken` has not into the fewest aligned powers of two.
  static func pieces(of whole: [Range<Int>], without taken: [Range<Int>]) -> [Range<Int>] {
    var edges: [(Int, Int)] = []
    for range in whole { edges += [(range.lowerBound, 1), (range.upperBound, -1)] }
    for range in taken { edges += [(range.lowerBound, -1), (range.upperBound, 1)] }
    edges.sort { $0.0 < $1.0 }
    var pieces: [Range<Int>] = []
    var depth = 0
    var from = 0
    var index = 0
    while index < edges.count {
      let at = edges[index].0
      let before = depth
      while index < edges.count, edges[index].0 == at {
        depth += edges[index].1
        index += 1
      }
      if before == 0, depth == 1 { from = at }
      if before == 1, depth == 0 {
        while from < at {
          var power = 1
          while from % (power * 2) == 0, from + power * 2 <= at { power *= 2 }
          pieces.append(from..<(from + power))
          from += power
        }
      }
    }
    return pieces
  }

  var free: [Range<Int>] { Self.pieces(of: held, without: live) }

  static func bestPiece(_ pieces: [Range<Int>], _ size: Int) -> Range<Int>? {
    let enough = pieces.filter { $0.count >= size }
    return enough.min { ($0.count, $0.lowerBound) < ($1.count, $1.lowerBound) }
  }

  static func log2(_ size: Int) -> Int { size == 1 ? 0 : 1 + log2(size / 2) }

  mutating func allocate(_ bytes: Int, _ alignment: Int) -> Range<Int> {
    let size = size(for: bytes, alignment)
    var chosen: Range<Int>
    if let piece = Self.bestPiece(free, size) {
      chosen = piece
      work.holesInspected += UInt64(1 + Self.log2(piece.count / size))
      work.listOperations += 1
    } else {
      chosen = acquire(max(size, growth))
    }
    work.splits += UInt64(Self.log2(chosen.count / size))
    work.listOperations += UInt64(Self.log2(chosen.count / size))
    let block = chosen.lowerBound..<(chosen.lowerBound + size)
    live.append(block)
    return block
  }

  mutating func acquire(_ size: Int) -> Range<Int> {
    let top = held.map(\.upperBound).max() ?? base
    let unheld = Self.pieces(of: base < top ? [base..<top] : [], without: held)
    var start = (top + size - 1) / size * size
    if let piece = Self.bestPiece(unheld, size) { start = piece.lowerBound }
    let range = start..<(start + size)
    held.append(range)
    changes.append(HeldChange(range: NaiveFitHeap.range(range), isGrowth: true))
    return range
  }

  mutating func free(_ block: Range<Int>) {
    live.removeAll { $0 == block }
    for piece in free where piece.contains(block.lowerBound) {
      work.merges += UInt64(Self.log2(piece.count / block.count))
      work.listOperations += UInt64(Self.log2(piece.count / block.count) + 1)
    }
  }

  mutating func reallocate(
    _ block: Range<Int>, _ oldBytes: Int, _ bytes: Int, _ alignment: Int
  ) -> Range<Int> {
    let size = size(for: bytes, alignment)
    let resized = block.lowerBound..<(block.lowerBound + size)
    let others = live.filter { $0 != block }
    let room = Self.pieces(of: held, without: others)
    if block.lowerBound % size == 0, room.contains(where: { $0.clamped(to: resized) == resized }) {
      if size < block.count { work.splits += UInt64(Self.log2(block.count / size)) }
      if size > block.count { work.merges += UInt64(Self.log2(size / block.count)) }
      work.listOperations += UInt64(abs(Self.log2(size) - Self.log2(block.count)))
      live = others + [resized]
      return resized
    }
    let moved = allocate(bytes, alignment)
    work.bytesMoved += UInt64(min(oldBytes, bytes))
    free(block)
    return moved
  }
}
