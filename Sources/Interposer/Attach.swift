// Joining a recorder that has attached to this process, perhaps not the first one.

import CaptureABI
import InterposerEntry

/// Where the data segment begins, if the recorder has said so: 0 otherwise.
///
/// A process that starts can look for itself; later the segment has grown.
nonisolated(unsafe) var givenBreakStart: UInt64 = 0

/// See InterposerEntry.h.
@c(lacuna_join)
public func joinAttached(_ request: UnsafeMutablePointer<lacuna_attachment>?)
  -> UnsafePointer<UInt8>?
{
  guard let request else { return nil }
  if let recording = session.recording, recording.pointee != 0 {
    guard !recorderLives() else { return nil }
    stopRecording()
  }
  guard let segment = join(Int(request.pointee.descriptor)) else { return nil }
  forgetPrevious()
  givenBreakStart = request.pointee.break_start
  request.pointee.segment = UInt64(UInt(bitPattern: segment))
  return begin(segment)
}

/// Gives the memory of an earlier session back.
///
/// The addresses stay taken: a thread that was stopped inside a hook finds zeros there, and not
/// somebody else's memory.
private func forgetPrevious() {
  let dontNeed = 4
  if let rules = session.rules {
    let bytes = UnwindRuleCache.capacity &* MemoryLayout<UnwindRuleSlot>.size
    _ = systemCall(SystemCall.madvise, Int(bitPattern: rules), bytes, dontNeed)
  }
  if let scratch = session.scratch {
    let bytes = LACUNA_RING_COUNT &* StackScratch.words &* 8
    _ = systemCall(SystemCall.madvise, Int(bitPattern: scratch), bytes, dontNeed)
  }
}
