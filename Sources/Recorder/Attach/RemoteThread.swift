// Making one thread of the process do something for us, and putting it back as it was.

import CLinux
import Glibc

/// A thread that stands still at a safe place and executes calls on our behalf.
///
/// No signal handler runs meanwhile: all signals but those of faults are blocked, and wait. The calls
/// have a stack of their own, since the thread's may be small.
struct RemoteThread {
  private var thread: TracedThread
  private let process: Int32
  private let memory: RemoteMemory
  private let saved: user_regs_struct
  private let savedVectors: [UInt8]
  private let savedMask: UInt64
  /// Whether the thread was about to receive the signal of our breakpoint.
  private let hadBreakpoint: Bool
  private let callInstruction: UInt64
  /// Signals that came although all are blocked: somebody sent them in the guise of a fault.
  private var held: [Int32] = []
  /// Memory in the process: a page that cannot be touched, where calls return to, and room.
  private var scratch: UInt64 = 0
  private var used: UInt64 = 0

  static let scratchBytes: UInt64 = 512 << 10
  private static let page: UInt64 = 4096

  /// Takes over a thread that stands still.
  ///
  /// - Parameter callInstruction: the address of a `syscall` instruction in the process.
  init(_ thread: TracedThread, process: Int32, callInstruction: UInt64) throws(AttachError) {
    self.thread = thread
    self.process = process
    self.callInstruction = callInstruction
    memory = RemoteMemory(process: process)
    saved = try thread.registers
    hadBreakpoint = thread.state == .hasSignal(SIGTRAP)
    var vectors = [UInt8](repeating: 0, count: 16 << 10)
    let count = linux_trace_vectors(thread.identifier, &vectors, vectors.count)
    guard count > 0 else { throw .unexpected("the vector registers cannot be read") }
    savedVectors = Array(vectors[..<Int(count)])
    var mask: UInt64 = 0
    let faults = [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP].reduce(into: UInt64(0)) {
      $0 |= 1 << UInt64($1 - 1)
    }
    guard linux_trace_signal_mask(thread.identifier, &mask) == 0,
      linux_trace_set_signal_mask(thread.identifier, ~faults) == 0
    else { throw .unexpected("the signals of thread \(thread.identifier) cannot be blocked") }
    savedMask = mask
  }

  /// Gets memory for the stack and the arguments of calls.
  mutating func makeRoom() throws(AttachError) {
    let mmap: UInt64 = 9
    let mprotect: UInt64 = 10
    let privateAnonymous: UInt64 = 0x22
    let address = try systemCall(
      mmap, [0, Self.scratchBytes, 0, privateAnonymous, .max, 0], "mmap")
    scratch = address
    used = address + Self.scratchBytes
    _ = try systemCall(
      mprotect, [address + Self.page, Self.scratchBytes - Self.page, 3], "mprotect")
  }

  /// Puts bytes into the process, and returns where they stand.
  mutating func place(_ bytes: [UInt8]) throws(AttachError) -> UInt64 {
    let start = (used - UInt64(bytes.count)) & ~15
    guard start > scratch + Self.scratchBytes / 2 else {
      throw .unexpected("no room for \(bytes.count) bytes")
    }
    try memory.write(bytes, at: start)
    used = start
    return start
  }

  mutating func place(_ text: String) throws(AttachError) -> UInt64 {
    try place(Array(text.utf8) + [0])
  }

  // MARK: Calls

  /// Makes the thread do a system call.
  mutating func systemCall(_ number: UInt64, _ arguments: [UInt64], _ name: String)
    throws(AttachError) -> UInt64
  {
    var registers = saved
    func argument(_ index: Int) -> UInt64 { index < arguments.count ? arguments[index] : 0 }
    registers.rip = callInstruction
    registers.rax = number
    // No call is to be restarted that was interrupted.
    registers.orig_rax = .max
    registers.rdi = argument(0)
    registers.rsi = argument(1)
    registers.rdx = argument(2)
    registers.r10 = argument(3)
    registers.r8 = argument(4)
    registers.r9 = argument(5)
    try thread.set(registers)
    // At its entry, then at its exit.
    try runToSystemCall()
    try runToSystemCall()
    let result = Int64(bitPattern: try thread.registers.rax)
    guard result >= 0 || result < -4095 else { throw .callRefused(name, Int32(-result)) }
    return UInt64(bitPattern: result)
  }

  private mutating func runToSystemCall() throws(AttachError) {
    repeat {
      thread.resumeToSystemCall()
      try wait()
      if case .hasSignal(let signal) = thread.state { hold(signal) }
    } while thread.state != .atSystemCall
  }

  /// Calls a function of the process.
  mutating func call(_ function: UInt64, _ arguments: [UInt64]) throws(AttachError) -> UInt64 {
    let returnAddress = scratch + 16
    let stackPointer = ((used - 1024) & ~15) - 8
    var word: [UInt8] = []
    word.append(word: returnAddress)
    try memory.write(word, at: stackPointer)
    var registers = saved
    func argument(_ index: Int) -> UInt64 { index < arguments.count ? arguments[index] : 0 }
    registers.rip = function
    registers.rsp = stackPointer
    registers.rbp = 0
    registers.rax = 0
    registers.orig_rax = .max
    registers.rdi = argument(0)
    registers.rsi = argument(1)
    registers.rdx = argument(2)
    // Strings are copied forwards, and no trap after each instruction.
    registers.eflags &= ~0x500
    try thread.set(registers)
    while true {
      thread.resume(swallowing: true)
      try wait()
      guard case .hasSignal(let signal) = thread.state else { continue }
      let now = try thread.registers
      if signal == SIGSEGV, now.rip == returnAddress { return now.rax }
      var address: UInt64 = 0
      var isFault: Int32 = 0
      _ = linux_trace_signal_origin(thread.identifier, &address, &isFault)
      guard isFault == 0 else {
        throw .unexpected(
          "signal \(signal) at \(RemoteMemory.hexadecimal(now.rip)), address "
            + RemoteMemory.hexadecimal(address))
      }
      hold(signal)
    }
  }

  private mutating func hold(_ signal: Int32) {
    if !held.contains(signal) { held.append(signal) }
  }

  private mutating func wait() throws(AttachError) {
    // Loading from a slow disk may take its time.
    let end = TickClock.monotonic() + 60_000_000_000
    while true {
      thread.refresh()
      if thread.standsStill { return }
      guard thread.state != .gone else { throw .unexpected("the process has ended") }
      guard TickClock.monotonic() < end else {
        throw .unexpected("loading has not come to an end within a minute")
      }
      usleep(20)
    }
  }

  // MARK: The end

  /// Puts everything back and lets the thread go on.
  mutating func finish() {
    if scratch != 0 { _ = try? systemCall(11, [scratch, Self.scratchBytes], "munmap") }
    // Registers are restored where the kernel looks afterwards whether a call is to be restarted.
    thread.interrupt()
    for _ in 0..<8 where thread.state != .interrupted && thread.state != .gone {
      if thread.standsStill {
        if case .hasSignal(let signal) = thread.state, !isOwn(signal) { hold(signal) }
        _ = linux_trace_interrupt(thread.identifier)
        thread.resume(swallowing: true)
      }
      guard (try? wait()) != nil else { break }
    }
    try? thread.set(saved)
    _ = linux_trace_set_vectors(thread.identifier, savedVectors, savedVectors.count)
    _ = linux_trace_set_signal_mask(thread.identifier, savedMask)
    thread.release(swallowing: true)
    for signal in held { _ = linux_thread_signal(process, thread.identifier, signal) }
  }

  /// Whether a signal is the fault by which a call returns, or our breakpoint.
  private func isOwn(_ signal: Int32) -> Bool {
    if hadBreakpoint, signal == SIGTRAP { return true }
    guard signal == SIGSEGV, let registers = try? thread.registers else { return false }
    return registers.rip == scratch + 16
  }
}
