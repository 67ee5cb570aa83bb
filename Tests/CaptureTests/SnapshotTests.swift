// Snapshots of real programs: what they say of memory is what is there.

import Foundation
import MemoryUnits
import TestSupport
import Testing
import Trace

/// What `pages.c` says of its own memory.
private struct PageStory {
  var areas: [(start: UInt64, states: String)] = []
  var cached: [UInt64] = []
  var places: [String: UInt64] = [:]

  init(_ output: String) {
    for line in output.split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      switch words.first {
      case "area": areas.append((UInt64(words[1], radix: 16) ?? 0, words[2]))
      case "cache": cached = words.dropFirst().compactMap { UInt64($0, radix: 16) }
      case "place": places[words[1]] = UInt64(words[2], radix: 16)
      default: break
      }
    }
  }
}

extension Snapshot {
  fileprivate func mapping(at address: UInt64?) -> SnapshotMapping? {
    mappings.first { $0.range.contains(Address(address ?? 0)) }
  }

  /// All anonymous memory, mapping by mapping; every page has one owner.
  fileprivate var ownedAnonymous: ByteCount {
    mappings.reduce(.zero) { sum, mapping in
      switch mapping.kind {
      case .file, .kernel, .tool: sum + (mapping.figures?.anonymous ?? .zero)
      default:
        sum
          + pages.present.reduce(.zero) {
            $0 + $1.clamped(to: mapping.range).byteCount
          }
      }
    }
  }
}

@Suite struct SnapshotTests {
  /// The last snapshot, which has to be the one at the exit.
  private func exitSnapshot(
    _ file: TraceFile, sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Snapshot {
    #expect(file.isComplete, "\(file.damage)", sourceLocation: sourceLocation)
    let last = try #require(file.snapshots.last, sourceLocation: sourceLocation)
    #expect(last.reason == .exit, sourceLocation: sourceLocation)
    #expect(file.snapshots.first?.reason == .start, sourceLocation: sourceLocation)
    #expect(last.pages.source != .unknown, sourceLocation: sourceLocation)
    return last
  }

  @Test("written pages are present, untouched ones and pages of zeros are not")
  func pages() throws {
    let workshop = try Workshop()
    let program = try workshop.compile("pages.c", "-O1", "-fno-builtin")
    let (result, trace) = try workshop.record([program])
    try #require(result.exitCode == 0, "\(result)")
    let story = PageStory(result.output)
    let file = try TraceFile(path: trace)
    let snapshot = try exitSnapshot(file)
    #expect(story.areas.count == 5)
    for (start, states) in story.areas {
      let found = String(
        states.indices.map { index -> Character in
          let offset = states.distance(from: states.startIndex, to: index)
          let address = Address(start + UInt64(offset) * 4096)
          return snapshot.pages.present.contains { $0.contains(address) } ? "W" : "-"
        })
      #expect(found == states.replacing("R", with: "-").replacing(".", with: "-"))
    }
    try checkKinds(snapshot, story, program)
  }

  private func checkKinds(_ snapshot: Snapshot, _ story: PageStory, _ program: String) throws {
    func kind(_ place: String) -> SnapshotMapping.Kind? {
      snapshot.mapping(at: story.places[place])?.kind
    }
    #expect(kind("heap") == .heap)
    #expect(kind("main") == .mainStack)
    #expect(kind("zeroed") == .zeroedData(path: program))
    #expect(kind("stack") == .threadStack(thread: ThreadIndex(1)))
    guard case .arenaHeap(let heap) = kind("arena") else {
      Issue.record("\(String(describing: kind("arena"))) is no heap of an arena")
      return
    }
    let base = try #require(snapshot.mapping(at: story.places["arena"])).range.lowerBound
    #expect(heap.arena == base + 48 && heap.previous == .zero && heap.used >= 100_000)
    #expect(snapshot.mappings.contains { $0.kind == .kernel })
    #expect(
      snapshot.mappings.contains {
        $0.kind == .file(path: program, offset: 0) && $0.permissions.contains(.read)
      })
    // The blocks in the cache of the second thread are just those that it freed.
    let caches = try #require(snapshot.threadCaches)
    let cache = try #require(caches.first { $0.thread == ThreadIndex(1) })
    let bins = try #require(cache.bins)
    #expect(bins.map(\.usable) == [40, 1000])
    #expect(bins.map(\.blocks.count) == [5, 3])
    #expect(bins.flatMap(\.blocks).map(\.rawValue) == story.cached.sorted())
  }

  /// Every anonymous page has an owner, and all owners together have as much as the kernel says.
  private func checkClosed(
    _ workshop: Workshop, _ command: [String], environment: [String: String] = [:],
    input: String = "", sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let (result, trace) = try workshop.record(command, environment: environment, input: input)
    try #require(result.exitCode == 0, "\(result.errors)", sourceLocation: sourceLocation)
    let file = try TraceFile(path: trace)
    let snapshot = try exitSnapshot(file, sourceLocation: sourceLocation)
    let memory = snapshot.memory
    // Kernels before 6.16 keep these figures by processor or thread, and add them up when they
    // please: 64 pages each may be missing.
    let version = file.metadata.kernel.split(separator: ".").prefix(2).compactMap { Int($0) }
    let isExact = version.count == 2 && (version[0], version[1]) >= (6, 16)
    let slack = isExact ? 0 : Int64(64 * 4096) * Int64(8 + memory.threads)
    let owned = snapshot.ownedAnonymous
    #expect(
      abs((owned - memory.residentAnonymous).rawValue) <= slack,
      "\(owned.rawValue) owned, \(memory.residentAnonymous.rawValue) resident",
      sourceLocation: sourceLocation)
    #expect(
      memory.resident
        == memory.residentAnonymous + memory.residentFile + memory.residentShared,
      sourceLocation: sourceLocation)
    let tool = try #require(memory.tool, sourceLocation: sourceLocation)
    #expect(tool > .zero && tool < memory.resident, sourceLocation: sourceLocation)
    // Nothing went on while it was taken, and all that happened before it is counted.
    #expect(snapshot.steps.isEmpty, sourceLocation: sourceLocation)
    #expect(snapshot.steps.upperBound <= file.summary.steps, sourceLocation: sourceLocation)
    #expect(file.metadata.droppedSnapshots == 0, sourceLocation: sourceLocation)
  }

  private static let rows = """
    create table t(a integer, b text);
    with recursive c(x) as (select 1 union all select x+1 from c where x<60000)
    insert into t select x, hex(x*7919)||'abcdefghij' from c;
    create index i on t(b);

    """

  @Test("the anonymous memory of sqlite3 is accounted for")
  func sqlite() throws {
    try checkClosed(Workshop(), ["/usr/bin/sqlite3", ":memory:"], input: Self.rows)
  }

  @Test("the anonymous memory of Python is accounted for")
  func python() throws {
    try checkClosed(
      Workshop(), ["/usr/bin/python3", "-c", "x = [str(i) for i in range(100000)]"],
      environment: ["PYTHONMALLOC": "malloc"])
  }

  @Test("the anonymous memory of four threads is accounted for")
  func threads() throws {
    let workshop = try Workshop()
    let program = try workshop.compile("planted.c", "-O1", "-fno-builtin")
    try checkClosed(workshop, [program, "4", "500"])
  }

  // MARK: The end of the program

  @Test(
    "an end without destructors has no snapshot of its own, an end with them has one",
    arguments: [
      ("endings.c", "_exit", 7, [SnapshotReason.start]), ("endings.c", "kill", 137, [.start]),
      ("gate.c", "quick", 4, [.start]), ("gate.c", "fork", 4, [.start, .exit]),
      ("endings.c", "exec", 3, [.start, .start, .exit]),
    ])
  func ends(fixture: String, how: String, code: Int, reasons: [SnapshotReason]) throws {
    let workshop = try Workshop()
    let program = try workshop.compile(fixture, "-O0", "-fno-builtin")
    let (result, trace) = try workshop.record([program, how])
    #expect(Int(result.exitCode) == code)
    let snapshots = try TraceFile(path: trace).snapshots
    let found = snapshots.map(\.reason).filter { $0 != .growth && $0 != .periodic }
    // The gate waits; but a program image may begin and be over before a busy recorder looks.
    #expect(found.filter { $0 == .exit } == reasons.filter { $0 == .exit })
    #expect(found.count <= reasons.count && (found.last == .exit) == (reasons.last == .exit))
  }

  @Test("a program whose recorder is gone ends all the same")
  func orphan() throws {
    let workshop = try Workshop()
    let program = try workshop.compile("gate.c", "-O0", "-fno-builtin")
    let (result, _) = try workshop.record([program, "orphan"])
    #expect(result.exitCode == 137)
    let process = try #require(result.numbers.first)
    func runs() -> Bool {
      let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
      // Nobody may ask for its end: then it stays a zombie.
      return status.map { !$0.contains(") Z ") && !$0.contains(") X ") } ?? false
    }
    let limit = Date(timeIntervalSinceNow: 60)
    while runs(), Date() < limit { usleep(10000) }
    #expect(!runs())
  }

  // MARK: What the data are good for

  /// Compares what the trace says malloc_trim will give back with what it did give back.
  private func checkTrim(
    _ workshop: Workshop, _ command: [String], environment: [String: String] = [:],
    input: String = "", atLeast least: Int64, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let library = try workshop.compile(
      "trim.c", "-O1", "-fno-builtin", "-shared", "-fPIC", as: "libtrim.so")
    var variables = environment
    variables["LD_PRELOAD"] = library
    variables["TRIM_FILE"] = workshop.file("trim")
    variables["TRIM_PROGRAM"] = URL(fileURLWithPath: command[0]).resolvingSymlinksInPath().path
    let (result, trace) = try workshop.record(command, environment: variables, input: input)
    try #require(result.exitCode == 0, "\(result.errors)", sourceLocation: sourceLocation)
    let text = try String(contentsOfFile: workshop.file("trim"), encoding: .utf8)
    let measured = text.split(whereSeparator: \.isWhitespace).compactMap { Int64($0) }
    try #require(measured.count == 2 && measured[1] > 0, sourceLocation: sourceLocation)
    let actual = (measured[0] - measured[1]) << 10
    let file = try TraceFile(path: trace)
    let snapshot = try exitSnapshot(file, sourceLocation: sourceLocation)
    let oracle = try TrimOracle(file, at: snapshot)
    #expect(oracle.strange == 0, sourceLocation: sourceLocation)
    #expect(oracle.chunks > 0 && actual >= least, "\(actual)", sourceLocation: sourceLocation)
    #expect(
      Int64(oracle.yield) == actual,
      "\(oracle.yield) in \(oracle.chunks) chunks computed, \(actual) measured",
      sourceLocation: sourceLocation)
  }

  @Test("what malloc_trim gives back in one arena can be told beforehand")
  func trimOne() throws {
    let workshop = try Workshop()
    let program = try workshop.compile("planted.c", "-O1", "-fno-builtin")
    try checkTrim(workshop, [program, "1", "1000"], atLeast: 500_000)
  }

  @Test("what malloc_trim gives back in several arenas can be told beforehand")
  func trimSeveral() throws {
    let workshop = try Workshop()
    let program = try workshop.compile("planted.c", "-O1", "-fno-builtin")
    try checkTrim(workshop, [program, "4", "1000"], atLeast: 2_000_000)
  }

  @Test("what malloc_trim gives back in an arena of two heaps can be told beforehand")
  func trimLarge() throws {
    let workshop = try Workshop()
    let program = try workshop.compile("planted.c", "-O1", "-fno-builtin")
    try checkTrim(workshop, [program, "2", "2400", "2400"], atLeast: 100_000_000)
  }

  @Test("what malloc_trim gives back of sqlite3 can be told beforehand")
  func trimSqlite() throws {
    try checkTrim(
      Workshop(), ["/usr/bin/sqlite3", ":memory:"], input: Self.rows, atLeast: 10_000)
  }

  @Test("what malloc_trim gives back of Python can be told beforehand")
  func trimPython() throws {
    let script = "x = [str(i) * 9 for i in range(100000)]\nx = x[::500]"
    try checkTrim(
      Workshop(), ["/usr/bin/python3", "-c", script], environment: ["PYTHONMALLOC": "malloc"],
      atLeast: 100_000)
  }
}
