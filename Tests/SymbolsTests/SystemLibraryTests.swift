// Every function of large system libraries, against the system's own symbol lister.

import Glibc
import Symbols
import TestSupport
import Testing

@Suite struct SystemLibraryTests {
  /// A line of `nm`: mangled name without its version, extent, whether it is a function.
  private struct Listed {
    var start: UInt64
    var byteCount: UInt64
    var name: String
  }

  /// The libraries that this very process runs on.
  static let libraries: [String] = {
    let names = ["/libstdc++.so", "/libswiftCore.so", "/libc.so"]
    guard let maps = try? contents(of: "/proc/self/maps") else { return [] }
    let paths = String(decoding: maps, as: UTF8.self).split(separator: "\n").compactMap { line in
      line.firstIndex(of: "/").map { String(line[$0...]) }
    }
    return Set(paths).filter { path in names.contains { path.contains($0) } }.sorted()
  }()

  @Test("finds the libraries") func present() { #expect(Self.libraries.count >= 2) }

  private func list(_ path: String) throws -> [Listed] {
    try list(path, []) + list(path, ["-D"])
  }

  private func list(_ path: String, _ options: [String]) throws -> [Listed] {
    let workshop = Workshop()
    let tool = try #require(nm)
    let output = workshop.file("nm")
    #expect(try run([tool, "-S", "--defined-only"] + options + [path], output: output) == 0)
    let text = String(decoding: try contents(of: output), as: UTF8.self)
    return text.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard words.count == 4, ["T", "t", "W", "w", "i"].contains(words[2]),
        let start = UInt64(words[0], radix: 16), let byteCount = UInt64(words[1], radix: 16)
      else { return nil }
      let name = words[3].split(separator: "@", omittingEmptySubsequences: false)
      return Listed(
        start: start, byteCount: byteCount, name: String(name[0].isEmpty ? words[3] : name[0]))
    }
  }

  @Test("each function is found at its first byte", arguments: libraries)
  func firstBytes(path: String) throws {
    let listed = try list(path)
    #expect(listed.count > 1000)
    let table = SymbolTable([try ElfImage(path: path)])
    var names: [UInt64: Set<String>] = [:]
    for symbol in listed { names[symbol.start, default: []].insert(symbol.name) }
    var mistakes: [String] = []
    for symbol in listed where symbol.byteCount > 0 {
      let found = table.name(at: symbol.start).map { String(decoding: $0, as: UTF8.self) }
      if found.map({ names[symbol.start]?.contains($0) == true }) != true {
        mistakes.append("\(symbol.name): \(found ?? "nothing")")
      }
    }
    #expect(mistakes.isEmpty, "\(mistakes.prefix(5))")
  }

  @Test("random addresses: a name that covers them, and none in gaps", arguments: libraries)
  func scan(path: String) throws {
    let listed = try list(path)
    let table = SymbolTable([try ElfImage(path: path)])
    let low = try #require(listed.map(\.start).min())
    let high = try #require(listed.map { $0.start + $0.byteCount }.max())
    var random = SeededRandom(seed: 42)
    var (resolved, gaps) = (0, 0)
    var mistakes: [String] = []
    for _ in 0..<400 {
      let address = UInt64.random(in: low..<high, using: &random)
      let covering = listed.filter { $0.start <= address && address < $0.start + $0.byteCount }
      let found = table.name(at: address).map { String(decoding: $0, as: UTF8.self) }
      if let found, !covering.contains(where: { $0.name == found }) {
        // A function without a size reaches to the next symbol; it must at least be the last before.
        let last = listed.filter { $0.start <= address }.map(\.start).max()
        let isOpen = listed.contains { $0.start == last && $0.name == found && $0.byteCount == 0 }
        if !isOpen { mistakes.append("\(found) does not cover \(address)") }
      }
      if found == nil, !covering.isEmpty { mistakes.append("nothing at \(address)") }
      if found == nil { gaps += 1 } else { resolved += 1 }
    }
    #expect(mistakes.isEmpty, "\(mistakes.prefix(5))")
    #expect(resolved > 100 && gaps > 0)
  }
}
