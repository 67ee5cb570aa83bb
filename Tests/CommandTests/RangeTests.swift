// --from and --to: the commands on a part of a trace.

import Foundation
import MemoryUnits
import TestSupport
import Testing
import Trace

@Suite struct RangeTests {
  let workshop: Workshop

  init() throws { workshop = try Workshop() }

  /// 100,000 allocations, one every 2 µs, of which every second is freed 1 µs later; with marks.
  private func markedTrace() throws -> String {
    let writer = try TraceWriter(path: workshop.file("marked.trace"), metadata: TraceMetadata())
    let thread = writer.thread(ThreadDescription(kernelID: 1, name: "main"))
    for index in 0..<UInt64(1000) {
      let time = Timestamp(nanoseconds: 2000 * index)
      let address = Address(0x10_0000 + 48 * index)
      if index == 250 || index == 750 {
        writer.mark(index == 250 ? "load" : "serve", thread: thread, time: time)
      }
      writer.allocate(
        address: address, size: 32, usable: 40, alignmentShift: 0, stack: .unknown, thread: thread,
        time: time)
      if index % 2 == 1 {
        writer.free(
          address: address, thread: thread, time: Timestamp(nanoseconds: 2000 * index + 1000))
      }
    }
    try writer.finish()
    return workshop.file("marked.trace")
  }

  @Test("info counts what is in the part, and what lived before") func info() throws {
    let trace = try workshop.handmadeTrace()
    // The last step is at 199.999 ms.
    let part = try workshop.json(["info", trace, "--from", "50ms", "--to", "150ms"])
    #expect(try part.integer("allocations") == 50_000 && part.integer("frees") == 25_000)
    #expect(try part.integer("liveBlocksBefore") == 12_500)
    #expect(try part.integer("liveBytesBefore") == 12_500 * 32)
    #expect(try part.integer("liveBlocksAtEnd") == 37_500)
    #expect(try part.integer("peakLiveBytes") == 37_501 * 32)
    #expect(try part.number("durationSeconds") == 0.1)
    #expect(try part.object("range").number("fromSeconds") == 0.05)
    #expect(try part.object("range").number("toSeconds") == 0.15)
    let first = try workshop.json(["info", trace, "--to", "40%"])
    let rest = try workshop.json(["info", trace, "--from", "40%", "--to", "100%"])
    let whole = try workshop.json(["info", trace])
    #expect(
      try first.integer("events") + rest.integer("events") == whole.integer("events"))
    #expect(whole.members["range"] == nil)
    #expect(try rest.integer("liveBlocksBefore") == first.integer("liveBlocksAtEnd"))
  }

  @Test("every command that reads a trace takes a part, and says so") func commands() throws {
    let trace = try workshop.handmadeTrace()
    for command in [
      ["info"], ["replay"], ["replay", "-a", "first-fit"], ["compare", "--allocators", "recorded"],
      ["pins"], ["pins", "--at", "60ms"], ["report"],
    ] {
      let range = ["--from", "50ms", "--to", "100ms"]
      let result = try workshop.json([command[0], trace] + command.dropFirst() + range)
      #expect(try result.object("range").number("fromSeconds") == 0.05, "\(command)")
      let text = try workshop.lacuna(
        [command[0], trace, "--quiet"] + command.dropFirst() + range)
      #expect(text.exitCode == 0 && text.output.contains("50.0 ms to 100 ms"), "\(command)")
    }
    let replay = try workshop.json(["replay", trace, "--from", "50ms", "--to", "100ms"])
    #expect(try replay.integer("events") == 37_500)
    #expect(try replay.integer("peakLiveBytes") == 25_001 * 32)
    #expect(try replay.object("atEnd").integer("liveBlocks") == 25_000)
  }

  @Test("a mark names a moment") func marks() throws {
    let trace = try markedTrace()
    let part = try workshop.json(["info", trace, "--from", "mark:load", "--to", "mark:serve"])
    #expect(try part.integer("allocations") == 500)
    #expect(try part.objects("marks").count == 1)
    let unknown = try workshop.lacuna(["info", trace, "--from", "mark:nothing"])
    #expect(unknown.exitCode == 64 && unknown.errors.contains("no mark of that name"))
  }

  @Test(
    "what is no part of the trace is refused",
    arguments: [
      ["--from", "7s"], ["--from", "50%", "--to", "40%"], ["--to", "0s"], ["--from", "x"],
      ["--to", "-1s"], ["--from", "101%"], ["--from", "50ms", "--to", "50ms"],
    ])
  func refused(options: [String]) throws {
    let trace = try workshop.handmadeTrace()
    for command in ["info", "replay", "compare", "pins", "report"] {
      let result = try workshop.lacuna([command, trace] + options)
      #expect(result.exitCode == 64 && result.output == "", "\(command) \(options) \(result)")
      #expect(result.errors.contains("--\(options[options.count - 2].dropFirst(2))"))
    }
    let outside = try workshop.lacuna(["pins", trace, "--from", "50ms", "--at", "40ms"])
    #expect(outside.exitCode == 64)
  }

  @Test("a large file is opened by its index; what is damaged in it is said when it is read")
  func large() throws {
    let path = workshop.file("large.trace")
    var metadata = TraceMetadata()
    metadata.headerBytes = 8
    let writer = try TraceWriter(path: path, metadata: metadata)
    var random = SeededRandom(seed: 1)
    // Addresses that nothing predicts take the most room.
    for index in 0..<UInt64(5_500_000) {
      writer.allocate(
        address: Address((random.next() >> 18) << 4), size: ByteCount(Int64(index & 63)),
        usable: .zero, alignmentShift: 0, stack: .unknown, thread: ThreadIndex(0),
        time: Timestamp(nanoseconds: index * 1000))
    }
    try writer.finish()
    let length = try workshop.contents(path).count
    try #require(length > 34 << 20)
    let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
    try file.seek(toOffset: UInt64(length / 2))
    try file.write(contentsOf: Data([1, 2, 3, 4, 5]))
    try file.close()
    let quick = try workshop.json(["info", path])
    #expect(try quick.bool("complete") && quick.integer("allocations") == 5_500_000)
    let checked = try workshop.json(["info", path, "--check"])
    #expect(try !checked.bool("complete") && checked.integer("allocations") < 5_500_000)
    let read = try workshop.lacuna(["info", path, "--threads", "--quiet"])
    #expect(read.exitCode == 0)
    let replay = try workshop.lacuna(["replay", path, "--quiet", "-a", "first-fit", "--json"])
    #expect(replay.exitCode == 0 && replay.errors.contains("the trace is incomplete"))
    // A part that does not touch the damage is whole.
    let part = try workshop.lacuna(
      ["replay", path, "--to", "3%", "--quiet", "-a", "first-fit", "--json"])
    #expect(part.exitCode == 0 && part.errors == "")
  }
}
