// What the tests of importers share.

import Foundation
import Interchange
import MemoryUnits
import TestSupport
import Testing
import Trace

/// What an import made.
struct Imported {
  let summary: ImportSummary
  let trace: TraceFile
  /// The steps, one short text each: `a0 16` begins block 0, `f0` ends it, `r0 32` resizes it.
  let steps: [String]
  /// The same with addresses: `a0 16 @1000`.
  let placedSteps: [String]
  let requests: [Request]

  init(
    _ bytes: [UInt8], _ format: ImportFormat, processID: UInt64? = nil,
    in directory: TemporaryDirectory = TemporaryDirectory()
  ) throws {
    let path = directory.file("imported.trace")
    let source = try ImportSource(bytes: bytes, name: "the source")
    var options = ImportOptions()
    options.processID = processID
    summary = try TraceImport.run(source, format: format, to: path, options: options)
    trace = try TraceFile(path: path)
    var requests: [Request] = []
    try trace.read(addresses: true) { requests += $0 }
    #expect(trace.isComplete, "\(trace.damage)")
    self.requests = requests
    steps = requests.map { Self.text($0, isPlaced: false) }
    placedSteps = requests.map { Self.text($0, isPlaced: true) }
  }

  init(_ text: String, _ format: ImportFormat, processID: UInt64? = nil) throws {
    try self.init(Array(text.utf8), format, processID: processID)
  }

  private static func text(_ request: Request, isPlaced: Bool) -> String {
    let place = isPlaced ? " @" + String(request.address.rawValue, radix: 16) : ""
    switch request.operation {
    case .allocate: return "a\(request.slot.rawValue) \(request.size.rawValue)" + place
    case .free: return "f\(request.slot.rawValue)"
    case .reallocate: return "r\(request.slot.rawValue) \(request.size.rawValue)" + place
    case .freeUnknown: return "u" + place
    case .abandon: return "x\(request.slot.rawValue)"
    default: return "\(request.operation)"
    }
  }
}

/// The committed samples, as the tools wrote them.
enum Sample {
  static let directory = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Samples")

  static func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: directory.appendingPathComponent(name)))
  }

  /// The samples that `Tests/Fixtures/imported.c` was recorded in, with their formats.
  static let recordings: [(name: String, format: ImportFormat)] = [
    ("imported.heaptrack-raw.zst", .heaptrackRaw), ("imported.mtrace", .mtrace),
    ("imported.valgrind", .valgrind), ("imported.ltrace", .ltrace),
  ]
}

/// One short source in every format; all of them are the same requests.
struct ShortSource: CustomTestStringConvertible {
  let format: ImportFormat

  static let all = ImportFormat.allCases.map { ShortSource(format: $0) }

  var testDescription: String { format.rawValue }

  func bytes() throws -> [UInt8] { try Sample.bytes("short." + format.rawValue) }

  func text() throws -> String { String(decoding: try bytes(), as: UTF8.self) }
}
