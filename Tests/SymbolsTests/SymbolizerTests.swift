// From a return address to a frame, on files whose functions are known.

import Glibc
import MemoryUnits
import Symbols
import Testing
import Trace

@Suite struct SymbolizerTests {
  @Test(
    "names every byte of a laid-out library, and nothing in its gaps")
  func layout() throws {
    let workshop = Workshop()
    let symbolizer = Symbolizer(modules: [module(try Layout.build(in: workshop))])
    for offset in UInt64(0)..<448 {
      let frame = symbolizer.frame(at: Layout.textStart + offset)
      let expected = Layout.functions.first { $0.range.contains(offset) }?.name
      #expect(frame.isResolved == (expected != nil), "offset \(offset)")
      let unresolved = "liblayout.so+0x" + String(Layout.textStart + offset, radix: 16)
      #expect(frame.function == expected ?? unresolved, "offset \(offset)")
      #expect(frame.offset == Layout.textStart + offset)
      #expect(frame.module == "liblayout.so")
      #expect(frame.modulePath == workshop.file("liblayout.so"))
    }
    #expect(symbolizer.problems.isEmpty)
  }

  @Test("looks up the call, not what follows it")
  func returnAddressBehindFunction() throws {
    let workshop = Workshop()
    let symbolizer = Symbolizer(modules: [module(try Layout.build(in: workshop))])
    // The call is the last instruction of `sized`; `unsized` begins where `weak_name`'s gap ends.
    let behind = bias + Layout.textStart + 32
    #expect(symbolizer.frame(returnAddress: behind, image: 0).function == "sized")
    #expect(!symbolizer.frame(returnAddress: behind + 1, image: 0).isResolved)
  }

  @Test("addresses of no module, of another image, of address zero")
  func outside() {
    let symbolizer = Symbolizer(modules: [module("[vdso]")])
    for (address, image) in [(UInt64(5), UInt32(0)), (bias + 1, 1), (bias, 0), (.max, 7)] {
      let frame = symbolizer.frame(returnAddress: address, image: image)
      #expect(frame.function == "0x" + String(address - 1, radix: 16))
      #expect(frame.module.isEmpty && !frame.isResolved)
    }
    let wrapped = symbolizer.frame(returnAddress: 0, image: 0)
    #expect(wrapped.function == "0xffffffffffffffff")
    let vdso = symbolizer.frame(returnAddress: bias + 0x11, image: 0)
    #expect(vdso.function == "[vdso]+0x10" && vdso.module == "[vdso]" && !vdso.isResolved)
    #expect(symbolizer.problems.isEmpty)
  }

  @Test("a stripped library keeps its dynamic symbols")
  func stripped() throws {
    let workshop = Workshop()
    let path = try Layout.build(in: workshop)
    try strip(path)
    let symbolizer = Symbolizer(modules: [module(path)], debugDirectories: [])
    #expect(symbolizer.frame(at: Layout.textStart + 5).function == "sized")
    #expect(symbolizer.frame(at: Layout.textStart + 100).function == "weak_name")
    #expect(symbolizer.frame(at: Layout.textStart + 210).function == "outer")
    // Without the local symbol behind it nobody can tell where `unsized` ends.
    #expect(symbolizer.frame(at: Layout.textStart + 161).function == "unsized")
    #expect(!symbolizer.frame(at: Layout.textStart + 257).isResolved)
    #expect(symbolizer.problems.isEmpty)
  }

  @Test("a file without any symbols is a problem, told once")
  func noSymbols() throws {
    let workshop = Workshop()
    let path = try workshop.compile(
      ".globl _start\n_start: hlt\n", named: "bare.s", to: "bare",
      ["-nostdlib", "-static", "-Wl,-s", "-Wl,--build-id=none"])
    let symbolizer = Symbolizer(modules: [module(path)], debugDirectories: [])
    for address in UInt64(0)..<5 { #expect(!symbolizer.frame(at: address).isResolved) }
    #expect(symbolizer.problems == [SymbolProblem(modulePath: path, reason: .noSymbols)])
  }

  @Test("a position-dependent executable has no bias")
  func fixedExecutable() throws {
    let workshop = Workshop()
    let path = try workshop.compile(
      ".globl _start\n.type _start,@function\n_start: hlt\nhlt\n.size _start, 2\n",
      named: "fixed.s", to: "fixed",
      ["-nostdlib", "-static", "-no-pie", "-Wl,--section-start=.text=0x401000"])
    let fixed = Module(
      image: 3, range: Address(0x400000)..<Address(0x402000), bias: 0, path: path, buildID: [])
    let symbolizer = Symbolizer(modules: [fixed])
    #expect(symbolizer.frame(returnAddress: 0x401001, image: 3).function == "_start")
    #expect(symbolizer.frame(returnAddress: 0x401003, image: 3).function == "fixed+0x401002")
  }

  @Test("the later of two modules at one address counts")
  func overlappingModules() throws {
    let workshop = Workshop()
    let path = try Layout.build(in: workshop)
    let early = module("/nowhere/libgone.so")
    #expect(
      Symbolizer(modules: [early, module(path)]).frame(at: Layout.textStart).function == "sized")
    let reversed = Symbolizer(modules: [module(path), early])
    #expect(reversed.frame(at: Layout.textStart).module == "libgone.so")
    #expect(reversed.problems == [SymbolProblem(modulePath: early.path, reason: .missing)])
  }

  @Test("problems are told once and say what to do")
  func problems() throws {
    let workshop = Workshop()
    let text = try workshop.write("text", "not an ELF file at all, only text".utf8)
    let paths = [
      workshop.file("gone.so"), text, workshop.path, workshop.file("dropped.so (deleted)"),
    ]
    let modules = paths.enumerated().map { module($1, image: UInt32($0)) }
    let symbolizer = Symbolizer(modules: modules)
    for _ in 0..<3 {
      for image in modules.indices {
        let frame = symbolizer.frame(returnAddress: bias + 0x43, image: UInt32(image))
        #expect(!frame.isResolved)
      }
    }
    #expect(symbolizer.problems.map(\.modulePath) == paths)
    #expect(
      symbolizer.problems.map(\.reason) == [
        .missing, .unreadable(.notElf), .unreadable(.notAFile), .missing,
      ])
    for problem in symbolizer.problems {
      #expect(problem.description.contains(problem.modulePath))
      #expect(problem.description.contains("Restore"))
    }
    #expect(symbolizer.frame(returnAddress: bias + 0x43, image: 3).function == "dropped.so+0x42")
  }

  private func strip(_ path: String) throws {
    #expect(try run([try #require(objcopy), "--strip-all", path]) == 0)
  }
}
