// ELF files that were cut, overwritten or made to mislead.

import Glibc
import Symbols
import TestSupport
import Testing
import Trace

@Suite struct DamagedElfTests {
  let workshop: Workshop
  let bytes: [UInt8]

  init() throws {
    workshop = Workshop()
    bytes = try contents(of: try Layout.build(in: workshop))
  }

  /// Does everything that can be done with a file; whatever it holds, this must come back.
  private func use(_ bytes: [UInt8]) throws {
    let path = try workshop.write("damaged", bytes, mode: 0o755)
    let symbolizer = Symbolizer(modules: [module(path)], debugDirectories: [workshop.path])
    for offset in stride(from: UInt64(0), to: 512, by: 16) {
      let frame = symbolizer.frame(at: Layout.textStart + offset)
      #expect(!frame.function.isEmpty && frame.function.utf8.count <= 20_000)
    }
    #expect(symbolizer.problems.count <= 1)
    _ = ExecutableCheck(path: path)
    _ = try? ElfImage(path: path).buildID
  }

  @Test("cut anywhere")
  func truncated() throws {
    for length in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 300)) {
      try use(Array(bytes[..<length]))
    }
  }

  /// Where the headers are: what tells a reader how large and where everything is.
  private func headerOffsets() -> [Int] {
    func number(_ offset: Int, _ count: Int) -> Int {
      (0..<count).reversed().reduce(0) { $0 << 8 | Int(bytes[offset + $1]) }
    }
    let (programs, sections) = (number(32, 8), number(40, 8))
    let (programSize, sectionSize) = (number(54, 2) * number(56, 2), number(58, 2) * number(60, 2))
    return Array(0..<64) + Array(programs..<programs + programSize)
      + Array(sections..<sections + sectionSize)
  }

  @Test("each byte of each header set to other values", arguments: [0x00, 0x01, 0x80, 0xff])
  func headers(value: UInt8) throws {
    for offset in headerOffsets() where bytes[offset] != value {
      var damaged = bytes
      damaged[offset] = value
      try use(damaged)
    }
  }

  @Test("many random bytes changed", arguments: [1, 2, 3, 4])
  func random(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let headers = headerOffsets()
    for _ in 0..<150 {
      var damaged = bytes
      for _ in 0..<Int.random(in: 1...40, using: &random) {
        let offset =
          Bool.random(using: &random)
          ? headers[Int.random(in: headers.indices, using: &random)]
          : Int.random(in: damaged.indices, using: &random)
        damaged[offset] = UInt8.random(in: .min ... .max, using: &random)
      }
      try use(damaged)
    }
  }

  @Test("not regular files: a directory, a pipe without a writer, a device")
  func special() throws {
    let pipe = workshop.file("pipe")
    #expect(mkfifo(pipe, 0o755) == 0)
    for path in [workshop.path, pipe, "/dev/null"] {
      #expect(throws: ElfError.notAFile) { try ElfImage(path: path) }
    }
    #expect(throws: ElfError.missing) { try ElfImage(path: "/nowhere/at/all") }
  }

  @Test("names with control characters, without end, or very long are made fit to show")
  func names() throws {
    let long = String(repeating: "x", count: 5000)
    let path = try workshop.compile(
      """
      .globl "a\u{1b}[31mb"
      .type "a\u{1b}[31mb", @function
      "a\u{1b}[31mb": .fill 16, 1, 0x90
      .size "a\u{1b}[31mb", 16
      .globl \(long)
      .type \(long), @function
      \(long): .fill 16, 1, 0x90
      .size \(long), 16
      """, named: "names.s", to: "names.so",
      ["-shared", "-nostdlib", "-Wl,--section-start=.text=0x20000", "-Wl,--image-base=0"])
    let symbolizer = Symbolizer(modules: [module(path)])
    #expect(symbolizer.frame(at: 0x20000).function == "a\u{fffd}[31mb")
    let shown = symbolizer.frame(at: 0x20010).function
    #expect(shown == String(repeating: "x", count: 512) + "…")

    // Without the NUL that ends it the last name runs to the end of its table.
    var bytes = try contents(of: path)
    for index in bytes.indices where bytes[index] == 0 && index > 0 && bytes[index - 1] == 0x78 {
      bytes[index] = 0x79
    }
    try use(bytes)
  }
}
