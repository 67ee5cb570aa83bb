// What liblacuna.so is made of.

import Foundation
import TestSupport
import Testing

@Suite struct LibraryTests {
  private static let library = Workshop.buildDirectory + "/liblacuna.so"

  @Test("exports the interposed functions and nothing else")
  func exports() throws {
    let result = try Workshop().run("nm", ["-D", "--defined-only", Self.library])
    let names = result.output.split(separator: "\n").compactMap { $0.split(separator: " ").last }
    let operators = ["w", "a"].flatMap { form in
      ["m", "mRKSt9nothrow_t", "mSt11align_val_t", "mSt11align_val_tRKSt9nothrow_t"]
        .map { "_Zn\(form)\($0)" }
    }
    let releases = ["l", "a"].flatMap { form in
      [
        "", "m", "RKSt9nothrow_t", "St11align_val_t", "mSt11align_val_t",
        "St11align_val_tRKSt9nothrow_t",
      ].map { "_Zd\(form)Pv\($0)" }
    }
    #expect(
      names.map(String.init).sorted()
        == ([
          "aligned_alloc", "brk", "calloc", "cfree", "dlclose", "free", "free_aligned_sized",
          "free_sized",
          "lacuna_attach", "lacuna_mark", "lacuna_pool_alloc", "lacuna_pool_free", "madvise",
          "malloc",
          "malloc_trim", "malloc_usable_size", "mallopt", "memalign", "mmap", "mmap64", "mremap",
          "munmap", "posix_memalign", "pvalloc", "realloc", "reallocarray", "sbrk", "valloc",
        ] + operators + releases).sorted())
  }

  @Test("needs libc alone")
  func needs() throws {
    let result = try Workshop().run("readelf", ["-d", Self.library])
    let needed = result.output.split(separator: "\n").filter { $0.contains("(NEEDED)") }
    #expect(
      needed.allSatisfy { $0.contains("[libc.so.6]") || $0.contains("[ld-linux-x86-64.so.2]") })
    #expect(!needed.isEmpty)
  }

  @Test("no hook can reach an allocation of its own")
  func allocatesNothing() throws {
    let result = try Workshop().run("objdump", ["-d", "--no-show-raw-insn", Self.library])
    var function = ""
    var callers: Set<String> = []
    for line in result.output.split(separator: "\n") {
      if line.hasSuffix(">:") {
        function = String(line.split(separator: "<").last?.dropLast(2) ?? "")
      }
      let allocates = [
        "<malloc@plt>", "<free@plt>", "<calloc@plt>", "<posix_memalign@plt>",
        "<swift_allocObject>", "<swift_slowAlloc>", "<swift_once>",
      ].contains { line.contains($0) }
      if line.contains("call") && allocates { callers.insert(function) }
    }
    // The small runtime that the compiler adds is there, but none of our functions calls it.
    #expect(callers.filter { $0.contains("Interposer") || $0.hasPrefix("lacuna") } == [])
  }
}
