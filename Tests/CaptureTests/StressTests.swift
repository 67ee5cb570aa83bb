// Many threads at once: nothing is lost, nothing is out of order, and the program's own counts agree.

import Foundation
import TestSupport
import Testing
import Trace

@Suite struct StressTests {
  /// Every block from one arena, none kept by a thread: an address that one thread frees is at once
  /// another's.
  private static let oneArena = [
    "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0:glibc.malloc.arena_max=1"
  ]

  @Test("eight threads that free and reallocate each other's blocks, one arena, no thread caches")
  func handover() throws {
    let workshop = try Workshop()
    let program = try workshop.compile("handover.c", "-O2")
    // A round makes two requests.
    let rounds = wantsLongTests ? 640_000 : 64_000
    let (result, trace) = try workshop.record(
      [program, "8", String(rounds)], environment: Self.oneArena)
    try #require(result.numbers.count == 3, "\(result.errors)")
    let file = try TraceFile(path: trace)
    try checkSound(file)
    // What the first thread does is the making of the others.
    let made = try Tally(of: file, counts: { $0 != ThreadIndex(0) })
    #expect(made.allocations == result.numbers[0])
    #expect(made.frees == result.numbers[1])
    #expect(made.reallocations == result.numbers[2])
    #expect(file.summary.events > UInt64(15 * rounds))
  }

  @Test("ten thousand short threads, started by four others")
  func storm() throws {
    let workshop = try Workshop()
    let program = try workshop.compile("crowd.c", "-O0", "-fno-builtin")
    let (result, trace) = try workshop.record([program, "8", "2500", "4"])
    try #require(result.exitCode == 0, "\(result.errors)")
    let file = try TraceFile(path: trace)
    try checkSound(file)
    // The starters need not have made a request.
    #expect(file.threads.count >= 10_000 + 8 + 1)
    let single = try Tally(of: file, sizes: 50...50)
    #expect(single == Tally(allocations: 10_000, reallocations: 0, frees: 10_000))
    let together = try Tally(of: file, sizes: 100...109)
    #expect(together == Tally(allocations: 80, reallocations: 0, frees: 80))
  }

  @Test("forks while threads allocate, and children that allocate too")
  func forks() throws {
    let workshop = try Workshop()
    let program = try workshop.compile("forks.c", "-O1", "-fno-builtin")
    let (result, trace) = try workshop.record([program, "300"])
    try #require(result.exitCode == 0, "\(result.errors)")
    let file = try TraceFile(path: trace)
    try checkSound(file)
    let blocks = try #require(result.numbers.first)
    #expect(
      try Tally(of: file, sizes: 6000...6000)
        == Tally(allocations: blocks, reallocations: 0, frees: blocks))
    #expect(
      try Tally(of: file, sizes: 8000...8999)
        == Tally(allocations: 0, reallocations: 0, frees: 0))
  }

  @Test("threads that allocate in the destructors of their data, when they are nearly over")
  func lastWords() throws {
    let workshop = try Workshop()
    let program = try workshop.compile("last-words.c", "-O1", "-fno-builtin")
    let (result, trace) = try workshop.record([program, "100"])
    let file = try TraceFile(path: trace)
    try checkSound(file)
    let blocks = try #require(result.numbers.first, "\(result.errors)")
    #expect(blocks >= 400 * 8)
    #expect(
      try Tally(of: file, sizes: 4001...4001)
        == Tally(allocations: blocks, reallocations: 0, frees: blocks))
  }
}
