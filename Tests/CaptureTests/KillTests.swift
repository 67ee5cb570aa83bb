// SIGKILL at any moment: the trace has all that the program had done.

import Foundation
import MemoryUnits
import TestSupport
import Testing
import Trace

@Suite struct KillTests {
  @Test("a trace of a killed program lacks nothing but what was under way")
  func kills() throws {
    let workshop = try Workshop()
    let program = try workshop.compile("killed.c", "-O1", "-fno-builtin")
    let counts = workshop.file("counts")
    var random = SeededRandom(seed: 20_030_617)
    for round in 0..<(wantsLongTests ? 1000 : 25) {
      let threads = Int.random(in: 1...4, using: &random)
      let delay = Int.random(in: 0...4000, using: &random)
      let (result, trace) = try workshop.record([program, counts, String(threads), String(delay)])
      #expect(result.exitCode == 137)
      let data = try #require(FileManager.default.contents(atPath: counts))
      let words = data.withUnsafeBytes { $0.bindMemory(to: UInt64.self).map { Int($0) } }
      try #require(words.count == 4 * threads)
      let file = try TraceFile(path: trace)
      #expect(file.isComplete, "\(file.damage)")
      #expect(file.summary.lostEvents == 0)
      #expect(file.summary.allocationsOfLiveAddress == 0)
      #expect(file.summary.freesOfUnknownAddress == 0)
      var tallies = Array(
        repeating: Tally(allocations: 0, reallocations: 0, frees: 0), count: threads)
      try count(file, &tallies)
      for thread in 0..<threads {
        let what: Comment = "round \(round), thread \(thread): \(words) \(tallies)"
        let (begun, over) = (words[4 * thread], words[4 * thread + 1])
        let (freesBegun, freesOver) = (words[4 * thread + 2], words[4 * thread + 3])
        #expect(begun - over + freesBegun - freesOver <= 1, what)
        #expect((over...begun).contains(tallies[thread].allocations), what)
        #expect((freesOver...freesBegun).contains(tallies[thread].frees), what)
      }
    }
  }

  /// Counts in one pass the blocks of 1000 + i bytes for every thread i.
  private func count(_ file: TraceFile, _ tallies: inout [Tally]) throws {
    var threadOf: [UInt32: Int] = [:]
    try file.read(addresses: false) { batch in
      for request in batch {
        let thread = Int(request.size.rawValue) - 1000
        switch request.operation {
        case .allocate where tallies.indices.contains(thread):
          tallies[thread].allocations += 1
          threadOf[request.slot.rawValue] = thread
        case .free:
          guard let thread = threadOf.removeValue(forKey: request.slot.rawValue) else { break }
          tallies[thread].frees += 1
        default: break
        }
      }
    }
  }
}
