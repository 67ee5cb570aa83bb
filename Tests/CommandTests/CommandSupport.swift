// What the tests of the command share: JSON as the command prints it, shells, traces by hand.

import Foundation
import MemoryUnits
import TestSupport
import Testing
import Trace

/// A JSON object as a script sees it.
struct JSONObject {
  let members: [String: Any]

  init(_ text: String) throws {
    let value = try JSONSerialization.jsonObject(with: Data(text.utf8))
    members = try #require(value as? [String: Any], "not one JSON object: \(text.prefix(200))")
  }

  private init(members: [String: Any]) { self.members = members }

  private func value<T>(_ key: String, _ type: T.Type, _ location: SourceLocation) throws -> T {
    let value = try #require(members[key], "no key \(key)", sourceLocation: location)
    return try #require(
      value as? T, "\(key) is \(value), not \(type)", sourceLocation: location)
  }

  /// A number without a fraction.
  func integer(_ key: String, location: SourceLocation = #_sourceLocation) throws -> Int {
    let number = try value(key, NSNumber.self, location)
    #expect(!isBool(number), "\(key) is a truth value", sourceLocation: location)
    return try #require(
      Int(exactly: number.doubleValue), "\(key) is \(number)", sourceLocation: location)
  }

  func number(_ key: String, location: SourceLocation = #_sourceLocation) throws -> Double {
    let number = try value(key, NSNumber.self, location)
    #expect(!isBool(number), "\(key) is a truth value", sourceLocation: location)
    return number.doubleValue
  }

  func bool(_ key: String, location: SourceLocation = #_sourceLocation) throws -> Bool {
    let number = try value(key, NSNumber.self, location)
    #expect(isBool(number), "\(key) is \(number)", sourceLocation: location)
    return number.boolValue
  }

  func string(_ key: String, location: SourceLocation = #_sourceLocation) throws -> String {
    try value(key, String.self, location)
  }

  func strings(_ key: String, location: SourceLocation = #_sourceLocation) throws -> [String] {
    try value(key, [String].self, location)
  }

  func object(_ key: String, location: SourceLocation = #_sourceLocation) throws -> JSONObject {
    JSONObject(members: try value(key, [String: Any].self, location))
  }

  func objects(_ key: String, location: SourceLocation = #_sourceLocation) throws -> [JSONObject] {
    try value(key, [[String: Any]].self, location).map { JSONObject(members: $0) }
  }

  private func isBool(_ number: NSNumber) -> Bool { String(cString: number.objCType) == "c" }
}

extension Workshop {
  /// The path of the command.
  static var command: String { buildDirectory + "/lacuna" }

  /// Runs a shell script in which `$LACUNA` is the command.
  ///
  /// Signals have their default effect in it, whatever this process blocks or ignores.
  func shell(_ script: String, environment: [String: String] = [:]) throws -> ProgramResult {
    try run(
      "/usr/bin/env", ["--default-signal", "/bin/bash", "-c", script],
      environment: environment.merging(["LACUNA": Self.command]) { $1 })
  }

  /// Writes text to a file, and gives that file a mode.
  func write(_ text: String, to name: String, mode: Int = 0o644) throws -> String {
    try text.write(toFile: file(name), atomically: false, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file(name))
    return file(name)
  }

  /// The result of a reporting command with `--json`, which has to succeed without a word.
  func json(_ arguments: [String], location: SourceLocation = #_sourceLocation) throws
    -> JSONObject
  {
    let result = try lacuna(arguments + ["--json", "--quiet"])
    try #require(result.exitCode == 0, "\(result.errors)", sourceLocation: location)
    #expect(result.errors == "", sourceLocation: location)
    let object = try JSONObject(result.output)
    #expect(try object.integer("schema") == 1, sourceLocation: location)
    return object
  }

  /// Writes a trace of 100,000 allocations of 32 bytes, of which every second is freed at once: two
  /// chunks of events and more.
  func handmadeTrace(_ name: String = "hand.trace") throws -> String {
    var metadata = TraceMetadata()
    metadata.command = ["handmade"]
    metadata.headerBytes = 8
    let writer = try TraceWriter(path: file(name), metadata: metadata)
    let thread = writer.thread(ThreadDescription(kernelID: 1, name: "main"))
    let node = writer.node(parent: 0, returnAddress: 0x40_1000, image: 0)
    let stack = writer.stack(node: node, entry: .malloc)
    for index in 0..<UInt64(100_000) {
      let address = Address(0x10_0000 + 48 * index)
      writer.allocate(
        address: address, size: 32, usable: 40, alignmentShift: 0, stack: stack, thread: thread,
        time: Timestamp(nanoseconds: 2000 * index))
      guard index % 2 == 1 else { continue }
      writer.free(
        address: address, thread: thread, time: Timestamp(nanoseconds: 2000 * index + 1000))
    }
    try writer.finish()
    return file(name)
  }

  func contents(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

  /// The names of the files in the workshop that begin or end so.
  func files(containing part: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.contains(part) }
  }
}

/// Whether the command ended by itself, with one of the codes that it documents for reading.
func expectDocumented(
  _ result: ProgramResult, _ what: String, location: SourceLocation = #_sourceLocation
) {
  #expect([0, 1].contains(result.exitCode), "\(what): \(result)", sourceLocation: location)
  if result.exitCode == 1 {
    #expect(
      result.errors.hasPrefix("lacuna: error: "), "\(what): \(result)", sourceLocation: location)
    #expect(result.output == "", "\(what)", sourceLocation: location)
  }
}

/// The commands that read a trace, each with what it needs.
let readingCommands: [[String]] = [["info"], ["report"], ["pins"], ["replay"], ["compare"]]
