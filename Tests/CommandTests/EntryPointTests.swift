// Functions, wrong releases and marks, as the commands show them.

import Foundation
import TestSupport
import Testing

@Suite struct EntryPointTests {
  /// Blocks that the wrong functions release, and marks; prints nothing.
  private static let source = """
    #include <cstdlib>
    #include <new>
    #include "lacuna.h"
    static void *volatile sink;
    __attribute__((noinline)) void careless_caller(int i) {
      sink = ::operator new[](16);
      ::operator delete(sink);
      if (i % 2 == 0) {
        sink = ::operator new(16);
        free(sink);
      }
      if (i % 3 == 0) {
        sink = ::operator new(16);
        free(realloc(sink, 500));
      }
      sink = malloc(16);
      ::operator delete(sink, size_t(16));
      // These go together.
      sink = ::operator new(16, std::nothrow);
      ::operator delete(sink, size_t(16));
      free(realloc(malloc(10), 20));
    }
    int main() {
      lacuna_mark("begin");
      for (int i = 0; i < 12; i++) careless_caller(i);
      lacuna_mark("end \\033[31m of it");
    }
    """

  private func record(_ workshop: Workshop) throws -> String {
    let source = workshop.file("careless.cpp")
    try Self.source.write(toFile: source, atomically: false, encoding: .utf8)
    let include = URL(fileURLWithPath: Workshop.fixtures)
      .appendingPathComponent("../../Sources/InterposerEntry/include").standardized.path
    let program = workshop.file("careless")
    let build = try workshop.run(
      "clang++",
      ["-std=c++17", "-O1", "-fno-builtin", "-rdynamic", "-I" + include, source, "-o", program])
    try #require(build.exitCode == 0, "\(build.errors)")
    return try workshop.record([program]).trace
  }

  @Test("info counts calls, and blocks that the wrong function released")
  func info() throws {
    let workshop = try Workshop()
    let trace = try record(workshop)
    let plain = try JSONObject(workshop.lacuna(["info", "--json", trace]).output)
    #expect(plain.members["entryPoints"] == nil)
    let marks = try plain.objects("marks")
    #expect(try marks.map { try $0.string("name") } == ["begin", "end \u{1b}[31m of it"])
    #expect(try marks[0].number("seconds") <= marks[1].number("seconds"))

    let full = try JSONObject(
      workshop.lacuna(["info", "--json", "--entry-points", trace]).output)
    let calls = try full.object("entryPoints")
    #expect(try calls.integer("operator new[]") == 12)
    #expect(try calls.integer("operator new") == 6 + 4)
    #expect(try calls.integer("operator new (nothrow)") == 12)
    #expect(try calls.integer("operator delete (sized)") == 24)
    #expect(try calls.integer("operator delete") == 12)
    #expect(try calls.integer("realloc") == 4 + 12)
    #expect(try calls.integer("lacuna_mark") == 2)
    let total = try full.integer("events")
    let counted = try calls.members.keys.filter { $0 != "lacuna_mark" }
      .reduce(0) { try $0 + calls.integer($1) }
    #expect(counted == total)
    let wrong = try full.objects("wrongReleases").map {
      "\(try $0.integer("blocks")) \(try $0.string("allocation")) \(try $0.string("release"))"
        + " \(try $0.string("function"))"
    }
    #expect(
      wrong == [
        "12 malloc operator delete (sized) careless_caller(int)",
        "12 operator new[] operator delete careless_caller(int)",
        "6 operator new free careless_caller(int)",
        "4 operator new realloc careless_caller(int)",
      ])
  }

  @Test("text shows the same, and nothing that acts on a terminal")
  func text() throws {
    let workshop = try Workshop()
    let trace = try record(workshop)
    let text = try workshop.lacuna(["info", "--entry-points", trace]).output
    #expect(text.contains("begin"))
    #expect(text.contains("of it"))
    #expect(!text.contains("\u{1b}"))
    #expect(text.contains("Released by the wrong function"))
    let report = try workshop.lacuna(["report", trace]).output
      .split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(
      report.contains(
        "12 blocks from operator new[] were released by operator delete, which is undefined; most"
          + " were asked for in careless_caller(int)."))
  }
}
