// The segment that this process records into, and what every thread needs to find in it.

import CaptureABI
import InterposerEntry

/// What the hooks look up.
///
/// Set once when recording starts, then only read.
///
/// All of it is constant data at load time: a global that had to be initialised by code would cost
/// a lock on every access.
struct Session {
  var header: UnsafeMutablePointer<lacuna_header>?
  var controls: UnsafeMutablePointer<lacuna_ring_control>?
  var modules: UnsafeMutablePointer<lacuna_module>?
  var nodes: UnsafeMutablePointer<lacuna_node>?
  var index: UnsafeMutablePointer<UInt64>?
  var rings: UnsafeMutablePointer<UInt64>?
  /// Rules of the stack walker, private to the process: addresses mean nothing elsewhere.
  var rules: UnsafeMutablePointer<UnwindRuleSlot>?
  /// Memory of the stack walker, a piece for each ring.
  var scratch: UnsafeMutablePointer<UInt64>?
  /// A page of its own that reads as zero in every child of fork.
  var recording: UnsafeMutablePointer<UInt8>?
  /// The kernel's number of the process, which is that of its first thread.
  var process: Int32 = 0
  /// Counts the sessions that this process has joined; a thread that was in an earlier one, or
  /// that a fork copied, begins anew.
  var generation: UInt32 = 0
  var imageNumber: UInt32 = 0
  /// The node under which the stacks of this program image hang.
  var imageRoot: UInt32 = 0
  var stackLimit: Int = 0
  var clock: UInt32 = 0
}

nonisolated(unsafe) var session = Session()

/// The end of the data segment that was last written into a ring.
nonisolated(unsafe) var reportedBreak: UInt64 = 0

/// Stops recording in this process: the recorder is gone, or the segment cannot be used.
func stopRecording() {
  session.recording?.pointee = 0
}
