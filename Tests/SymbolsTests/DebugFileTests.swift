// Symbols kept apart from the file that they belong to, and files that are not what was recorded.

import Glibc
import Symbols
import Testing
import Trace

@Suite
struct DebugFileTests {
  let workshop: Workshop
  let library: String
  let debug: String
  let buildID: [UInt8]

  /// A library without its symbol table, and the table in a file of its own.
  init() throws {
    workshop = Workshop()
    library = try Layout.build(in: workshop)
    debug = workshop.file("layout.debug")
    buildID = try ElfImage(path: library).buildID
    let tool = try #require(objcopy)
    #expect(try run([tool, "--only-keep-debug", library, debug]) == 0)
    #expect(try run([tool, "--strip-all", library]) == 0)
  }

  private var local: UInt64 { Layout.textStart + 165 }

  private func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { String(UInt16($0) + 0x100, radix: 16).dropFirst() }.joined()
  }

  private func installByBuildID() throws -> String {
    let directory = "debugroot/.build-id/" + hexadecimal(buildID.prefix(1))
    #expect(try run(["mkdir", "-p", workshop.file(directory)]) == 0)
    try workshop.write(
      directory + "/" + hexadecimal(buildID.dropFirst()) + ".debug", try contents(of: debug))
    return workshop.file("debugroot")
  }

  @Test("the fixture is what it should be: an id of 20 bytes, kept by both halves")
  func fixture() throws {
    #expect(buildID.count == 20)
    #expect(try ElfImage(path: library).buildID == buildID)
    #expect(try ElfImage(path: debug).buildID == buildID)
    let bare = Symbolizer(modules: [module(library)], debugDirectories: [])
    #expect(bare.frame(at: local).function != "local_function")
  }

  @Test("found by build id, and merged with the dynamic symbols")
  func byBuildID() throws {
    let root = try installByBuildID()
    let symbolizer = Symbolizer(
      modules: [module(library, buildID: buildID)], debugDirectories: ["/nowhere", root])
    for (range, name) in Layout.functions {
      #expect(symbolizer.frame(at: Layout.textStart + range.lowerBound).function == name)
    }
  }

  @Test("found by the name in the file, beside it, below .debug, or below the debug directory")
  func byLink() throws {
    let tool = try #require(objcopy)
    #expect(try run([tool, "--add-gnu-debuglink=" + debug, library]) == 0)
    let bytes = try contents(of: debug)
    let root = workshop.file("root")
    for place in ["", ".debug/", "root" + workshop.path + "/"] {
      #expect(try run(["mkdir", "-p", workshop.file(place)]) == 0)
      unlink(debug)
      let target = try workshop.write(place + "layout.debug", bytes)
      let symbolizer = Symbolizer(modules: [module(library)], debugDirectories: [root])
      #expect(symbolizer.frame(at: local).function == "local_function", "\(place)")
      unlink(target)
      let without = Symbolizer(modules: [module(library)], debugDirectories: [root])
      #expect(without.frame(at: local).function != "local_function")
    }
  }

  @Test("without a build id the checksum decides")
  func byChecksum() throws {
    let tool = try #require(objcopy)
    let path = try Layout.build(in: workshop, options: ["-Wl,--build-id=none"])
    #expect(try run([tool, "--only-keep-debug", path, debug]) == 0)
    #expect(try run([tool, "--strip-all", "--add-gnu-debuglink=" + debug, path]) == 0)
    #expect(try ElfImage(path: path).buildID.isEmpty)
    let symbolizer = Symbolizer(modules: [module(path)], debugDirectories: [])
    #expect(symbolizer.frame(at: local).function == "local_function")
    try workshop.write("layout.debug", try contents(of: debug) + [0])
    let other = Symbolizer(modules: [module(path)], debugDirectories: [])
    #expect(other.frame(at: local).function != "local_function")
  }

  @Test("a file with another build id is not believed; the debug file of the recorded one is")
  func replaced() throws {
    var recorded = buildID
    recorded[3] ^= 1
    let symbolizer = Symbolizer(
      modules: [module(library, buildID: recorded)], debugDirectories: [])
    #expect(!symbolizer.frame(at: Layout.textStart).isResolved)
    #expect(
      symbolizer.problems == [
        SymbolProblem(
          modulePath: library, reason: .replaced(recorded: recorded, found: buildID))
      ])
    #expect(symbolizer.problems[0].description.contains(hexadecimal(recorded.prefix(4))))

    let root = try installByBuildID()
    let gone = module(workshop.file("gone.so"), buildID: buildID)
    let rescued = Symbolizer(modules: [gone], debugDirectories: [root])
    #expect(rescued.frame(at: Layout.textStart).function == "sized")
    #expect(rescued.problems.isEmpty)
  }

  @Test("a debug file under the name of an id that it does not have is not believed")
  func misfiled() throws {
    let root = try installByBuildID()
    var other = buildID
    other[19] ^= 1
    let directory = "debugroot/.build-id/" + hexadecimal(other.prefix(1)) + "/"
    try workshop.write(
      directory + hexadecimal(other.dropFirst()) + ".debug", try contents(of: debug))
    let symbolizer = Symbolizer(
      modules: [module("/nowhere/x.so", buildID: other)], debugDirectories: [root])
    #expect(!symbolizer.frame(at: Layout.textStart).isResolved)
    #expect(symbolizer.problems.map(\.reason) == [.missing])
  }

  @Test("copies of modules are found by full path and by name, if they are the same file")
  func searchPaths() throws {
    #expect(try run(["mkdir", "-p", workshop.file("root/usr/lib"), workshop.file("flat")]) == 0)
    let bytes = try contents(of: library)
    let recorded = module("/usr/lib/libelsewhere.so", buildID: buildID)
    for place in ["root/usr/lib", "flat"] {
      let copy = try workshop.write(place + "/libelsewhere.so", bytes)
      let search = [workshop.file("flat"), workshop.file("root")]
      let symbolizer = Symbolizer(
        modules: [recorded], debugDirectories: [], searchPaths: search)
      #expect(symbolizer.frame(at: Layout.textStart).function == "sized")
      var different = recorded
      different.buildID[0] ^= 1
      let doubting = Symbolizer(
        modules: [different], debugDirectories: [], searchPaths: search)
      #expect(!doubting.frame(at: Layout.textStart).isResolved)
      unlink(copy)
    }
  }
}
