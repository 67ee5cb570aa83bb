// Starting the program as if nobody watched.

import CLinux
import Glibc

/// The program that is traced: its own process, with our library in its environment.
struct TracedProgram {
  let processID: Int32
  private let signals: Int32

  /// The signals that somebody sends to the recorder but means for the program.
  private static let forwarded = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2]

  /// Starts the program with the recorder's own stdin, stdout, stderr, directory and signal
  /// dispositions.
  init(
    command: [String], executable: String, library: String, segmentPath: String,
    ignoresFileSizeSignal: Bool
  ) throws(RecorderError) {
    // Signals wait in a descriptor from here on; the program gets the mask as it was.
    var before = sigset_t()
    sigprocmask(SIG_BLOCK, nil, &before)
    Self.blockWriteSignals()
    signals = linux_signal_descriptor(Self.forwarded, Int32(Self.forwarded.count))

    // Where children are reaped unasked, as a parent may have it, there is no exit code to wait for.
    signal(SIGCHLD, SIG_DFL)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    posix_spawnattr_setsigmask(&attributes, &before)
    // A trace that reaches the limit of file sizes is cut short with a message. That must not end
    // the recorder, and the program keeps its own disposition.
    var defaults = sigset_t()
    sigemptyset(&defaults)
    if !ignoresFileSizeSignal { sigaddset(&defaults, SIGXFSZ) }
    posix_spawnattr_setsigdefault(&attributes, &defaults)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF))
    let environment = Self.environment(library: library, segmentPath: segmentPath)
    var identifier: pid_t = 0
    let status = Self.withCStrings(command) { arguments in
      Self.withCStrings(environment) { variables in
        posix_spawn(&identifier, executable, nil, &attributes, arguments, variables)
      }
    }
    guard status == 0 else {
      close(signals)
      sigprocmask(SIG_SETMASK, &before, nil)
      throw .cannotStart(command.first ?? executable, status)
    }
    processID = identifier
  }

  /// A limit on the size of files or a reader that leaves shall cost the trace its rest, and not the
  /// program its recorder: with these blocked, writing fails instead.
  private static func blockWriteSignals() {
    var set = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, SIGXFSZ)
    sigaddset(&set, SIGPIPE)
    // Comes when somebody opens the lobby while the recorder looks whether it is in use.
    sigaddset(&set, SIGIO)
    sigprocmask(SIG_BLOCK, &set, nil)
  }

  /// The environment of the recorder with our library before any other preload.
  private static func environment(library: String, segmentPath: String) -> [String] {
    var result: [String] = []
    var preload = library
    var entry = environ
    while let text = entry.pointee {
      let variable = String(cString: text)
      if variable.hasPrefix("LD_PRELOAD=") {
        let others = variable.dropFirst("LD_PRELOAD=".count)
        if !others.isEmpty { preload += ":" + others }
      } else if !variable.hasPrefix("LACUNA_SEGMENT=") {
        result.append(variable)
      }
      entry += 1
    }
    result.append("LD_PRELOAD=" + preload)
    result.append("LACUNA_SEGMENT=" + segmentPath)
    return result
  }

  private static func withCStrings<R>(
    _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> R
  ) -> R {
    let copies = strings.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    return body(copies + [nil])
  }

  /// How the program ended: its exit code, or 128 + n for signal n.
  ///
  /// Nil while it runs.
  func poll() -> Int32? {
    var status: Int32 = 0
    let result = waitpid(processID, &status, WNOHANG)
    guard result == processID else { return result < 0 && errno == ECHILD ? 1 : nil }
    let signal = status & 0x7f
    return signal == 0 ? (status >> 8) & 0xff : 128 + signal
  }

  /// Passes on signals that were sent to the recorder alone.
  ///
  /// Those of the terminal reach the program by themselves: they go to the whole process group.
  func forwardSignals() {
    while true {
      let signal = linux_next_signal(signals)
      if signal == 0 { return }
      if signal > 0 { kill(processID, signal) }
    }
  }

  /// Whether somebody wants the recorder to end, now that the program has.
  func isToldToStop() -> Bool {
    while true {
      let signal = linux_next_signal(signals)
      if signal == 0 { return false }
      if [SIGINT, SIGTERM, SIGHUP, SIGQUIT].contains(abs(signal)) { return true }
    }
  }

  /// Sleeps until a signal is to be forwarded, at most for that long.
  func wait(milliseconds: Int32) {
    var entry = pollfd(fd: signals, events: Int16(POLLIN), revents: 0)
    _ = Glibc.poll(&entry, 1, milliseconds)
  }
}
