// Sources as files are: packed, cut off, damaged, endless.

import CZlib
import Foundation
import Interchange
import MemoryUnits
import TestSupport
import Testing
import Trace

@Suite struct SourceTests {
  @Test("recordings of one program by several tools", arguments: Sample.recordings)
  func recordings(_ sample: (name: String, format: ImportFormat)) throws {
    let bytes = try Sample.bytes(sample.name)
    #expect(try ImportSource(bytes: bytes, name: "x").guessFormat() == sample.format)
    let imported = try Imported(bytes, sample.format)
    // What the program printed: 42 allocations, 32 frees, 10 reallocations, 20500 bytes at the end.
    let tally = OwnBlocks(imported.requests)
    let splits = sample.format == .heaptrackRaw
    #expect(tally.allocations == (splits ? 52 : 42))
    #expect(tally.frees == (splits ? 42 : 32))
    #expect(tally.reallocations == (splits ? 0 : 10))
    #expect(tally.liveBytes == 20500)
    #expect(imported.summary.lostEvents == 0)
  }

  @Test func interruptedCallsOfThreads() throws {
    let imported = try Imported(try Sample.bytes("threads.ltrace"), .ltrace)
    #expect(imported.summary.allocations == 33)
    #expect(imported.summary.frees == 33)
    #expect(imported.summary.lostEvents == 0)
    #expect(imported.trace.summary.freesOfUnknownAddress == 0)
    #expect(imported.trace.summary.liveBlocksAtEnd == 0)
    #expect(imported.trace.threads.count == 4)
  }

  @Test("packed sources, whole and cut off", arguments: ["gzip", "members", "zip", "stored"])
  func packings(_ packing: String) throws {
    var text = ""
    for index in 0..<5000 { text += "a \(index) \(index * 7 % 4099)\n" }
    let plain = Array(text.utf8)
    let packed: [UInt8] =
      switch packing {
      case "gzip": try Pack.deflate(plain, windowBits: 31)
      case "members":
        try Pack.deflate(Array(plain[..<1000]), windowBits: 31)
          + Pack.deflate(Array(plain[1000...]), windowBits: 31)
      case "zip": Pack.zip(try Pack.deflate(plain, windowBits: -15), method: 8)
      default: Pack.zip(plain, method: 0)
      }
    #expect(try Imported(packed, .malloclab).summary.allocations == 5000)
    let half = try Imported(Array(packed[..<(packed.count / 2)]), .malloclab)
    #expect((500..<4500).contains(half.summary.allocations))
    #expect((half.summary.damage != nil) == (packing != "stored"))
  }

  @Test func nothingFits() throws {
    #expect(throws: ImportError.empty(path: "x")) { try ImportSource(bytes: [], name: "x") }
    #expect(throws: ImportError.isTrace(path: "x")) {
      try ImportSource(bytes: [0x89] + Array("LACUNA\n".utf8), name: "x")
    }
    #expect(try ImportSource(bytes: Array("hello\n".utf8), name: "x").guessFormat() == nil)
    for format in ImportFormat.allCases where format != .djWorkload {
      #expect(throws: ImportError.self, "\(format)") { try Imported("hello\nworld\n", format) }
    }
    #expect(throws: ImportError.isDirectory(path: "/")) { try ImportSource(path: "/") }
    #expect(throws: ImportError.self) { try ImportSource(path: "/nowhere/at/all") }
  }

  @Test func longLinesAreLeftOut() throws {
    let long = String(repeating: "a", count: 1 << 20)
    let imported = try Imported("a 0 1\n\(long)\na 1 2\n\(long)", .malloclab)
    #expect(imported.steps == ["a0 1", "a1 2"])
    #expect(imported.summary.skipped == [.tooLong: 2])
    #expect(imported.summary.firstSkipped.map(\.line) == [2, 4])
  }

  @Test func hugeNumbersAreLeftOut() throws {
    let imported = try Imported(
      "a 0 99999999999999999999999\na 1 281474976710657\na 18446744073709551615 281474976710656\n"
        + "a 3 0\n",
      .malloclab)
    #expect(imported.steps == ["a0 281474976710656", "a1 0"])
    #expect(imported.summary.skipped == [.malformed: 1, .outOfRange: 1])
  }

  /// Whatever happens to a source, it ends with a trace that can be read, or with an error.
  @Test("damaged sources", arguments: ImportFormat.allCases)
  func damage(_ format: ImportFormat) throws {
    var sources = [try ShortSource(format: format).bytes()]
    sources += try Sample.recordings.filter { $0.format == format }.map {
      try Sample.bytes($0.name)
    }
    let directory = TemporaryDirectory()
    var random = SeededRandom(seed: 7)
    for source in sources {
      for length in stride(from: 1, to: source.count, by: max(1, source.count / 60)) {
        _ = try? Imported(Array(source[..<length]), format, in: directory)
      }
      for _ in 0..<60 {
        var bytes = source
        for _ in 0..<3 {
          bytes[Int.random(in: 0..<bytes.count, using: &random)] =
            UInt8.random(in: 0...255, using: &random)
        }
        _ = try? Imported(bytes, format, in: directory)
      }
    }
  }
}

/// The blocks that `Tests/Fixtures/imported.c` asks for: of 13 bytes modulo 97.
struct OwnBlocks {
  private(set) var allocations = 0
  private(set) var frees = 0
  private(set) var reallocations = 0
  private(set) var liveBytes: Int64 = 0

  init(_ requests: [Request]) {
    var sizes: [Slot: Int64] = [:]
    for request in requests {
      let size = request.size.rawValue
      switch request.operation {
      case .allocate, .reallocate:
        let isOwn = size % 97 == 13
        if isOwn { request.operation == .allocate ? (allocations += 1) : (reallocations += 1) }
        liveBytes += (isOwn ? size : 0) - (sizes[request.slot] ?? 0)
        sizes[request.slot] = isOwn ? size : 0
      case .free:
        let size = sizes[request.slot] ?? 0
        if size > 0 { frees += 1 }
        liveBytes -= size
        sizes[request.slot] = 0
      default: break
      }
    }
  }
}

/// Packs bytes the way other tools do.
enum Pack {
  static func deflate(_ bytes: [UInt8], windowBits: Int32) throws -> [UInt8] {
    var stream = z_stream()
    let status = deflateInit2_(
      &stream, 6, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
      Int32(MemoryLayout<z_stream>.size))
    try #require(status == Z_OK)
    defer { deflateEnd(&stream) }
    var bytes = bytes
    var output = [UInt8](repeating: 0, count: bytes.count + 1000)
    let count = bytes.withUnsafeMutableBufferPointer { input in
      output.withUnsafeMutableBufferPointer { output in
        stream.next_in = input.baseAddress
        stream.avail_in = UInt32(input.count)
        stream.next_out = output.baseAddress
        stream.avail_out = UInt32(output.count)
        _ = CZlib.deflate(&stream, Z_FINISH)
        return output.count - Int(stream.avail_out)
      }
    }
    return Array(output[..<count])
  }

  /// A local head with the name `a`, and what follows it.
  static func zip(_ packed: [UInt8], method: UInt8) -> [UInt8] {
    func long(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(value >> ($0 * 8) & 255) } }
    return [0x50, 0x4b, 3, 4, 20, 0, 0, 0, method, 0, 0, 0, 0, 0, 0, 0, 0, 0]
      + long(packed.count) + long(packed.count) + [1, 0, 0, 0, 0x61] + packed
      + [0x50, 0x4b, 1, 2]
  }
}
