// What the reading commands say to files that are no traces, or no longer whole.

import Foundation
import TestSupport
import Testing
import Trace

@Suite struct UnreadableTraceTests {
  let workshop: Workshop

  init() throws { workshop = try Workshop() }

  /// All reading commands fail with 1 and one line on stderr that has these parts.
  private func expectUnreadable(
    _ path: String, saying parts: [String], location: SourceLocation = #_sourceLocation
  ) throws {
    for command in readingCommands {
      for options in [[], ["--json"]] {
        let result = try workshop.lacuna(command + options + [path])
        #expect(result.exitCode == 1, "\(command)", sourceLocation: location)
        #expect(result.output == "", "\(command)", sourceLocation: location)
        #expect(result.errors.hasPrefix("lacuna: error: "), sourceLocation: location)
        #expect(result.errors.split(separator: "\n").count == 1, sourceLocation: location)
        for part in parts {
          #expect(
            result.errors.contains(part), "\(command): \(result.errors)", sourceLocation: location)
        }
      }
    }
  }

  @Test("missing, a directory, empty, a device, something else")
  func noTrace() throws {
    let missing = workshop.file("missing.trace")
    try expectUnreadable(missing, saying: [missing, "No such file"])
    try expectUnreadable(workshop.path, saying: [workshop.path, "is a directory"])
    let empty = try workshop.write("", to: "empty.trace")
    try expectUnreadable(empty, saying: [empty, "is empty"])
    try expectUnreadable("/dev/zero", saying: ["/dev/zero", "no regular file"])
    let text = try workshop.write(String(repeating: "no trace\n", count: 100), to: "text.trace")
    try expectUnreadable(text, saying: [text, "is not a trace"])
    try expectUnreadable("/bin/sh", saying: ["is not a trace"])
  }

  @Test("control characters in a path do not reach the terminal")
  func hostilePath() throws {
    try expectUnreadable(workshop.file("\u{1b}[31m\nred"), saying: ["\\x1b[31m\\nred"])
  }

  @Test("a later version of the format is refused by number")
  func newerVersion() throws {
    var bytes = try workshop.contents(try workshop.handmadeTrace())
    bytes[8] = 99
    let sum = crc32(bytes[0..<12])
    for index in 0..<4 { bytes[12 + index] = UInt8(truncatingIfNeeded: sum >> (8 * index)) }
    let path = workshop.file("newer.trace")
    try bytes.write(to: URL(fileURLWithPath: path))
    try expectUnreadable(path, saying: [path, "version 99", "up to 2", "later"])
  }

  /// Bit by bit (ISO 3309).
  private func crc32(_ bytes: Data) -> UInt32 {
    var sum: UInt32 = .max
    for byte in bytes {
      sum ^= UInt32(byte)
      for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xedb8_8320 : sum >> 1 }
    }
    return ~sum
  }
}

@Suite struct DamagedTraceTests {
  let workshop: Workshop
  let whole: Data

  init() throws {
    workshop = try Workshop()
    whole = try workshop.contents(try workshop.handmadeTrace())
  }

  private func damaged(_ bytes: Data) throws -> String {
    let path = workshop.file("damaged.trace")
    try bytes.write(to: URL(fileURLWithPath: path))
    return path
  }

  /// Every command gives what it can, and says that this is not all.
  private func expectPartial(_ path: String, _ what: String) throws {
    let info = try workshop.lacuna(["info", "--json", path])
    #expect(info.exitCode == 0, "\(what): \(info.errors)")
    let facts = try JSONObject(info.output)
    #expect(try facts.bool("complete") == false, "\(what)")
    #expect(try facts.integer("events") <= 150_000, "\(what)")
    for command in readingCommands {
      let result = try workshop.lacuna(command + [path])
      #expect(result.exitCode == 0, "\(what) \(command): \(result.errors)")
      let told = result.output + result.errors
      #expect(told.contains("trace is incomplete"), "\(what) \(command)")
    }
  }

  @Test(
    "a trace that was cut off yields what stands before the cut", arguments: [1, 25, 50, 75, 99])
  func truncated(percent: Int) throws {
    let path = try damaged(whole.prefix(max(200, whole.count * percent / 100)))
    try expectPartial(path, "cut at \(percent) %")
  }

  @Test("without its end mark a trace is incomplete, but nothing is lost")
  func withoutEnd() throws {
    let path = try damaged(whole.dropLast(24))
    try expectPartial(path, "no end mark")
    let info = try JSONObject(try workshop.lacuna(["info", "--json", path]).output)
    #expect(try info.integer("events") == 150_000)
    #expect(try info.integer("peakLiveBlocks") == 50_001)
  }

  @Test("info names the bytes that are lost")
  func lostBytes() throws {
    let path = try damaged(whole.prefix(whole.count / 2))
    let info = try workshop.lacuna(["info", path])
    #expect(info.output.contains("..<\(whole.count / 2)"))
    #expect(info.output.contains("lost"))
  }

  @Test("cut in the head, it is no trace or one without requests; never a crash")
  func beheaded() throws {
    for count in [1, 8, 15, 16, 17, 79, 80, 100] {
      for command in readingCommands {
        let path = try damaged(whole.prefix(count))
        expectDocumented(try workshop.lacuna(command + [path]), "\(count) bytes, \(command)")
      }
    }
  }

  @Test("flipped bytes are found by checksum, and what is intact is read")
  func flipped() throws {
    var random = SeededRandom(seed: 11)
    for round in 0..<12 {
      var bytes = whole
      for _ in 0..<(1 << (round % 4)) {
        let index = Int.random(in: 16..<bytes.count, using: &random)
        bytes[index] ^= UInt8.random(in: 1...255, using: &random)
      }
      let path = try damaged(bytes)
      for command in readingCommands {
        let result = try workshop.lacuna(command + [path])
        #expect(result.exitCode == 0, "round \(round) \(command): \(result.errors)")
        let told = result.output + result.errors
        #expect(told.contains("trace is incomplete"), "round \(round) \(command)")
      }
    }
  }

  @Test("two traces in one file, or rubbish behind the end, are no crash")
  func appended() throws {
    for tail in [whole, Data(repeating: 0x89, count: 5000)] {
      let path = try damaged(whole + tail)
      for command in readingCommands {
        expectDocumented(try workshop.lacuna(command + [path]), "\(tail.count) \(command)")
      }
    }
  }
}
