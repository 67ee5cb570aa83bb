// One thread of the process that the kernel lets us stop and change.

import CLinux

/// A thread that is traced, and what is known of it.
struct TracedThread {
  enum State: Equatable {
    case runs
    /// Stands still because we asked for it.
    case interrupted
    /// Stands still, about to receive a signal.
    case hasSignal(Int32)
    /// Its whole process was stopped by a signal.
    case groupStopped
    /// Stands still at the entry into a system call or the exit from it.
    case atSystemCall
    /// Stands still for another reason.
    case hasEvent
    case gone
  }

  let identifier: Int32
  private(set) var state = State.runs

  /// Begins to trace a thread; nil when it has ended, or when the process's first thread has.
  init?(_ identifier: Int32, of process: Int32) throws(AttachError) {
    self.identifier = identifier
    let result = linux_trace_seize(identifier)
    if result == 0 { return }
    let path = "/proc/\(process)/task/\(identifier)/status"
    let status = ProcessFacts.status(path)
    if status.isEmpty || status["State"]?.first == "Z" || status["State"]?.first == "X" {
      return nil
    }
    if let tracer = status["TracerPid"].flatMap({ Int32($0) }), tracer != 0 {
      throw .alreadyTraced(
        process, by: tracer, name: ProcFile.threadName(process: tracer, thread: tracer))
    }
    throw ProcessFacts.notPermitted(process)
  }

  var standsStill: Bool {
    switch state {
    case .runs, .gone: false
    default: true
    }
  }

  /// Asks the thread to stand still.
  mutating func interrupt() {
    if !standsStill, linux_trace_interrupt(identifier) < 0 { state = .gone }
  }

  /// Looks what the thread does now.
  mutating func refresh() {
    guard state == .runs else { return }
    var signal: Int32 = 0
    switch linux_thread_state(UInt32(linux_trace_state(identifier, &signal))) {
    case LINUX_THREAD_RUNS: break
    case LINUX_THREAD_INTERRUPTED: state = .interrupted
    case LINUX_THREAD_GROUP_STOPPED: state = .groupStopped
    case LINUX_THREAD_SIGNAL: state = .hasSignal(signal)
    case LINUX_THREAD_SYSTEM_CALL: state = .atSystemCall
    case LINUX_THREAD_EVENT: state = .hasEvent
    default: state = .gone
    }
  }

  /// The signal that is to be passed on when the thread goes on.
  private var signal: Int32 {
    if case .hasSignal(let signal) = state { return signal }
    return 0
  }

  /// Lets the thread run on, with the signal that it was about to receive unless that was ours.
  mutating func resume(swallowing: Bool = false) {
    if state == .interrupted { restartInterruptedCall() }
    state = linux_trace_resume(identifier, swallowing ? 0 : signal) < 0 ? .gone : .runs
  }

  /// The same, up to the next system call.
  mutating func resumeToSystemCall() {
    state = linux_trace_resume_to_call(identifier, 0) < 0 ? .gone : .runs
  }

  /// Ends the tracing; the thread goes on as if nothing had happened.
  mutating func release(swallowing: Bool = false) {
    guard standsStill else { return }
    if state == .interrupted { restartInterruptedCall() }
    if linux_trace_detach(identifier, swallowing ? 0 : signal) < 0 { state = .gone }
  }

  var registers: user_regs_struct {
    get throws(AttachError) {
      var registers = user_regs_struct()
      guard linux_trace_registers(identifier, &registers) == 0 else {
        throw .unexpected("thread \(identifier) has ended")
      }
      return registers
    }
  }

  func set(_ registers: user_regs_struct) throws(AttachError) {
    var registers = registers
    guard linux_trace_set_registers(identifier, &registers) == 0 else {
      throw .unexpected("thread \(identifier) has ended")
    }
  }

  // MARK: Calls that standing still has interrupted

  /// System calls that return EINTR where others are restarted by the kernel (signal(7),
  /// "Interruption of system calls"): waiting for events, and sockets that have a time-out.
  private static let unrestarted: Set<UInt64> = [
    0, 1, 19, 20, 43, 44, 45, 46, 47, 65, 128, 208, 220, 232, 281, 288, 299, 333, 426, 441,
  ]

  /// Lets a call that gave up only because of us begin again.
  ///
  /// A time-out begins again too; the kernel does not say how much of it had passed.
  private func restartInterruptedCall() {
    let interrupted = UInt64(bitPattern: -4)
    guard var registers = try? registers, registers.rax == interrupted,
      Self.unrestarted.contains(registers.orig_rax), !hasSignalToCome
    else { return }
    registers.rax = registers.orig_rax
    registers.rip &-= 2
    registers.orig_rax = .max
    try? set(registers)
  }

  /// Whether a signal waits that will interrupt the call by itself.
  private var hasSignalToCome: Bool {
    let status = ProcessFacts.status("/proc/\(identifier)/status")
    func set(_ name: Substring) -> UInt64 { UInt64(status[name] ?? "", radix: 16) ?? 0 }
    return (set("SigPnd") | set("ShdPnd")) & ~set("SigBlk") != 0
  }
}
