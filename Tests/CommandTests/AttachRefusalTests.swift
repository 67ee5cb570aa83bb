// What `lacuna record --pid` refuses, and that the process runs on untouched.

import Foundation
import Glibc
import TestSupport
import Testing

@Suite struct AttachRefusalTests {
  let workshop: Workshop

  init() throws { workshop = try Workshop() }

  /// Says why on stderr, in one line, and leaves no trace file.
  private func expectRefused(
    _ processID: Int32, saying parts: [String], wrapper: String = "",
    location: SourceLocation = #_sourceLocation
  ) throws {
    let trace = workshop.file("a.trace")
    let result = try workshop.shell(
      "exec \(wrapper) \"$LACUNA\" record --pid \(processID) -o '\(trace)'")
    #expect(result.exitCode == 1, "\(result)", sourceLocation: location)
    #expect(result.output == "", sourceLocation: location)
    #expect(result.errors.hasPrefix("lacuna: error: "), sourceLocation: location)
    #expect(result.errors.split(separator: "\n").count == 1, sourceLocation: location)
    for part in parts {
      #expect(
        result.errors.contains(part), "\(result.errors) lacks \(part)", sourceLocation: location)
    }
    #expect(!FileManager.default.fileExists(atPath: trace), sourceLocation: location)
  }

  /// A program of the system that waits for its input.
  private func waiting(_ program: String = "/bin/cat") throws -> LiveProgram {
    let waiting = try LiveProgram(workshop, program, [])
    // Until it is itself, and not what starts it.
    let isItself = waiting.wait {
      let path = try? FileManager.default.destinationOfSymbolicLink(
        atPath: "/proc/\(waiting.processID)/exe")
      return path?.hasSuffix(program.split(separator: "/").last.map(String.init) ?? "") == true
    }
    try #require(isItself)
    return waiting
  }

  private func status(_ id: Int32, _ field: String) -> String {
    let text = (try? String(contentsOfFile: "/proc/\(id)/status", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix(field + ":") }
    return line?.split(separator: "\t").dropFirst().joined(separator: " ") ?? ""
  }

  @Test("processes that are not there, numbers that are none")
  func missing() throws {
    try expectRefused(0x3fff_fffe, saying: ["no process 1073741822"])
    try expectRefused(0, saying: ["no process 0"])
    let text = try workshop.lacuna(["record", "--pid", "x"])
    #expect(text.exitCode == 64)
    let both = try workshop.lacuna(["record", "--pid", "1", "--", "true"])
    #expect(both.exitCode == 64)
    #expect(both.errors.contains("too much"))
    let alone = try workshop.lacuna(["record", "--duration", "1s", "--", "true"])
    #expect(alone.exitCode == 64)
    for time in ["0s", "-1s", "1x", "", "nan", "1e9s"] {
      let result = try workshop.lacuna(["record", "--pid", "1", "--duration=\(time)"])
      #expect(result.exitCode == 64, "\(time)")
    }
  }

  @Test("a statically linked program")
  func staticallyLinked() throws {
    let path = try pausing("static", ["-static"])
    let program = try waiting(path)
    try expectRefused(program.processID, saying: [path, "statically linked"])
    #expect(status(program.processID, "TracerPid") == "0")
  }

  @Test("a program for the processor's 32-bit mode")
  func narrow() throws {
    let path = try pausing("narrow", ["-static", "-m32"], call: "mov $29, %eax; int $0x80")
    let program = try waiting(path)
    try expectRefused(program.processID, saying: [path, "64-bit"])
  }

  /// Needs no libc.a: pauses without end.
  private func pausing(
    _ name: String, _ flags: [String], call: String = "mov $34, %eax; syscall"
  ) throws -> String {
    let source = try workshop.write(".globl _start\n_start: \(call)\njmp _start\n", to: name + ".s")
    let result = try workshop.run(
      "clang", ["-nostdlib", source, "-o", workshop.file(name)] + flags)
    try #require(result.exitCode == 0, "\(result.errors)")
    return workshop.file(name)
  }

  @Test("a program that defines malloc itself")
  func ownAllocator() throws {
    let source = try workshop.write(
      """
      #include <stddef.h>
      #include <unistd.h>
      static char room[1 << 20];
      static size_t used;
      void *malloc(size_t n) { used += (n + 15) & ~15ul; return room + used - ((n + 15) & ~15ul); }
      void free(void *p) { (void)p; }
      int main(void) { char c; return (int)read(0, &c, 1) + (malloc(1) == 0); }

      """, to: "own.c")
    let path = workshop.file("own")
    let build = try workshop.run("clang", ["-fno-builtin", "-rdynamic", source, "-o", path])
    try #require(build.exitCode == 0, "\(build.errors)")
    let program = try waiting(path)
    usleep(100_000)
    try expectRefused(program.processID, saying: [path, "defines malloc itself"])
  }

  @Test("a process that another tracer holds")
  func traced() throws {
    let program = try waiting()
    let tracer = try LiveProgram(
      workshop, "strace", ["-qq", "-o", "/dev/null", "-p", "\(program.processID)"])
    try #require(
      tracer.wait { status(program.processID, "TracerPid") != "0" || !tracer.isRunning },
      "\(tracer.errors)")
    try #require(tracer.isRunning, "\(tracer.errors)")
    try expectRefused(program.processID, saying: ["already traced", "strace"])
  }

  @Test("a process that is stopped, and stays so")
  func stopped() throws {
    let program = try waiting()
    program.signal(SIGSTOP)
    #expect(program.wait { status(program.processID, "State").hasPrefix("T") })
    try expectRefused(program.processID, saying: ["stopped", "kill -CONT"])
    #expect(status(program.processID, "State").hasPrefix("T"))
  }

  @Test("a thread instead of its process")
  func thread() throws {
    let path = try workshop.compile("attached.c", "-O1", "-fno-builtin")
    let state = try workshop.write("", to: "state")
    let program = try LiveProgram(workshop, path, [state, "waiting"])
    var thread: Int32?
    let isThere = program.wait {
      let names = try? FileManager.default.contentsOfDirectory(
        atPath: "/proc/\(program.processID)/task")
      thread = names?.compactMap { Int32($0) }.first { $0 != program.processID }
      return thread != nil
    }
    try #require(isThere)
    try expectRefused(
      try #require(thread), saying: ["thread of process \(program.processID)", "--pid"])
  }

  @Test("a process whose filter of system calls would end it")
  func filtered() throws {
    let path = try workshop.compile("attached.c", "-O1", "-fno-builtin")
    let state = try workshop.write("", to: "state")
    let program = try LiveProgram(workshop, path, [state, "filtered"])
    #expect(program.wait { status(program.processID, "Seccomp") == "2" || !program.isRunning })
    try expectRefused(program.processID, saying: ["filters its system calls"])
    try program.send("x")
    #expect(program.finish().exitCode == 0)
  }

  @Test("a program that another recorder has started")
  func recorded() throws {
    let recorder = try LiveProgram(
      workshop, Workshop.command, ["record", "-q", "-o", workshop.file("own.trace"), "/bin/cat"])
    var child: Int32?
    let isThere = recorder.wait {
      let children = try? String(
        contentsOfFile: "/proc/\(recorder.processID)/task/\(recorder.processID)/children",
        encoding: .utf8)
      child = children?.split(separator: " ").first.flatMap { Int32($0) }
      guard let child else { return false }
      let maps = try? String(contentsOfFile: "/proc/\(child)/maps", encoding: .utf8)
      return maps?.contains("memfd:lacuna") == true
    }
    try #require(isThere)
    usleep(100_000)
    try expectRefused(try #require(child), saying: ["recorded already"])
    kill(try #require(child), SIGKILL)
    #expect(recorder.finish().exitCode == 128 + SIGKILL)
  }

  @Test("a process of somebody else")
  func foreign() throws {
    if getuid() == 0 {
      let program = try waiting()
      try expectRefused(
        program.processID, saying: ["not permitted", "another user"],
        wrapper: "setpriv --reuid=65534 --regid=65534 --clear-groups")
    } else {
      try expectRefused(1, saying: ["not permitted", "another user"])
    }
  }

  @Test("a process that has ended and was not waited for")
  func zombie() throws {
    let result = try workshop.shell(
      """
      python3 -c '
      import os, subprocess, sys
      child = os.fork()
      if child == 0: os._exit(0)
      while open("/proc/%d/stat" % child).read().split()[2] != "Z": pass
      sys.exit(subprocess.call([os.environ["LACUNA"], "record", "--pid", str(child)]))'
      """)
    #expect(result.exitCode == 1)
    #expect(result.errors.contains("has ended"), "\(result.errors)")
  }
}
