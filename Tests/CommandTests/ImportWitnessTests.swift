// The same program recorded by Lacuna and by another tool: both traces have to agree.

import Foundation
import MemoryUnits
import TestSupport
import Testing
import Trace

@Suite struct ImportWitnessTests {
  /// The blocks of `Tests/Fixtures/imported.c`, which are of 13 bytes modulo 97.
  private struct OwnBlocks: Equatable {
    var begun = 0
    var ended = 0
    var liveBytes: Int64 = 0

    init(_ path: String) throws {
      var sizes: [Slot: Int64] = [:]
      var begun = 0
      var ended = 0
      var live: Int64 = 0
      try TraceFile(path: path).read(addresses: false) { batch in
        for request in batch {
          // A snapshot may split a reallocation.
          let begins = [.allocate, .reallocate, .reallocateEnd].contains(request.operation)
          guard begins || [.free, .reallocateBegin].contains(request.operation) else { continue }
          if let old = sizes.removeValue(forKey: request.slot) {
            ended += 1
            live -= old
          }
          guard begins, request.size.rawValue % 97 == 13 else { continue }
          sizes[request.slot] = request.size.rawValue
          begun += 1
          live += request.size.rawValue
        }
      }
      (self.begun, self.ended, liveBytes) = (begun, ended, live)
    }
  }

  private static let scripts = [
    "heaptrack":
      "heaptrack --raw -o source ./imported >/dev/null 2>&1 && mv source.raw.* source",
    "valgrind": "valgrind --trace-malloc=yes ./imported 2>source >/dev/null",
    "ltrace": "ltrace -f -i -r -o source ./imported >/dev/null",
    // The library is beside the C library; the loader finds it by its name.
    "mtrace": "MALLOC_TRACE=source LD_PRELOAD=libc_malloc_debug.so.0 ./imported >/dev/null",
  ]

  @Test(
    "agrees with what Lacuna records", arguments: ["heaptrack", "valgrind", "ltrace", "mtrace"])
  func agrees(_ tool: String) throws {
    let workshop = try Workshop()
    let found = try workshop.shell("command -v \(tool)").exitCode == 0
    guard tool == "mtrace" || found else {
      print("NOTE: skipped, since \(tool) is not installed: comparing an import with it")
      return
    }
    _ = try workshop.compile("imported.c", "-g")
    let script = try #require(Self.scripts[tool])
    let recorded = try workshop.shell(script)
    guard recorded.exitCode == 0, FileManager.default.fileExists(atPath: workshop.file("source"))
    else {
      print("NOTE: skipped, since \(tool) does not run here: \(recorded.errors.prefix(300))")
      return
    }
    let imported = try workshop.lacuna(["import", "source", "-o", "other.trace"])
    #expect(imported.exitCode == 0, "\(imported.errors)")
    #expect(try workshop.lacuna(["record", "-q", "-o", "own.trace", "./imported"]).exitCode == 0)
    let own = try OwnBlocks(workshop.file("own.trace"))
    #expect(try OwnBlocks(workshop.file("other.trace")) == own)
    // What the program prints about itself.
    #expect(own.begun == 52)
    #expect(own.liveBytes == 20500)
    guard tool == "heaptrack" || tool == "mtrace" else { return }
    let sites = try workshop.json(["pins", "other.trace", "--at", "end"]).objects("sites")
    #expect(try sites.contains { try ["make", "main"].contains($0.string("function")) })
  }
}
