// Programs that run while a test does something with them.

import Foundation

/// A program that was started and runs until it ends by itself or the test is over.
public final class LiveProgram {
  private let process = Process()
  private let input = Pipe()
  private let outputPath: String
  private let errorPath: String

  /// The kernel's id of the process.
  public var processID: Int32 { process.processIdentifier }

  /// Starts a program in the workshop's directory.
  public init(
    _ workshop: Workshop, _ program: String, _ arguments: [String],
    environment: [String: String] = [:]
  ) throws {
    let mark = UUID().uuidString
    outputPath = workshop.file("out-" + mark)
    errorPath = workshop.file("err-" + mark)
    for path in [outputPath, errorPath] {
      _ = FileManager.default.createFile(atPath: path, contents: nil)
    }
    process.executableURL = URL(fileURLWithPath: program.contains("/") ? program : "/usr/bin/env")
    process.arguments = program.contains("/") ? arguments : [program] + arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.currentDirectoryURL = URL(fileURLWithPath: workshop.path)
    process.standardInput = input
    process.standardOutput = FileHandle(forWritingAtPath: outputPath)
    process.standardError = FileHandle(forWritingAtPath: errorPath)
    try process.run()
  }

  deinit {
    guard process.isRunning else { return }
    signal(SIGKILL)
    process.waitUntilExit()
  }

  /// What it has written to standard output so far.
  public var output: String { text(outputPath) }
  /// What it has written to standard error so far.
  public var errors: String { text(errorPath) }

  /// Whether it has not ended yet.
  public var isRunning: Bool { process.isRunning }

  private func text(_ path: String) -> String {
    String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
  }

  /// Writes to its standard input.
  public func send(_ text: String) throws {
    try input.fileHandleForWriting.write(contentsOf: Data(text.utf8))
  }

  /// Sends it a signal.
  public func signal(_ number: Int32) { kill(process.processIdentifier, number) }

  /// Waits for its end.
  public func finish() -> ProgramResult {
    process.waitUntilExit()
    let code = process.terminationStatus
    return ProgramResult(
      exitCode: process.terminationReason == .uncaughtSignal ? 128 + code : code, output: output,
      errors: errors)
  }

  /// Waits until something holds, at most a minute; returns whether it does.
  public func wait(until condition: () throws -> Bool) rethrows -> Bool {
    for _ in 0..<12_000 {
      if try condition() { return true }
      usleep(5000)
    }
    return try condition()
  }
}
