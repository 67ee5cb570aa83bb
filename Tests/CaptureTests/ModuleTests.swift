// Libraries that come and go: a stack is named by the library that lay there when it was taken.

import Foundation
import MemoryUnits
import Symbols
import TestSupport
import Testing
import Trace

@Suite struct ModuleTests {
  /// Compiles plugin.c once for each name; the first two have the same code, address by address.
  private func plugins(_ workshop: Workshop) throws -> [(name: String, path: String)] {
    try [("alpha", 16), ("beta", 16), ("gamma", 400)].map { name, filler in
      let path = try workshop.compile(
        "plugin.c", "-O1", "-fomit-frame-pointer", "-fno-builtin", "-shared", "-fPIC",
        "-DNAME=\(name)", "-DFILLER=\(filler)", as: "lib\(name).so")
      return (name, path)
    }
  }

  @Test("loaded in turn at the same address, a hundred times, called by two threads")
  func reload() throws {
    let workshop = try Workshop()
    let plugins = try plugins(workshop)
    let program = try workshop.compile("reload.c", "-O1", "-fno-builtin")
    // One of them by a path that begins in the program's directory.
    let paths = ["./libalpha.so"] + plugins.dropFirst().map(\.path)
    let (result, path) = try workshop.record([program, "100"] + paths)
    try #require(result.exitCode == 0, "\(result.errors)")
    let lines = result.output.split(separator: "\n").dropFirst()
    try #require(lines.count == 300)
    // Otherwise nothing is tested: all lay at the same address.
    #expect(Set(lines.compactMap { $0.split(separator: " ").last }).count == 1)

    let file = try TraceFile(path: path)
    try checkSound(file)
    let symbolizer = Symbolizer(modules: file.modules)
    var wrong: [String] = []
    var seen = 0
    try file.read(addresses: false) { batch in
      for request in batch where request.operation == .allocate && request.size >= 20000 {
        let size = Int(request.size.rawValue)
        guard size < 30000, size % 50 < 3 else { continue }
        let frames = file.stacks.frames(of: request.stack).map {
          symbolizer.frame(at: $0).function
        }
        let name = plugins[size % 50].name
        let isGuest = size % 100 >= 50
        let callers = isGuest ? ["guest"] : ["round_with", "main"]
        let expected = ["\(name)_inner", "\(name)_middle", "use"] + callers
        if Array(frames.prefix(expected.count)) != expected { wrong.append("\(size): \(frames)") }
        let end = isGuest ? "clone3" : "_start"
        if frames.last?.hasSuffix(end) != true { wrong.append("\(size): \(frames)") }
        seen += 1
      }
    }
    #expect(wrong == [])
    #expect(seen == 600)
    // A library that comes back is the one it was.
    let versions = Set(
      file.modules.filter { $0.path.contains(workshop.path + "/lib") }.map(\.generation))
    #expect(versions == [0, 1, 2])
    #expect(file.modules.count < 12)
  }
}
