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
  let own = Int32(truncatingIfNeeded: systemCall(SystemCall.getpid))
  guard let segment = join(Int(request.pointee.descriptor), process: own) else { return nil }
  givenBreakStart = request.pointee.break_start
  request.pointee.segment = UInt64(UInt(bitPattern: segment))
  return begin(segment, process: own, afterFork: false)
}
