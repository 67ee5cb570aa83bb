// Recording processes that run already: the traces, and that the processes do not notice.

import Foundation
import Glibc
import TestSupport
import Testing
import Trace

@Suite struct AttachTests {
  let workshop: Workshop

  init() throws { workshop = try Workshop() }

  /// The first import of a program is as it was, and the library is still loaded.
  private func expectRestored(
    _ program: AttachedProgram, location: SourceLocation = #_sourceLocation
  ) {
    let isRestored = program.program.wait { program[.mallocNow] == program[.firstMalloc] }
    #expect(isRestored, sourceLocation: location)
  }

  @Test(
    "threads that allocate without end, signals coming all the time, bound early and late",
    arguments: [(1, "-Wl,-z,lazy"), (8, "-Wl,-z,now")])
  func busy(threads: Int, binding: String) throws {
    let program = try AttachedProgram(workshop, ["busy", "\(threads)"], flags: [binding])
    let file = try program.recordSome(20_000, threads: UInt64(threads))
    // On a busy machine not every thread has its turn meanwhile.
    #expect((1...threads).contains(file.threads.count))
    #expect(file.summary.freesOfEarlierBlocks <= UInt64(64 * threads))
    #expect(file.metadata.command.contains("busy"))
    #expect(file.metadata.allocator.hasSuffix("libc.so.6"))
    #expect(file.metadata.headerBytes == 8)
    expectRestored(program)
    let ticks = program[.ticks]
    #expect(program.program.wait { program[.ticks] > ticks })
    program.finish()
  }

  @Test("two recordings after one another, of a program at a fixed address")
  func twice() throws {
    let program = try AttachedProgram(workshop, ["busy", "2"], flags: ["-no-pie", "-fno-pic"])
    _ = try program.recordSome(10_000, threads: 2)
    let first = program[.allocations]
    #expect(program.program.wait { program[.allocations] > first + 1000 })
    let file = try program.recordSome(10_000, threads: 2, to: "b.trace")
    #expect((1...2).contains(file.threads.count))
    program.finish()
  }

  @Test("calls lead to the library only meanwhile, and stacks are those of the program")
  func redirected() throws {
    let program = try AttachedProgram(workshop, ["busy", "1"])
    let recorder = try program.attach()
    #expect(program.program.wait { program[.mallocNow] != program[.firstMalloc] })
    program.detach(recorder)
    expectRestored(program)
    program.finish()
    let report = try workshop.lacuna(["report", workshop.file("a.trace")])
    #expect(report.exitCode == 0)
    let file = try TraceFile(path: workshop.file("a.trace"))
    // busy_allocation, busy, run_busy, main and what starts it.
    #expect(try file.allocationStacks().contains { $0.count >= 5 })
    let pins = try workshop.lacuna(["pins", workshop.file("a.trace")])
    #expect(pins.output.contains("busy_allocation"), "\(pins)")
  }

  @Test("threads that wait in all ways do not notice, nor does the sleep of one get longer")
  func waiting() throws {
    let program = try AttachedProgram(workshop, ["waiting"])
    for _ in 0..<2 {
      let recorder = try program.attach()
      program.detach(recorder)
    }
    let recorder = try program.attach(to: "b.trace")
    try program.program.send("x")
    program.finish()
    let result = recorder.finish()
    #expect(result.exitCode == 0)
    #expect(result.errors.contains("which has ended"), "\(result.errors)")
    let file = try TraceFile(path: workshop.file("b.trace"))
    #expect(file.isComplete)
    // All but perhaps the thread that slept, which may have been done before.
    #expect(file.summary.allocations >= 1100)
    #expect(program[.allocations] == 1200)
  }

  @Test("a plugin that is loaded meanwhile is seen, and its end does no harm")
  func plugin() throws {
    let plugin = try workshop.compile(
      "attached-plugin.c", flags: ["-O1", "-fno-builtin", "-shared", "-fPIC"], as: "plugin.so")
    let program = try AttachedProgram(workshop, ["plugin", plugin])
    let recorder = try program.attach()
    program.order(1)
    let isSeen = program.program.wait {
      program[.pluginMallocNow] != 0 && program[.pluginMallocNow] != program[.firstMalloc]
    }
    #expect(isSeen)
    let first = program[.allocations]
    _ = program.program.wait { program[.allocations] >= first + 50 }
    let last = program[.allocations]
    program.order(2)
    _ = program.program.wait { program[.allocations] >= last + 50 }
    program.detach(recorder)
    #expect(program.program.isRunning)
    program.finish(3)
    let file = try TraceFile(path: workshop.file("a.trace"))
    #expect(file.summary.allocations >= last - first)
    #expect(file.modules.contains { $0.path.hasSuffix("plugin.so") })
  }

  private static let jemalloc = "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2"

  @Test(
    "a program linked to another allocator",
    .enabled(if: FileManager.default.fileExists(atPath: jemalloc), "needs \(jemalloc)"))
  func otherAllocator() throws {
    let program = try AttachedProgram(
      workshop, ["busy", "4"], flags: ["-Wl,--no-as-needed", Self.jemalloc])
    let file = try program.recordSome(20_000, threads: 4)
    #expect(file.metadata.allocator.contains("jemalloc"))
    #expect(file.metadata.headerBytes == 0)
    expectRestored(program)
    program.finish()
  }

  @Test("Python, which goes on to the right result")
  func python() throws {
    let script = workshop.file("loop.py")
    try """
    import json, os, sys
    total = 0
    while not os.path.exists("stop"):
        text = json.dumps([{"id": i, "text": str(i) * 5} for i in range(2000)])
        if sum(row["id"] for row in json.loads(text)) != 1999000: sys.exit(3)
        total += 1
    print("done" if total > 0 else "nothing")
    """.write(toFile: script, atomically: false, encoding: .utf8)
    let python = try LiveProgram(
      workshop, "/usr/bin/python3", [script], environment: ["PYTHONMALLOC": "malloc"])
    let result = try workshop.lacuna([
      "record", "-q", "--pid", "\(python.processID)", "--duration", "1s", "-o",
      workshop.file("a.trace"),
    ])
    #expect(result.exitCode == 0, "\(result.errors)")
    #expect(result.errors == "")
    try Data().write(to: URL(fileURLWithPath: workshop.file("stop")))
    let end = python.finish()
    #expect(end.exitCode == 0, "\(end.errors)")
    #expect(end.output == "done\n")
    let file = try TraceFile(path: workshop.file("a.trace"))
    #expect(file.isComplete)
    #expect(file.summary.allocations > 1000)
    #expect(file.summary.allocationsOfLiveAddress == 0)
    #expect(file.summary.freesOfUnknownAddress == 0)
  }

  @Test("a program that ends meanwhile ends the recording")
  func ends() throws {
    let program = try AttachedProgram(workshop, ["busy", "3"])
    let recorder = try program.attach()
    program.finish()
    let result = recorder.finish()
    #expect(result.exitCode == 0)
    #expect(result.errors.contains("which has ended"), "\(result.errors)")
    #expect(try TraceFile(path: workshop.file("a.trace")).isComplete)
  }

  @Test("a program that executes another ends the recording, and the other is left alone")
  func executes() throws {
    let program = try AttachedProgram(workshop, ["exec"])
    let recorder = try program.attach()
    program.order(1)
    let result = recorder.finish()
    #expect(result.exitCode == 0)
    #expect(result.errors.contains("another program"), "\(result.errors)")
    #expect(try TraceFile(path: workshop.file("a.trace")).isComplete)
    let count = program[.allocations]
    #expect(program.program.wait { program[.allocations] > count + 1000 })
    #expect(try !program.maps("liblacuna.so"))
    program.finish()
  }

  @Test("a thread that cannot stand still, since it waits for a child of vfork")
  func vfork() throws {
    let program = try AttachedProgram(workshop, ["vfork"])
    _ = try program.recordSome(10_000, threads: 1, leavesSegment: true)
    expectRestored(program)
    try program.program.send("x")
    program.finish()
  }

  @Test("a program outlives a recorder that is killed, and can be recorded again")
  func killed() throws {
    let program = try AttachedProgram(workshop, ["busy", "2"])
    let recorder = try program.attach()
    recorder.signal(SIGKILL)
    _ = recorder.finish()
    #expect(program[.mallocNow] != program[.firstMalloc])
    // More than the rings of two threads hold.
    let count = program[.allocations]
    #expect(program.program.wait { program[.allocations] > count + 400_000 })
    _ = try program.recordSome(10_000, threads: 2, to: "b.trace")
    expectRestored(program)
    program.finish()
  }

  @Test(
    "root records another user's process, which may not look into the recorder",
    .enabled(if: getuid() == 0, "needs root"))
  func otherUser() throws {
    // What nobody is to read and execute.
    chmod(workshop.path, 0o755)
    let program = try AttachedProgram(
      workshop, ["busy", "1"], wrapper: ["setpriv", "--reuid=65534", "--clear-groups"])
    _ = try program.recordSome(1000, threads: 1)
    expectRestored(program)
    program.finish()
  }
}
