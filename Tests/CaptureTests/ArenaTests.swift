// The heaps of thread arenas: what the recorded heap holds of them equals what glibc has in memory.

import Allocators
import Foundation
import MemoryUnits
import Replay
import TestSupport
import Testing
import Trace

/// The bytes held in each region of 64 MiB; noted whenever a block of a wanted size begins.
private struct ArenaObserver: Observer {
  static let regionBytes: UInt64 = 64 << 20
  /// In order of their beginning, the bytes of the held range that begins with the region.
  var held: [UInt64: UInt64] = [:]
  var moments: [Int64: [UInt64: UInt64]] = [:]
  var segment: Range<UInt64> = 0..<0
  var problems: [String] = []

  mutating func stepBegins(at time: Timestamp) {}
  mutating func stepEnds(isEvent: Bool) {}
  mutating func blockEnds(_ block: LiveBlock) {}

  mutating func blockBegins(_ block: LiveBlock) {
    if block.size.rawValue > 70000, block.size.rawValue <= 70100 {
      moments[block.size.rawValue - 70001] = held.filter { $0.value > 0 }
    }
  }

  mutating func heldChanged(_ change: HeldChange) {
    let range = change.range.lowerBound.rawValue..<change.range.upperBound.rawValue
    // Programs lie far below the heaps of their arenas.
    guard range.lowerBound > 0x7000_0000_0000 else { return }
    let base = range.lowerBound & ~(Self.regionBytes - 1)
    let bytes = held[base, default: 0]
    // A heap grows and shrinks at its end only.
    if change.isGrowth {
      if range.lowerBound != base + bytes { problems.append("hole before \(change)") }
      held[base] = range.upperBound - base
    } else {
      if range.upperBound != base + bytes { problems.append("not the end: \(change)") }
      held[base] = range.lowerBound - base
    }
  }
}

@Suite struct ArenaTests {
  @Test(
    "are held to the byte at all times, grown, emptied, given back and abandoned",
    arguments: [
      (3, ""), (3, "glibc.malloc.arena_max=2"), (3, "glibc.malloc.tcache_count=0"), (7, ""),
    ])
  func held(workers: Int, tunables: String) throws {
    let workshop = try Workshop()
    let program = try workshop.compile("arenas.c", "-O1", "-fno-builtin")
    let (result, path) = try workshop.record(
      [program, "\(workers)"],
      environment: tunables.isEmpty ? [:] : ["GLIBC_TUNABLES": tunables])
    try #require(result.exitCode == 0, "\(result.errors)")
    let file = try TraceFile(path: path)
    try checkSound(file)
    var replayer = Replayer(
      heap: RecordedHeap(headerBytes: ByteCount(Int64(file.metadata.headerBytes))),
      observer: ArenaObserver())
    try file.read(addresses: true) { replayer.apply($0) }
    #expect(replayer.observer.problems == [])
    var heaps = 0
    for line in result.output.split(separator: "\n") {
      let words = line.split(separator: " ")
      let numbers = words.dropFirst().compactMap { UInt64($0) }
      let expected = Dictionary(
        uniqueKeysWithValues: stride(from: 0, to: numbers.count, by: 2).map {
          (numbers[$0], numbers[$0 + 1])
        })
      let held =
        Int64(words[0]).map { replayer.observer.moments[$0] ?? [:] }
        ?? replayer.observer.held.filter { $0.value > 0 }
      #expect(held == expected, "moment \(words[0])")
      heaps += expected.count
    }
    #expect(heaps > 10)
  }
}
