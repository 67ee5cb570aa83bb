// What is captured of a process, however its recording begins.

public import Trace

/// How much is captured, and how.
public struct CaptureSettings: Sendable {
  /// Frames kept of each stack, at most 128; 0 records no stacks.
  public var stackLimit = 128
  /// Whether stacks are walked by frame pointers, for programs compiled with them, instead of by
  /// call frame information.
  public var usesFramePointers = false
  /// The part of the address space whose blocks are recorded; nil records all.
  public var regions: RegionSampling?

  /// Everything is captured, stacks up to the limit included.
  public init() {}
}
