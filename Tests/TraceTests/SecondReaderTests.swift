// The reader in Python, which knows the description of the format alone, against the one in Swift.

import Foundation
import MemoryUnits
import TestSupport
import Testing
import Trace

/// The steps of a file as `Scripts/read-trace` prints them.
private func lines(of file: TraceFile, addresses: Bool) throws -> [Substring] {
  var lines: [Substring] = [
    """
    nanoseconds,thread,operation,block,size,address,usable,stack,alignmentShift,function,number
    """
  ]
  var blocks: [UInt32: Int] = [:]
  var count = 0
  try file.read(addresses: addresses) { batch in
    for request in batch {
      let slot = request.slot.rawValue
      var block = ""
      var number = ""
      switch request.operation {
      case .allocate, .reallocateEnd:
        blocks[slot] = count
        block = "\(count)"
        count += 1
      case .reallocate: block = "\(blocks[slot] ?? -1)"
      case .free, .reallocateBegin, .abandon: block = "\(blocks.removeValue(forKey: slot) ?? -1)"
      default: number = slot == Slot.none.rawValue ? "" : "\(slot)"
      }
      let fields: [Any] = [
        request.time.nanoseconds, request.thread.rawValue, request.operation, block,
        request.size.rawValue, request.address.rawValue, request.usable.rawValue,
        request.stack.rawValue, request.alignmentShift, request.entry.rawValue, number,
      ]
      lines.append(Substring(fields.map { "\($0)" }.joined(separator: ",")))
    }
  }
  return lines
}

@Suite struct SecondReaderTests {
  let workshop: Workshop
  private let script = Workshop.fixtures + "/../../Scripts/read-trace"

  init() throws { workshop = try Workshop() }

  /// Reads a file with both, and compares step for step.
  private func compare(
    _ path: String, isIntact: Bool = true, addresses: Bool = true, _ comment: Comment? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Int {
    let file = try TraceFile(path: path)
    let here = try lines(of: file, addresses: addresses)
    #expect(file.isComplete == isIntact, comment, sourceLocation: sourceLocation)
    let result = try workshop.run(script, (addresses ? [] : ["--no-addresses"]) + [path])
    #expect(
      result.exitCode == (isIntact ? 0 : 1), comment ?? "\(result.errors)",
      sourceLocation: sourceLocation)
    let there = result.output.split(separator: "\n")
    let first = zip(here, there).enumerated().first { $0.element.0 != $0.element.1 }
    #expect(first == nil, comment, sourceLocation: sourceLocation)
    #expect(here.count == there.count, comment, sourceLocation: sourceLocation)
    return here.count - 1
  }

  @Test("a trace of the first layout reads as it did when that was the only one")
  func firstLayout() throws {
    let path = Workshop.fixtures + "/first-layout.trace"
    #expect(try compare(path) == 549_710)
    // What the reader of that time made of it, in this form.
    let text = try lines(of: TraceFile(path: path), addresses: true).joined(separator: "\n") + "\n"
    #expect(text.utf8.count == 25_297_331)
    #expect(slowlySum(text) == 0x84fb_7c1b)
  }

  /// CRC-32, with a table made on the spot.
  private func slowlySum(_ text: String) -> UInt32 {
    let table = (UInt32(0)..<256).map { start in
      (0..<8).reduce(start) { crc, _ in crc & 1 == 1 ? crc >> 1 ^ 0xedb8_8320 : crc >> 1 }
    }
    return ~text.utf8.reduce(UInt32.max) { $0 >> 8 ^ table[Int(($0 ^ UInt32($1)) & 0xff)] }
  }

  @Test("random calls of every kind", arguments: [1, 7, 300]) func random(threads: UInt32) throws {
    let calls = randomCalls(
      12_000, seed: UInt64(threads), threads: threads, stacks: 500, addresses: 900)
    let path = workshop.file("random")
    _ = try record(
      calls, to: path, stacks: 500, threads: Int(threads), headerBytes: threads == 7 ? 0 : 8)
    let kinds = Set(try steps(of: TraceFile(path: path)).map { "\($0.operation)" })
    #expect(kinds.count == 20)
    #expect(try compare(path) > 8000)
    _ = try compare(path, addresses: false)
  }

  @Test("a recording of four threads that free each other's blocks") func recording() throws {
    let program = try workshop.compile("handover.c")
    let (result, trace) = try workshop.record([program, "4", "20000"])
    let events = result.numbers.reduce(0, +)
    #expect(events > 100_000)
    #expect(try compare(trace) >= events)
  }

  @Test("damaged files") func damage() throws {
    let path = workshop.file("whole")
    let calls = randomCalls(4000, seed: 5, threads: 5, stacks: 60, addresses: 300)
    _ = try record(calls, to: path, stacks: 60, threads: 5)
    let whole = contents(of: path)
    var counts: Set<Int> = []
    for part in 1..<10 {
      var bytes = Array(whole[..<(whole.count * part / 10)])
      write(bytes, to: workshop.file("cut"))
      counts.insert(try compare(workshop.file("cut"), isIntact: false, "cut at \(part)"))
      bytes = whole
      bytes[whole.count * part / 10] ^= 0x55
      write(bytes, to: workshop.file("flipped"))
      counts.insert(try compare(workshop.file("flipped"), isIntact: false, "flip at \(part)"))
    }
    #expect(counts.count > 5)
  }

  @Test("it says what it cannot read, and how it is called") func refusals() throws {
    #expect(try workshop.run(script, []).exitCode == 64)
    #expect(try workshop.run(script, ["--no-such-option", "x"]).exitCode == 64)
    write(Array("hello".utf8), to: workshop.file("text"))
    let result = try workshop.run(script, [workshop.file("text")])
    #expect(result.exitCode == 1 && result.errors.contains("no trace") && result.output.isEmpty)
  }
}
