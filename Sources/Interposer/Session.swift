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
  /// Where the segment is mapped, and its length.
  var segment: UnsafeMutableRawPointer?
  var segmentBytes = 0
  /// Where a family's members ask for segments; nil where only one process is recorded.
  var lobby: UnsafeMutablePointer<lacuna_lobby>?
  /// The process that this is a session of: a forked child finds its parent here.
  var processID: Int32 = 0
  /// What tells the first thread of the program from the others, also after a fork.
  var firstThreadPointer: UInt64 = 0
  /// The end of the data segment when the program image began.
  var breakStart: UInt64 = 0
  var header: UnsafeMutablePointer<lacuna_header>?
  var controls: UnsafeMutablePointer<lacuna_ring_control>?
  var modules: UnsafeMutablePointer<lacuna_module>?
  var nodes: UnsafeMutablePointer<lacuna_node>?
  var rings: UnsafeMutablePointer<UInt64>?
  /// Rules of the stack walker.
  var rules: UnsafeMutablePointer<UnwindRuleSlot>?
  /// See ``RulePaths``.
  var rulePaths: UnsafeMutablePointer<UInt16>?
  /// From calls to nodes: see ``StackInterner``.
  var index: UnsafeMutablePointer<UInt64>?
  /// Memory of the stack walker, a piece for each ring.
  var scratch: UnsafeMutablePointer<UInt64>?
  /// A page of its own that reads as zero in every child of fork.
  var recording: UnsafeMutablePointer<UInt8>?
  /// Whether the session began in a forked child, whose memory still is its parent's.
  var beganAfterFork = false
  /// Counts the sessions that this process has joined; a thread that was in an earlier one, or
  /// that a fork copied, begins anew.
  var generation: UInt32 = 0
  /// How often modules have come or gone, from bit 48 on: what was learned of code addresses holds
  /// for one such epoch.
  var epoch: UInt64 = 0
  /// Whether a module ever had another generation than 0.
  var hasGenerations = false
  /// Where the dynamic loader lies.
  var loaderStart: UInt64 = 0
  var loaderBytes: UInt64 = 0
  /// Modules of this epoch that were published, by their start.
  var knownModules: UnsafeMutablePointer<KnownModule>?
  var imageNumber: UInt32 = 0
  /// The node under which the stacks of this program image hang.
  var imageRoot: UInt32 = 0
  var stackLimit: Int = 0
  var usesFramePointers = false
  var clock: UInt32 = 0
}

nonisolated(unsafe) var session = Session()

/// The end of the data segment that was last written into a ring.
nonisolated(unsafe) var reportedBreak: UInt64 = 0

/// Stops recording in this process: the recorder is gone, or the segment cannot be used.
func stopRecording() {
  session.recording?.pointee = 0
}
