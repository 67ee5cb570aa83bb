// lacuna export --to sqlite: the tables, the views, and the queries of the documentation.

import Foundation
import TestSupport
import Testing
import Trace

@Suite(.enabled(if: isInstalled("sqlite3"))) struct ExportDatabaseTests {
  let workshop: Workshop

  init() throws { workshop = try Workshop() }

  private func export(_ trace: String, _ options: [String] = []) throws -> String {
    let path = workshop.file("out.db")
    let result = try workshop.lacuna(
      ["export", "--to", "sqlite", trace, "-o", path] + options)
    try #require(result.exitCode == 0, "\(result)")
    return path
  }

  /// The rows of a query, with a bar between values.
  private func query(_ database: String, _ sql: String) throws -> [String] {
    let result = try workshop.run("sqlite3", ["-readonly", database, sql])
    try #require(result.exitCode == 0 && result.errors.isEmpty, "\(sql): \(result)")
    return result.output.split(separator: "\n").map(String.init)
  }

  @Test("tables hold what the trace says, and refer to each other")
  func tables() throws {
    let trace = try workshop.randomTrace(seed: 14)
    let account = try NaiveAccount(trace)
    let summary = account.trace.summary
    let database = try export(trace, ["--at", "peak", "--at", "40%", "--points", "25"])
    #expect(try query(database, "PRAGMA integrity_check") == ["ok"])
    #expect(try query(database, "PRAGMA foreign_key_check").isEmpty)
    #expect(try query(database, "PRAGMA user_version") == ["1"])
    #expect(
      try query(
        database,
        "SELECT operation, count(*) FROM events WHERE operation IN "
          + "('allocate', 'free', 'reallocate') GROUP BY 1 ORDER BY 1") == [
          "allocate|\(summary.allocations)", "free|\(summary.frees)",
          "reallocate|\(summary.reallocations)",
        ])
    #expect(
      try query(database, "SELECT count(*), max(id) FROM events")
        == ["\(summary.steps)|\(summary.steps - 1)"])
    #expect(
      try query(database, "SELECT count(*), sum(size), sum(last_event IS NULL) FROM blocks")
        == [
          "\(account.blocks.count)|\(account.total(1, at: "end"))|\(summary.liveBlocksAtEnd)"
        ])
    for moment in ["peak", "40%"] {
      #expect(
        try query(
          database,
          "SELECT sum(blocks), sum(bytes) FROM live_by_site WHERE moment = '\(moment)'")
          == ["\(account.total(2, at: moment))|\(account.total(3, at: moment))"])
    }
    #expect(
      try query(database, "SELECT sum(blocks), sum(bytes), sum(living_bytes) FROM by_site") == [
        "\(account.blocks.count)|\(account.total(1, at: "end"))|\(summary.liveBytesAtEnd)"
      ])
    #expect(try query(database, "SELECT count(*) FROM series") == ["25"])
    #expect(
      try query(database, "SELECT count(*) FROM samples") == ["\(account.trace.samples.count)"])
    #expect(
      try query(database, "SELECT name FROM marks")
        == account.trace.marks.map {
          $0.name
        }.flatMap { $0.split(separator: "\n").map(String.init) })
    #expect(
      try query(database, "SELECT value FROM meta WHERE key = 'peak_live_bytes'")
        == ["\(summary.peakLiveBytes)"])
    // The stack of each block, address by address.
    let paths = try query(
      database,
      """
      SELECT stack_id, group_concat(printf('0x%x', address)) FROM
        (SELECT stack_id, address FROM stack_frames JOIN frames f ON f.id = frame_id
         ORDER BY stack_id, depth) GROUP BY stack_id ORDER BY stack_id
      """)
    #expect(
      paths
        == (1..<account.trace.stacks.count).map {
          "\($0)|\(account.path(StackID(UInt32($0))))"
        })
  }

  @Test("a recorded program: its sites, its holes, and who keeps them")
  func sites() throws {
    let program = try workshop.compile("sites.cpp", "-O1")
    let trace = try workshop.record([program]).trace
    let database = try export(trace)
    #expect(
      try query(
        database,
        "SELECT blocks, bytes FROM live_by_site WHERE moment='end' AND site='keep_small()'")
        == ["2000|80000"])
    let end = try workshop.json(["replay", trace]).object("atEnd")
    #expect(
      try query(
        database,
        "SELECT count(*), sum(size) FROM holes JOIN moments m ON m.id = moment_id "
          + "WHERE m.name = 'end' AND NOT wilderness")
        == ["\(try end.integer("holes"))|\(try end.integer("holeBytes"))"])
    let keeper = try query(
      database, "SELECT site FROM hole_keepers WHERE moment='end' ORDER BY holes DESC LIMIT 1")
    #expect(keeper == ["keep_small()"])
    #expect(
      try query(database, "SELECT text FROM stack_text WHERE text LIKE 'keep_small() < main%'")
        .count == 1)
  }

  @Test("every query of the documentation answers something")
  func documentation() throws {
    let program = try workshop.compile("sites.cpp", "-O1")
    let database = try export(try workshop.record([program]).trace)
    let article = URL(fileURLWithPath: Workshop.fixtures).appendingPathComponent(
      "../../Sources/Interchange/Interchange.docc/Exports.md")
    let text = try String(contentsOf: article, encoding: .utf8)
    let queries = text.components(separatedBy: "```sql\n").dropFirst()
      .compactMap { $0.components(separatedBy: "```").first }
    #expect(queries.count == 5)
    for sql in queries { #expect(try !query(database, sql).isEmpty, "\(sql)") }
    #expect(try query(database, queries[0]).first?.hasPrefix("make_temporaries") == true)
    #expect(
      try query(database, queries[1]).contains { $0.hasPrefix("80000|2000|keep_small() < main") })
  }

  @Test("to a pipe, and to a place where SQLite cannot write")
  func pipe() throws {
    let trace = try workshop.handmadeTrace()
    let direct = try workshop.contents(try export(trace))
    let result = try workshop.shell(
      "\"$LACUNA\" export --to sqlite \(trace) | cat > piped.db; exit ${PIPESTATUS[0]}",
      environment: ["TMPDIR": workshop.path])
    #expect(result.exitCode == 0, "\(result)")
    #expect(try workshop.contents(workshop.file("piped.db")) == direct)
    #expect(try workshop.files(containing: "lacuna-").isEmpty)
    let full = try workshop.lacuna(["export", "--to", "sqlite", trace, "-o", "/dev/full"])
    #expect(full.exitCode == 1)
    #expect(full.errors.hasPrefix("lacuna: error: "))
  }
}
