// When threads of real programs began and ended, and what they were called.

import TestSupport
import Testing
import Trace

@Suite struct LifetimeTests {
  @Test("threads: names given early and late, lives around their requests")
  func lives() throws {
    let workshop = try Workshop()
    let program = try workshop.compile("lifetimes.c", "-O0", "-fno-builtin")
    let (result, trace) = try workshop.record([program])
    #expect(result.exitCode == 0)
    let file = try TraceFile(path: trace)
    #expect(file.threads.count == 5)
    var first: [Timestamp?] = Array(repeating: nil, count: 5)
    var last = first
    try file.read(addresses: false) { batch in
      for request in batch where request.operation == .allocate || request.operation == .free {
        first[request.thread.index] = first[request.thread.index] ?? request.time
        last[request.thread.index] = request.time
      }
    }
    for (index, thread) in file.threads.enumerated() {
      let began = try #require(thread.began, "\(thread)")
      let ended = try #require(thread.ended, "\(thread)")
      let firstStep = try #require(first[index])
      let lastStep = try #require(last[index])
      // Steps are told to the microsecond.
      #expect(began.nanoseconds <= firstStep.nanoseconds + 1000, "\(thread)")
      #expect(ended >= lastStep, "\(thread)")
    }
    func named(_ name: String) throws -> (thread: ThreadDescription, first: Timestamp?) {
      let index = try #require(file.threads.firstIndex { $0.name == name }, "\(name)")
      return (file.threads[index], first[index])
    }
    #expect(file.threads[0].name == "lifetimes")
    let early = try named("early")
    let brief = try named("brief")
    let lasting = try named("lasting")
    _ = try named("late")
    // It slept for 400 ms before it asked for anything; the kernel tells when it began.
    let began = try #require(early.thread.began)
    #expect(try #require(early.first).nanoseconds - began.nanoseconds > 350_000_000)
    // Gone long before the others, which lived at the end.
    let end = try #require(lasting.thread.ended)
    #expect(try #require(brief.thread.ended) < end)
    #expect(file.threads[0].ended.map { $0 <= end } == true)
  }

  @Test("threads of one name after the other that share a kernel's id stay apart")
  func reuse() throws {
    let workshop = try Workshop()
    let program = try workshop.compile("crowd.c", "-O0", "-fno-builtin", "-pthread")
    let (_, trace) = try workshop.record([program])
    let file = try TraceFile(path: trace)
    for thread in file.threads.dropFirst() {
      let began = try #require(thread.began)
      let ended = try #require(thread.ended)
      #expect(began <= ended)
      #expect(thread.kernelID != 0 || file.threads.count > 255)
    }
  }
}
