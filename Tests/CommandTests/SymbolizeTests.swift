// Names that travel with a trace.

import Foundation
import TestSupport
import Testing
import Trace

@Suite struct SymbolizeTests {
  let workshop: Workshop

  init() throws { workshop = try Workshop() }

  private func functions(_ trace: String) throws -> [String] {
    try workshop.json(["pins", trace, "--at", "end", "--by", "stack"]).objects("sites").flatMap {
      $0.members["stack"] as? [String] ?? []
    }
  }

  @Test("a trace with names is read where its modules are gone") func elsewhere() throws {
    _ = try workshop.compile("imported.c", "-g")
    let own = workshop.file("own.trace")
    let named = workshop.file("named.trace")
    #expect(try workshop.lacuna(["record", "-q", "-o", own, "./imported"]).exitCode == 0)
    let result = try workshop.lacuna(["symbolize", own, "-o", named])
    #expect(result.exitCode == 0, "\(result)")
    let before = try functions(own)
    #expect(before.contains("make"))
    #expect(try functions(named) == before)
    try FileManager.default.removeItem(atPath: workshop.file("imported"))
    #expect(try !functions(own).contains("make"))
    #expect(try functions(named) == before)
    #expect(try workshop.json(["info", named]).members["complete"] as? Bool == true)
    // Once more: names that are there stay, also where nobody could find them again.
    #expect(try workshop.lacuna(["symbolize", "-q", named]).exitCode == 0)
    #expect(try functions(named) == before)
    #expect(try workshop.lacuna(["repack", "-q", named]).exitCode == 0)
    #expect(try functions(named) == before)
  }

  @Test("names of all lengths and places, in as many chunks as they need") func roundTrip() throws {
    let plain = try workshop.randomTrace(seed: 3)
    var random = SeededRandom(seed: 7)
    var names: [CodeAddress: [UInt8]] = [:]
    for index in 0..<3_000 {
      let place = CodeAddress(
        returnAddress: .random(in: 0...UInt64.max, using: &random),
        image: index % 3 == 0 ? .max : UInt32(index % 5), generation: UInt16(index % 2))
      names[place] = (0..<Int.random(in: 0...1_500, using: &random)).map { _ in
        UInt8.random(in: 0...255, using: &random)
      }
    }
    let named = workshop.file("named")
    let list = names.map { FunctionName(place: $0, symbol: $1) }
    let result = try TraceRepacker.repack(plain, to: named, level: 1, names: list)
    #expect(result.damage.isEmpty)
    let file = try TraceFile(path: named)
    #expect(file.functionNames == names)
    let before = try TraceFile(path: plain).summary
    #expect(file.isComplete && file.summary == before)
    let less = workshop.file("less")
    _ = try TraceRepacker.repack(named, to: less, level: 1, names: [])
    #expect(try TraceFile(path: less).functionNames.isEmpty)
  }

  @Test("names that were tampered with are damage, and nothing worse") func damaged() throws {
    let plain = try workshop.randomTrace(seed: 4)
    let named = workshop.file("named")
    let name = FunctionName(place: CodeAddress(returnAddress: 1, image: 0), symbol: [65])
    _ = try TraceRepacker.repack(plain, to: named, level: 1, names: [name])
    let intact = try workshop.contents(named)
    var found = 0
    for offset in max(0, intact.count - 400)..<intact.count {
      var bytes = intact
      bytes[offset] ^= 0x41
      try Data(bytes).write(to: URL(fileURLWithPath: named))
      guard let file = try? TraceFile(path: named) else { continue }
      #expect(file.functionNames == [name.place: name.symbol] || file.functionNames.isEmpty)
      if file.functionNames.isEmpty { found += 1 }
    }
    #expect(found > 64)
  }
}
