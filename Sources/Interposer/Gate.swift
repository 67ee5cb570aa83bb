// The gate at which a thread waits until the recorder has looked at the process from outside.

import CaptureABI
import InterposerEntry

private let noSuchProcess = -3

/// See InterposerEntry.h.
@c(lacuna_gate)
public func gate(_ reason: UInt32, _ detail: UInt64) {
  guard let header = session.header, isRecording(), header.pointee.closed == 0 else { return }
  if reason == UInt32(LACUNA_GATE_MARK), lacuna_load32(&header.pointee.gate_takes_marks) == 0 {
    return
  }
  let own = UInt32(bitPattern: lacuna_thread_identifier())
  var patience = Gate.slices
  guard Gate.enter(header, own, &patience) else { return }
  header.pointee.gate_reason = reason
  header.pointee.gate_detail = detail
  let ticket = lacuna_add32(&header.pointee.gate_request, 1) &+ 1
  while true {
    let done = lacuna_load32(&header.pointee.gate_done)
    if done == ticket { break }
    guard Gate.wait(&header.pointee.gate_done, whileItIs: done, &patience) else {
      // The recorder may still look, but then at a process that runs on.
      lacuna_store32(&header.pointee.gate_reason, 0)
      break
    }
  }
  Gate.leave(header, own)
}

private func isRecording() -> Bool {
  guard let recording = session.recording else { return false }
  return recording.pointee != 0
}

/// Who may pass, and for how long they wait.
private enum Gate {
  /// So many slices a thread waits at most: five seconds in all.
  static let slices = 500
  private static let sliceNanoseconds = 10_000_000

  /// Waits for the threads that came before.
  ///
  /// False when this one shall not wait: a signal handler has interrupted it at the gate, or it has
  /// waited for too long.
  static func enter(
    _ header: UnsafeMutablePointer<lacuna_header>, _ own: UInt32, _ patience: inout Int
  ) -> Bool {
    while lacuna_swap32(&header.pointee.gate_owner, 0, own) == 0 {
      let owner = lacuna_load32(&header.pointee.gate_owner)
      if owner == own { return false }
      if owner == 0 { continue }
      // A thread that was ended at the gate never leaves it.
      let process = Int(header.pointee.traced_pid)
      if systemCall(SystemCall.signalThread, process, Int(owner), 0) == noSuchProcess {
        _ = lacuna_swap32(&header.pointee.gate_owner, owner, 0)
        continue
      }
      guard wait(&header.pointee.gate_owner, whileItIs: owner, &patience) else { return false }
    }
    return true
  }

  static func leave(_ header: UnsafeMutablePointer<lacuna_header>, _ own: UInt32) {
    _ = lacuna_swap32(&header.pointee.gate_owner, own, 0)
    let wake = 1
    withUnsafeMutablePointer(to: &header.pointee.gate_owner) {
      _ = systemCall(SystemCall.futex, Int(bitPattern: UnsafeRawPointer($0)), wake, 1)
    }
  }

  /// Waits for one slice; false when waiting is of no use any more.
  static func wait(
    _ word: UnsafeMutablePointer<UInt32>, whileItIs value: UInt32, _ patience: inout Int
  ) -> Bool {
    patience = patience &- 1
    guard patience > 0, isRecording() else { return false }
    // Asked now and then only: a recorder that lives answers within a slice or two.
    if patience % 8 == 0, !recorderLives() { return false }
    let wait = 0
    var slice = (0, sliceNanoseconds)
    withUnsafeMutablePointer(to: &slice) {
      _ = systemCall(
        SystemCall.futex, Int(bitPattern: UnsafeRawPointer(word)), wait, Int(value),
        Int(bitPattern: UnsafeRawPointer($0)))
    }
    return true
  }
}
