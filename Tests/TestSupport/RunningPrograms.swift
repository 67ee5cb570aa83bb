// Running the built command and programs compiled for a test.

import Foundation

/// What a program left behind.
public struct ProgramResult: Sendable {
  /// The exit code, or 128 + n where signal n ended the program.
  public var exitCode: Int32
  /// What it wrote to standard output.
  public var output: String
  /// What it wrote to standard error.
  public var errors: String

  /// The numbers in the output.
  public var numbers: [Int] { output.split(whereSeparator: \.isWhitespace).compactMap { Int($0) } }
}

/// A directory of its own for one test, with the means to make and run programs in it.
public final class Workshop: Sendable {
  private let directory = TemporaryDirectory()

  /// The directory.
  public var path: String { directory.path }

  /// Creates the directory.
  public init() throws {}

  /// The path of a file in the directory.
  public func file(_ name: String) -> String { directory.file(name) }

  /// Compiles one of `Tests/Fixtures` and returns the path of the program.
  public func compile(_ fixture: String, _ flags: String..., as name: String? = nil) throws
    -> String
  {
    try compile(fixture, flags: flags, as: name)
  }

  /// As ``compile(_:_:as:)``, with the flags as a list.
  public func compile(_ fixture: String, flags: [String], as name: String? = nil) throws -> String {
    let result = file(name ?? String(fixture.prefix { $0 != "." }))
    let compiler = fixture.hasSuffix(".cpp") ? "clang++" : "clang"
    try require(
      run(compiler, ["-pthread", Self.fixtures + "/" + fixture, "-o", result] + flags))
    return result
  }

  /// Runs a program to its end.
  ///
  /// Its output goes through files, so that it may be of any length.
  public func run(
    _ program: String, _ arguments: [String] = [], environment: [String: String] = [:],
    input: String = ""
  ) throws -> ProgramResult {
    let process = Process()
    let mark = UUID().uuidString
    try input.write(toFile: file("in-" + mark), atomically: false, encoding: .utf8)
    process.executableURL = URL(fileURLWithPath: program.contains("/") ? program : "/usr/bin/env")
    process.arguments = program.contains("/") ? arguments : [program] + arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.currentDirectoryURL = URL(fileURLWithPath: path)
    for name in ["out-", "err-"] {
      _ = FileManager.default.createFile(atPath: file(name + mark), contents: nil)
    }
    process.standardInput = FileHandle(forReadingAtPath: file("in-" + mark))
    process.standardOutput = FileHandle(forWritingAtPath: file("out-" + mark))
    process.standardError = FileHandle(forWritingAtPath: file("err-" + mark))
    try process.run()
    process.waitUntilExit()
    let code = process.terminationStatus
    return ProgramResult(
      exitCode: process.terminationReason == .uncaughtSignal ? 128 + code : code,
      output: text("out-" + mark), errors: text("err-" + mark))
  }

  private func text(_ name: String) -> String {
    let data = FileManager.default.contents(atPath: file(name)) ?? Data()
    return String(decoding: data, as: UTF8.self)
  }

  /// Runs the built `lacuna`.
  public func lacuna(
    _ arguments: [String], environment: [String: String] = [:], input: String = ""
  ) throws -> ProgramResult {
    try run(
      Self.buildDirectory + "/lacuna", arguments, environment: environment, input: input)
  }

  /// Records a program and returns how that ended, with the path of the trace.
  public func record(
    _ command: [String], environment: [String: String] = [:], input: String = "",
    to name: String = "a.trace"
  ) throws -> (result: ProgramResult, trace: String) {
    let trace = file(name)
    let result = try lacuna(
      ["record", "-q", "-o", trace, "--"] + command, environment: environment, input: input)
    return (result, trace)
  }

  private func require(_ result: ProgramResult) throws {
    guard result.exitCode == 0 else { throw ProgramFailed(result: result) }
  }

  /// Where the products of this build lie: beside the running tests.
  public static var buildDirectory: String {
    URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
      .path
  }

  /// Where the sources of the programs lie that tests compile.
  public static var fixtures: String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Fixtures").path
  }
}

/// A program that a test relies on did not do its work.
public struct ProgramFailed: Error, CustomStringConvertible {
  /// How it ended.
  public let result: ProgramResult
  /// The exit code and what it wrote to standard error.
  public var description: String { "exit code \(result.exitCode): \(result.errors)" }
}
