// The traces that the project gives to everyone.

import Foundation
import Testing
import Trace

@Suite struct CorpusTests {
  private static let directory = URL(fileURLWithPath: #filePath)
    .appendingPathComponent("../../../Traces").standardizedFileURL.path

  private static let traces =
    (try? FileManager.default.contentsOfDirectory(atPath: directory))?
    .filter { $0.hasSuffix(".trace") }.sorted() ?? []

  @Test("is there, and described") func described() throws {
    let readme = try String(contentsOfFile: Self.directory + "/README.md", encoding: .utf8)
    let names = Set(Self.traces.compactMap { $0.split(separator: ".").first.map(String.init) })
    #expect(names.count >= 8)
    for name in names { #expect(readme.contains("| `\(name)` |"), "\(name)") }
  }

  @Test("each trace is whole, small, without anomalies, and names its functions", arguments: traces)
  func sound(_ name: String) throws {
    let file = try TraceFile(path: Self.directory + "/" + name, checking: .always)
    var steps: UInt64 = 0
    try file.read(addresses: true) { steps += UInt64($0.count) }
    #expect(file.isComplete && steps == file.summary.steps)
    #expect(file.fileBytes <= 2_000_000)
    #expect(file.summary.events > 0 && file.summary.lostEvents == 0)
    #expect(file.summary.allocationsOfLiveAddress == 0)
    let calls = file.stacks.calls
    // Programs of Debian are stripped: what they call in their libraries has names.
    #expect(!file.functionNames.isEmpty && Set(file.functionNames.keys).isSubset(of: calls))
  }
}
