// A program to attach to, and the recorder that does.

import Foundation
import Glibc
import TestSupport
import Testing
import Trace

/// The fixture attached.c in one of its modes, while it runs.
final class AttachedProgram {
  let program: LiveProgram
  private let state: String
  private let workshop: Workshop

  /// The words of the state that the fixture shows, in order.
  enum Word: Int {
    case ready, order, allocations, failures, firstMalloc, mallocNow, pluginMallocNow, ticks
  }

  init(
    _ workshop: Workshop, _ mode: [String], flags: [String] = [], wrapper: [String] = [],
    environment: [String: String] = [:]
  ) throws {
    self.workshop = workshop
    let executable = try workshop.compile(
      "attached.c", flags: ["-O1", "-fno-builtin", "-ldl"] + flags)
    state = workshop.file("state")
    try Data().write(to: URL(fileURLWithPath: state))
    chmod(state, 0o666)
    let command = wrapper + [executable, state] + mode
    program = try LiveProgram(
      workshop, command[0], Array(command.dropFirst()), environment: environment)
    try #require(program.wait { self[.ready] == 1 || !program.isRunning }, "\(program.errors)")
    try #require(program.isRunning, "\(program.errors)")
  }

  subscript(word: Word) -> UInt64 {
    guard let data = FileManager.default.contents(atPath: state), data.count >= 64 else { return 0 }
    return data.withUnsafeBytes {
      $0.loadUnaligned(fromByteOffset: word.rawValue * 8, as: UInt64.self)
    }
  }

  /// Says to the program what to do next.
  func order(_ number: UInt64) {
    let descriptor = open(state, O_WRONLY)
    var word = number
    pwrite(descriptor, &word, 8, off_t(Word.order.rawValue * 8))
    close(descriptor)
  }

  /// Ends the program and checks what it says about itself.
  func finish(_ order: UInt64 = 1, location: SourceLocation = #_sourceLocation) {
    self.order(order)
    let result = program.finish()
    #expect(result.exitCode == 0, "\(result.errors)", sourceLocation: location)
    #expect(result.errors == "", sourceLocation: location)
  }

  /// Whether the program maps a file of that name.
  func maps(_ name: String) throws -> Bool {
    try String(contentsOfFile: "/proc/\(program.processID)/maps", encoding: .utf8).contains(name)
  }

  // MARK: Recording

  /// Starts a recorder and waits until the program is recorded.
  func attach(
    to name: String = "a.trace", location: SourceLocation = #_sourceLocation
  ) throws -> LiveProgram {
    let recorder = try LiveProgram(
      workshop, Workshop.buildDirectory + "/lacuna",
      ["record", "--pid", "\(program.processID)", "-o", workshop.file(name)])
    let isAttached = recorder.wait {
      recorder.errors.contains("Ctrl-C ends") || !recorder.isRunning
    }
    try #require(isAttached && recorder.isRunning, "\(recorder.errors)", sourceLocation: location)
    return recorder
  }

  /// Ends a recording; the program runs on.
  func detach(_ recorder: LiveProgram, location: SourceLocation = #_sourceLocation) {
    recorder.signal(SIGINT)
    let result = recorder.finish()
    #expect(result.exitCode == 0, "\(result.errors)", sourceLocation: location)
    #expect(result.errors.contains("which runs on"), "\(result.errors)", sourceLocation: location)
    #expect(!result.errors.contains("still pass"), "\(result.errors)", sourceLocation: location)
  }

  /// Attaches, lets the program allocate so often, detaches, and checks the trace against the
  /// program's own count.
  ///
  /// Each of `threads` may be between an allocation and its count. Where a thread cannot be looked at
  /// the segment stays mapped.
  func recordSome(
    _ least: UInt64, threads: UInt64, to name: String = "a.trace", leavesSegment: Bool = false,
    location: SourceLocation = #_sourceLocation
  ) throws -> TraceFile {
    let before = self[.allocations]
    let recorder = try attach(to: name, location: location)
    let first = self[.allocations]
    _ = program.wait { self[.allocations] >= first + least }
    let last = self[.allocations]
    detach(recorder, location: location)
    let after = self[.allocations]
    let file = try TraceFile(path: workshop.file(name))
    try checkPartial(file, location)
    let counted = file.summary.allocations
    #expect(counted + threads >= last - first, sourceLocation: location)
    #expect(counted <= after - before + threads, sourceLocation: location)
    #expect(last - first >= least, sourceLocation: location)
    #expect(try maps("memfd:lacuna") == leavesSegment, sourceLocation: location)
    return file
  }

  private func checkPartial(_ file: TraceFile, _ location: SourceLocation) throws {
    #expect(file.isComplete, "\(file.damage)", sourceLocation: location)
    #expect(file.metadata.startsInMidst, sourceLocation: location)
    #expect(file.metadata.processID == Int(program.processID), sourceLocation: location)
    #expect(file.summary.lostEvents == 0, sourceLocation: location)
    #expect(file.summary.allocationsOfLiveAddress == 0, sourceLocation: location)
    #expect(file.summary.freesOfUnknownAddress == 0, sourceLocation: location)
  }
}

extension TraceFile {
  /// The innermost `count` return addresses of each stack that allocates, once each.
  func allocationStacks() throws -> [[UInt64]] {
    var seen: Set<StackID> = []
    var result: [[UInt64]] = []
    try read(addresses: false) { batch in
      for request in batch where request.operation == .allocate {
        if seen.insert(request.stack).inserted {
          result.append(stacks.returnAddresses(of: request.stack))
        }
      }
    }
    return result
  }
}
