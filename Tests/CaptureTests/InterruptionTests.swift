// Signal handlers that allocate, wherever they interrupt their thread, and that may not come back.

import TestSupport
import Testing
import Trace

@Suite struct InterruptionTests {
  /// What `interrupts.c` prints.
  private struct Account {
    var over: Tally
    var begun: Tally
    var interrupts: Int
    var jumps: Int

    init(_ numbers: [Int]) throws {
      try #require(numbers.count == 8)
      over = Tally(allocations: numbers[0], reallocations: numbers[1], frees: numbers[2])
      begun = Tally(allocations: numbers[3], reallocations: numbers[4], frees: numbers[5])
      interrupts = numbers[6]
      jumps = numbers[7]
    }
  }

  private static let interrupts = wantsLongTests ? 20_000 : 200

  private func record(_ mode: String, safe: Bool = true) throws
    -> (account: Account, file: TraceFile, tally: Tally)
  {
    let workshop = try Workshop()
    let program = try workshop.compile("interrupts.c", "-O1", "-fno-builtin")
    let allocator = try workshop.compile(
      "lockfree.c", "-O1", "-fno-builtin", "-shared", "-fPIC", as: "liblockfree.so")
    let (result, trace) = try workshop.record(
      [program, mode, "20000", String(Self.interrupts)],
      environment: safe ? ["LD_PRELOAD": allocator] : [:])
    try #require(result.exitCode == 0, "\(result.errors)")
    let file = try TraceFile(path: trace)
    return (try Account(result.numbers), file, try Tally(of: file, sizes: 500...700))
  }

  @Test("handlers that allocate while their thread computes")
  func apart() throws {
    let (account, file, tally) = try record("apart", safe: false)
    #expect(account.interrupts >= Self.interrupts)
    #expect(tally == account.over)
    try checkSound(file)
  }

  @Test(
    "handlers that allocate while their thread is anywhere, also in the tracer's hooks",
    arguments: ["anywhere", "onstack"])
  func anywhere(mode: String) throws {
    let (account, file, tally) = try record(mode)
    #expect(account.interrupts >= Self.interrupts)
    #expect(tally == account.over)
    try checkSound(file)
  }

  @Test("a jump out of a handler costs at most the request that it interrupted")
  func jumps() throws {
    let (account, file, tally) = try record("jump")
    #expect(account.jumps > Self.interrupts / 4)
    #expect(file.summary.lostEvents <= UInt64(account.jumps))
    // What was over when the handler came is there; what had only begun may be.
    let lost = Int(file.summary.lostEvents)
    #expect(tally.allocations <= account.begun.allocations)
    #expect(tally.allocations >= account.over.allocations - lost)
    #expect(tally.reallocations <= account.begun.reallocations)
    #expect(tally.reallocations >= account.over.reallocations - lost)
    #expect(tally.frees <= account.begun.frees)
    #expect(tally.frees >= account.over.frees - lost)
    #expect(file.summary.allocationsOfLiveAddress == 0)
    #expect(file.isComplete, "\(file.damage)")
  }

  @Test("threads that die in the ring that they share with others, who go on")
  func deaths() throws {
    let workshop = try Workshop()
    let program = try workshop.compile("dying.c", "-O1", "-fno-builtin")
    let allocator = try workshop.compile(
      "lockfree.c", "-O1", "-fno-builtin", "-shared", "-fPIC", as: "liblockfree.so")
    let (result, trace) = try workshop.record(
      [program, "60", "5000"], environment: ["LD_PRELOAD": allocator])
    try #require(result.exitCode == 0, "\(result.errors)")
    try #require(result.numbers.count == 2)
    let file = try TraceFile(path: trace)
    try checkSound(file)
    let tally = try Tally(of: file, sizes: 650...650)
    #expect((result.numbers[0]...result.numbers[1]).contains(tally.allocations))
  }
}
