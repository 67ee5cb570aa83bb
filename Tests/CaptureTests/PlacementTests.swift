// Recording moves no block: the addresses in a trace are those that the program has without it.

import Foundation
import MemoryUnits
import TestSupport
import Testing
import Trace

@Suite struct PlacementTests {
  /// Runs a program of one thread twice without randomised addresses: recorded, and with a witness
  /// of addresses in the place of our library.
  ///
  /// Both runs have equally long environments, for some
  /// programs copy theirs to the heap.
  private func compare(
    _ command: [String], environment: [String] = [], input: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let workshop = try Workshop()
    let witness = try workshop.compile(
      "places.c", "-O1", "-fno-builtin", "-shared", "-fPIC", as: "libplaces.so")
    let library = workshop.file("liblacuna.so")
    try FileManager.default.copyItem(
      atPath: Workshop.buildDirectory + "/liblacuna.so", toPath: library)
    let trace = workshop.file("a.trace")
    let places = workshop.file("places")
    let executable = URL(fileURLWithPath: command[0]).resolvingSymlinksInPath().path
    let variables =
      [
        "PATH=/usr/bin:/bin", "LACUNA_LIBRARY=" + library, "PLACES_FILE=" + places,
        "PLACES_PROGRAM=" + executable,
      ] + environment
    let record = [Workshop.buildDirectory + "/lacuna", "record", "-q", "-o", trace, "--"]
    func run(_ variables: [String], _ command: [String], _ input: String) throws -> String {
      let result = try workshop.run(
        "/usr/bin/env", ["-i"] + variables + ["setarch", "-R"] + command, input: input)
      try #require(result.exitCode == 0, "\(result.errors)", sourceLocation: sourceLocation)
      return result.output
    }
    let segment = try run(variables, record + ["/bin/sh", "-c", "echo $LACUNA_SEGMENT"], "")
    let recorded = try run(variables, record + command, input)
    let standIns = ["LD_PRELOAD=" + witness, "LACUNA_SEGMENT=" + segment.dropLast()]
    let plain = try run(variables + standIns, command, input)
    #expect(recorded == plain, sourceLocation: sourceLocation)

    var taken: [UInt64] = []
    try TraceFile(path: trace).read(addresses: true) { batch in
      for request in batch {
        switch request.operation {
        case .allocate, .reallocate: taken.append(request.address.rawValue)
        default: break
        }
      }
    }
    let seen = try read(places)
    // One of the two may have begun a few requests earlier.
    let skipped = (0..<50).first { n in
      zip(taken, seen.dropFirst(n)).prefix(100).allSatisfy(Self.isSamePlace)
    }
    let shifted = Array(
      seen.dropFirst(try #require(skipped, "the beginnings differ", sourceLocation: sourceLocation))
    )
    #expect(taken.count > 5000, sourceLocation: sourceLocation)
    #expect(taken.count == shifted.count, sourceLocation: sourceLocation)
    let different = zip(taken, shifted).enumerated().first { !Self.isSamePlace($1.0, $1.1) }
    #expect(
      different == nil, "\(different?.offset ?? 0) of \(taken.count)",
      sourceLocation: sourceLocation)
  }

  /// Whether two addresses are one place: in the data segment, to the byte.
  ///
  /// What is mapped lies
  /// below the libraries, of which the two runs have different ones, and so lies elsewhere in a
  /// page of its own.
  private static func isSamePlace(_ a: UInt64, _ b: UInt64) -> Bool {
    let mappings: UInt64 = 0x7000_0000_0000
    return a >= mappings && b >= mappings ? a % 4096 == b % 4096 : a == b
  }

  private func read(_ path: String) throws -> [UInt64] {
    let handle = try #require(FileHandle(forReadingAtPath: path))
    func words(_ count: Int) throws -> [UInt64] {
      let data = try #require(try handle.read(upToCount: 8 * count))
      return data.withUnsafeBytes { Array($0.bindMemory(to: UInt64.self)) }
    }
    let count = try #require(try words(1).first)
    return try words(Int(count))
  }

  @Test("sqlite3") func sqlite() throws {
    let rows = """
      create table t(a integer, b text);
      with recursive c(x) as (select 1 union all select x+1 from c where x<40000)
      insert into t select x, hex(x*7919)||'abcdefghij' from c;
      create index i on t(b);
      select count(*), sum(a) from t where b like '3%';

      """
    try compare(["/usr/bin/sqlite3", ":memory:"], input: rows)
  }

  @Test("perl") func perl() throws {
    let script = """
      my %words; my @lines;
      for my $i (1 .. 20000) { push @lines, "word " . ($i * 7919 % 997); $words{$lines[-1]} .= $i; }
      @lines = sort @lines; delete $words{$_} for @lines[1 .. 9000];
      print scalar(keys %words), " ", join(",", @lines[1 .. 5]), "\\n";
      """
    try compare(
      ["/usr/bin/perl", "-e", script], environment: ["PERL_HASH_SEED=0", "PERL_PERTURB_KEYS=0"])
  }

  // Without modules that are loaded at run time: they lie where there is room, and the order of some
  // of Python's tables depends on where.
  @Test("Python") func python() throws {
    let script = """
      words = {}
      for i in range(30000):
        words.setdefault("word %d" % (i * 7919 % 997), []).append(str(i) * (i % 9))
      for key in sorted(words)[::2]: del words[key]
      print(len(words), len("".join(w for group in words.values() for w in group)))
      """
    try compare(
      ["/usr/bin/python3", "-s", "-S", "-c", script],
      environment: ["PYTHONHASHSEED=0", "PYTHONMALLOC=malloc"])
  }
}
