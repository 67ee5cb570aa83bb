// All threads of a process, standing still.

import CLinux
import Glibc

/// Stops all threads of a process, and lets them go again.
///
/// While they stand still nothing in the process changes, so that words which two threads use can be
/// written together.
final class StoppedProcess {
  let process: Int32
  private(set) var threads: [TracedThread] = []
  /// Threads that were asked to stand still and have not done so yet.
  private var stragglers: [TracedThread] = []

  init(process: Int32) { self.process = process }

  /// Stops all threads.
  ///
  /// Throws where one of them does not stop in time; the others go on then.
  func stop(milliseconds: Int = 3000) throws(AttachError) {
    let end = TickClock.monotonic() + UInt64(milliseconds) * 1_000_000
    do {
      try stop(until: end)
    } catch {
      release()
      throw error
    }
  }

  private func stop(until end: UInt64) throws(AttachError) {
    threads = stragglers
    stragglers = []
    // A thread that runs while we look may start another one, until none runs.
    while try seizeNew() { try waitForAll(until: end) }
    try waitForAll(until: end)
    guard let first = threads.first else { throw .noSuchProcess(process) }
    guard threads.contains(where: \.standsStill) else {
      throw .threadDoesNotStop(first.identifier)
    }
  }

  /// Takes over the threads that are not traced yet; returns whether there were any.
  private func seizeNew() throws(AttachError) -> Bool {
    let known = Set(threads.map(\.identifier))
    var found = false
    for identifier in Self.threadIdentifiers(of: process) where !known.contains(identifier) {
      guard var thread = try TracedThread(identifier, of: process) else { continue }
      thread.interrupt()
      threads.append(thread)
      found = true
    }
    return found
  }

  private func waitForAll(until end: UInt64) throws(AttachError) {
    let patience = TickClock.monotonic() + 20_000_000
    while true {
      var running: [Int32] = []
      for index in threads.indices {
        threads[index].refresh()
        if threads[index].state == .runs { running.append(threads[index].identifier) }
      }
      threads.removeAll { $0.state == .gone }
      guard let last = running.last else { return }
      let now = TickClock.monotonic()
      if now > patience, running.allSatisfy(isInKernel) { return }
      guard now < end else { throw .threadDoesNotStop(last) }
      usleep(50)
    }
  }

  /// Whether a thread waits in the kernel for something that no signal interrupts: a device, or a
  /// child of vfork that has not executed its program yet.
  ///
  /// It will stand still before it does anything in the program, and is as good as stopped.
  private func isInKernel(_ thread: Int32) -> Bool {
    let status = ProcessFacts.status("/proc/\(process)/task/\(thread)/status")
    return status["State"]?.first == "D"
  }

  /// Lets all threads go on, untraced.
  ///
  /// - Parameter swallowed: a thread that is about to receive a signal of our own making.
  func release(swallowing swallowed: Int32 = 0) {
    for index in threads.indices {
      threads[index].release(swallowing: threads[index].identifier == swallowed)
    }
    stragglers = threads.filter { $0.state == .runs }
    threads = []
  }

  /// Lets all but one thread go on, untraced.
  func releaseOthers(than chosen: Int32) -> TracedThread? {
    guard let index = threads.firstIndex(where: { $0.identifier == chosen }) else { return nil }
    let thread = threads.remove(at: index)
    release()
    return thread
  }

  /// Lets threads go that stand still only now.
  func releaseStragglers() {
    guard !stragglers.isEmpty else { return }
    for index in stragglers.indices {
      stragglers[index].refresh()
      stragglers[index].release()
    }
    stragglers.removeAll { $0.state != .runs }
  }

  /// Lets all threads run that stand still, and changes each before by `change`.
  func resumeAll(_ change: (inout TracedThread) -> Void) {
    for index in threads.indices where threads[index].standsStill {
      change(&threads[index])
      threads[index].resume()
    }
  }

  /// Stops all threads that run, traced as they are.
  func stopAgain(milliseconds: Int = 3000) throws(AttachError) {
    for index in threads.indices { threads[index].interrupt() }
    try waitForAll(until: TickClock.monotonic() + UInt64(milliseconds) * 1_000_000)
  }

  /// Looks at each thread that stands still now; the others are left alone.
  func forEachStanding(_ body: (inout TracedThread) -> Bool) {
    for index in threads.indices {
      threads[index].refresh()
      if threads[index].standsStill, body(&threads[index]) { return }
    }
    threads.removeAll { $0.state == .gone }
  }

  /// Writes a word into the process, whatever the protection of its page.
  func poke(_ word: UInt64, at address: UInt64) throws(AttachError) {
    guard let thread = threads.first(where: \.standsStill),
      linux_trace_poke(thread.identifier, address, word) == 0
    else { throw .unexpected("the word at \(RemoteMemory.hexadecimal(address)) cannot be written") }
  }

  static func threadIdentifiers(of process: Int32) -> [Int32] {
    guard let directory = opendir("/proc/\(process)/task") else { return [] }
    defer { closedir(directory) }
    var identifiers: [Int32] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if let identifier = Int32(name) { identifiers.append(identifier) }
    }
    return identifiers
  }
}
