// What `lacuna record` refuses, and that it does so before anything of the program runs.

import Foundation
import Glibc
import TestSupport
import Testing

@Suite struct RefusalTests {
  let workshop: Workshop

  init() throws { workshop = try Workshop() }

  /// Says why on stderr, in one line, and leaves neither output nor a trace.
  private func expectRefused(
    _ command: [String], code: Int32, saying parts: [String],
    location: SourceLocation = #_sourceLocation
  ) throws {
    let (result, trace) = try workshop.record(command)
    #expect(result.exitCode == code, sourceLocation: location)
    #expect(result.output == "", sourceLocation: location)
    #expect(result.errors.hasPrefix("lacuna: error: "), sourceLocation: location)
    #expect(result.errors.split(separator: "\n").count == 1, sourceLocation: location)
    for part in parts where !part.isEmpty {
      #expect(
        result.errors.contains(part), "\(result.errors) lacks \(part)", sourceLocation: location)
    }
    #expect(!FileManager.default.fileExists(atPath: trace), sourceLocation: location)
  }

  @Test(
    "a program that does not exist", arguments: ["no-such-program-here", "./none", "/no/ne", ""])
  func missing(name: String) throws {
    try expectRefused([name], code: 127, saying: ["no such program", name])
  }

  @Test("a file without permission to run")
  func notExecutable() throws {
    let path = try workshop.write("#!/bin/sh\necho ran\n", to: "plain", mode: 0o644)
    try expectRefused([path], code: 126, saying: [path, "permission", "chmod +x"])
  }

  @Test("a directory")
  func directory() throws {
    try expectRefused([workshop.path], code: 126, saying: ["is a directory"])
  }

  @Test("a statically linked program")
  func staticallyLinked() throws {
    let path = try staticProgram()
    try #require(try workshop.run(path).output == "ran\n")
    try expectRefused(
      [path], code: 126, saying: [path, "statically linked", "link it dynamically"])
    let script = try workshop.write("#!\(path)\n", to: "script", mode: 0o755)
    try expectRefused([script], code: 126, saying: [script, path, "statically linked"])
  }

  /// Needs no libc.a: writes "ran" and exits.
  private func staticProgram() throws -> String {
    let source = try workshop.write(
      """
      .globl _start
      _start: mov $1, %eax; mov $1, %edi; lea text(%rip), %rsi; mov $4, %edx; syscall
      mov $60, %eax; xor %edi, %edi; syscall
      text: .ascii "ran\\n"
      """, to: "static.s")
    let path = workshop.file("static")
    let result = try workshop.run("clang", ["-nostdlib", "-static", source, "-o", path])
    try #require(result.exitCode == 0, "\(result.errors)")
    return path
  }

  private static var cannotGiveFilesAway: Comment? {
    if getuid() != 0 { return "only root can give a file to another user" }
    var system = statvfs()
    let directory = FileManager.default.temporaryDirectory.path
    guard statvfs(directory, &system) == 0, system.f_flag & UInt(ST_NOSUID) == 0 else {
      return "\(directory) is mounted nosuid, where the bit means nothing"
    }
    return nil
  }

  @Test(
    "a set-user-ID program",
    .enabled(if: cannotGiveFilesAway == nil, "needs root and a directory without nosuid"))
  func setUserID() throws {
    let path = try workshop.compile("endings.c", as: "suid")
    try #require(chown(path, 65534, 65534) == 0 && chmod(path, 0o4755) == 0)
    try expectRefused([path], code: 126, saying: [path, "set-user-ID", "run a copy without"])
    // The bit is nothing to one's own files.
    try #require(chown(path, 0, 0) == 0 && chmod(path, 0o4755) == 0)
    #expect(try workshop.record([path]).result.exitCode == 3)
  }

  @Test("a script whose interpreter is missing")
  func missingInterpreter() throws {
    let path = try workshop.write("#!/no/such/interpreter\n", to: "script", mode: 0o755)
    try expectRefused([path], code: 126, saying: [path, "/no/such/interpreter does not exist"])
    let other = try workshop.write("#!\(path)\n", to: "other", mode: 0o755)
    try expectRefused([other], code: 126, saying: [other, "/no/such/interpreter does not exist"])
  }

  @Test(
    "a script that names no interpreter, and what is no program at all",
    arguments: ["echo ran\n", "", "\u{7f}ELF"])
  func noProgram(content: String) throws {
    let path = try workshop.write(content, to: "script", mode: 0o755)
    try expectRefused([path], code: 126, saying: [path, "#!", "sh \(path)"])
  }

  @Test("a trace that cannot be written is said before the program runs")
  func unwritable() throws {
    let marker = workshop.file("marker")
    for trace in [workshop.file("none/a.trace"), workshop.path, "/dev/full"] {
      let result = try workshop.lacuna(["record", "-o", trace, "--", "touch", marker])
      #expect(result.exitCode == 1)
      #expect(result.errors.hasPrefix("lacuna: error: cannot write \(trace): "))
      #expect(result.output == "")
      #expect(!FileManager.default.fileExists(atPath: marker))
    }
    #expect(try workshop.record(["touch", marker]).result.exitCode == 0)
    #expect(FileManager.default.fileExists(atPath: marker))
  }

  @Test(
    "wrong usage",
    arguments: [
      ([], "Say which program to run"), (["--"], "Say which program"),
      (["-o", "a.trace"], "Say which program to run"), (["--bogus", "true"], "'--bogus'"),
      (["--stack-depth", "129", "--", "true"], "0 to 128"),
      (["--stack-depth", "-1", "--", "true"], "--stack-depth"),
      (["-o", "", "--", "true"], "name of a file"), (["-o", "-", "--", "true"], "needs a file"),
    ])
  func usage(arguments: [String], part: String) throws {
    let result = try workshop.lacuna(["record"] + arguments)
    #expect(result.exitCode == 64)
    #expect(result.output == "")
    #expect(result.errors.contains(part), "\(result.errors)")
    #expect(result.errors.contains("Usage: lacuna record"), "\(result.errors)")
  }
}
