// Finding a thread that may load a library now, and waiting for one.

import CLinux
import Glibc

/// Judges where a thread stands.
///
/// Loading a library takes the locks of the loader and of malloc. A thread that was stopped while it
/// held one of them would wait for itself. Two places are safe:
/// * in a system call that waits, and that neither malloc nor the loader makes;
/// * at the first instruction of malloc or its kin, called from outside the C library, the loader
///   and the allocator.
/// In both cases the thread must not be in a signal handler, which may have interrupted anything.
struct SafeMoment {
  private let image: ProcessImage
  private let libc: ProgramSegments
  private let loader: ProgramSegments?
  /// For a separate allocator and our own library, which take locks.
  ///
  /// Words that point into the loader lie on every stack.
  private let stacks: StackScan
  /// The functions at whose first instruction a thread may be taken.
  let entries: [UInt64]

  init(_ image: ProcessImage, libc: Int, allocator: Int, entries: [UInt64]) {
    self.image = image
    self.entries = entries
    self.libc = image.modules[libc].segments
    loader = image.loader.map { image.modules[$0].segments }
    stacks = StackScan(
      image,
      forbidden: [allocator == libc ? nil : allocator, image.library].compactMap { $0 }
        .map { image.modules[$0].segments })
  }

  /// Calls that wait, by number.
  ///
  /// Those of files are there for pipes, terminals and sockets.
  private static let waiting: Set<UInt64> = [
    0, 1, 7, 19, 20, 23, 34, 35, 42, 43, 44, 45, 46, 47, 61, 65, 69, 70, 73, 128, 208, 220, 230,
    232,
    247, 270, 271, 281, 288, 299, 441,
  ]

  /// What the kernel has put into rax when standing still interrupted a call that was waiting
  /// (ERESTARTSYS and its like, EINTR).
  private static let interrupted: Set<Int64> = [-512, -513, -514, -516, -4]

  /// Whether a thread that was asked to stand still waits in a harmless call.
  func isWaiting(_ thread: TracedThread) -> Bool {
    guard thread.state == .interrupted, let registers = try? thread.registers,
      Self.interrupted.contains(Int64(bitPattern: registers.rax)),
      isHarmless(registers), !takesLocks(registers.rip)
    else { return false }
    return stacks.isClear(from: registers.rsp)
  }

  private func isHarmless(_ registers: user_regs_struct) -> Bool {
    let futex: UInt64 = 202
    guard registers.orig_rax == futex else { return Self.waiting.contains(registers.orig_rax) }
    // FUTEX_WAIT_BITSET: conditions, semaphores, joins. The locks of glibc use FUTEX_WAIT.
    return registers.rsi & 0x7f == 9
  }

  /// Whether a thread that has reached one of the entries came from harmless code.
  func isEntering(_ registers: user_regs_struct) -> Bool {
    guard entries.contains(registers.rip),
      let caller = try? image.memory.word(at: registers.rsp)
    else { return false }
    return !takesLocks(caller) && !libc.isCode(caller) && stacks.isClear(from: registers.rsp)
  }

  private func takesLocks(_ address: UInt64) -> Bool {
    stacks.isForbidden(address) || loader?.isCode(address) == true
  }

  // MARK: Waiting for a thread

  /// Takes a thread that may load a library; all others stand still too.
  ///
  /// The process stands still when this is called. Where no thread waits in a harmless call all run
  /// on, until one calls malloc.
  func find(_ process: StoppedProcess, seconds: Int) throws(AttachError) -> Int32 {
    if let thread = process.threads.first(where: isWaiting) { return thread.identifier }
    let end = TickClock.monotonic() + UInt64(seconds) * 1_000_000_000
    var round = 0
    while TickClock.monotonic() < end {
      // A thread that started meanwhile has no breakpoints: now and then all are looked at.
      if let thread = try waitForEntry(process, milliseconds: min(50 << round, 1000)) {
        return thread
      }
      if let thread = process.threads.first(where: isWaiting) { return thread.identifier }
      round = min(round + 1, 5)
      process.release()
      usleep(1000)
      try process.stop()
    }
    throw .noSafeMoment(seconds: seconds)
  }

  private static let trap = SIGTRAP
  private static let trapBit: UInt64 = 1 << UInt64(SIGTRAP - 1)

  /// Lets all threads run until one of them calls malloc from harmless code.
  private func waitForEntry(_ process: StoppedProcess, milliseconds: Int) throws(AttachError)
    -> Int32?
  {
    // For a process that ignores the signal the kernel would change that for good.
    guard !ignoresTrap(process.process) else { return nil }
    var blocking: Set<Int32> = []
    process.resumeAll { thread in
      if arm(thread) { blocking.insert(thread.identifier) }
    }
    var chosen: Int32?
    let end = TickClock.monotonic() + UInt64(milliseconds) * 1_000_000
    while chosen == nil, TickClock.monotonic() < end {
      process.forEachStanding { thread in
        let isOurs = isBreakpoint(thread)
        if isOurs, let registers = try? thread.registers, isEntering(registers) {
          chosen = thread.identifier
          return true
        }
        // A process that was stopped meanwhile stays so until we let go of it.
        if thread.state != .groupStopped { thread.resume(swallowing: isOurs) }
        return false
      }
      if chosen == nil { usleep(20) }
    }
    try process.stopAgain()
    for thread in process.threads { disarm(thread, blocked: blocking.contains(thread.identifier)) }
    dropBreakpoints(process, except: chosen)
    return chosen
  }

  /// Threads that reached a breakpoint as all were stopped are about to receive its signal.
  private func dropBreakpoints(_ process: StoppedProcess, except chosen: Int32?) {
    process.forEachStanding { thread in
      if thread.identifier != chosen, isBreakpoint(thread) {
        thread.resume(swallowing: true)
        thread.interrupt()
      }
      return false
    }
    try? process.stopAgain()
  }

  private func isBreakpoint(_ thread: TracedThread) -> Bool {
    guard thread.state == .hasSignal(Self.trap), let registers = try? thread.registers else {
      return false
    }
    return entries.contains(registers.rip)
  }

  /// Sets the breakpoints of a thread.
  ///
  /// Returns whether the thread blocked their signal: the kernel would lift that for good.
  private func arm(_ thread: TracedThread) -> Bool {
    var mask: UInt64 = 0
    guard linux_trace_signal_mask(thread.identifier, &mask) == 0 else { return false }
    let blocks = mask & Self.trapBit != 0
    if blocks { _ = linux_trace_set_signal_mask(thread.identifier, mask & ~Self.trapBit) }
    for (index, entry) in entries.prefix(4).enumerated() {
      _ = linux_trace_set_breakpoint(thread.identifier, Int32(index), entry)
    }
    return blocks
  }

  private func disarm(_ thread: TracedThread, blocked: Bool) {
    for index in entries.prefix(4).indices {
      _ = linux_trace_set_breakpoint(thread.identifier, Int32(index), 0)
    }
    var mask: UInt64 = 0
    if blocked, linux_trace_signal_mask(thread.identifier, &mask) == 0 {
      _ = linux_trace_set_signal_mask(thread.identifier, mask | Self.trapBit)
    }
  }

  private func ignoresTrap(_ process: Int32) -> Bool {
    let status = ProcessFacts.status("/proc/\(process)/status")
    return (UInt64(status["SigIgn"] ?? "", radix: 16) ?? 0) & Self.trapBit != 0
  }
}
