// The memory of the traced process at one moment, as the kernel and the process itself show it.

public import MemoryUnits

/// What a process had mapped and resident at one moment, read from outside.
///
/// Together with the blocks that live at ``steps``, a snapshot says for every resident page of
/// anonymous memory what it holds, and what `malloc_trim` would give back: see "Snapshots" in the
/// description of the trace format.
///
/// The process may have run on while the snapshot was taken: ``steps`` names the steps that fell
/// into it. Where there are none, the snapshot is exact.
public struct Snapshot: Sendable, Equatable {
  /// When reading began.
  public var time: Timestamp
  /// When all was read.
  public var endTime: Timestamp
  /// Which steps of the trace were made while the snapshot was taken.
  ///
  /// The lower bound is the number of steps made before it was begun. A reallocation that was under
  /// way at either end stands in the trace as two steps.
  public var steps: Range<UInt64>
  /// Why it was taken.
  public var reason: SnapshotReason
  /// The figures of the process as a whole.
  public var memory: MemoryFigures
  /// What lies where, in order of addresses, without overlaps.
  ///
  /// Empty where the kernel would not show it: programs may forbid that, see `PR_SET_DUMPABLE`.
  public var mappings: [SnapshotMapping]
  /// Which pages of the anonymous mappings are there.
  public var pages: PagePresence
  /// The blocks that the threads keep for reuse; nil where none were looked for, because the
  /// allocator is not glibc's or the snapshot is a light one.
  public var threadCaches: [ThreadCache]?

  /// Makes a snapshot; what it does not say stays unknown.
  public init(
    time: Timestamp, endTime: Timestamp, steps: Range<UInt64>, reason: SnapshotReason,
    memory: MemoryFigures = MemoryFigures(), mappings: [SnapshotMapping] = [],
    pages: PagePresence = PagePresence(), threadCaches: [ThreadCache]? = nil
  ) {
    self.time = time
    self.endTime = endTime
    self.steps = steps
    self.reason = reason
    self.memory = memory
    self.mappings = mappings
    self.pages = pages
    self.threadCaches = threadCaches
  }

  /// From the start of the data segment to its end, which may consist of several mappings; nil
  /// where there is none.
  public var heapRange: Range<Address>? {
    let parts = mappings.filter { $0.kind == .heap }
    guard let first = parts.first, let last = parts.last else { return nil }
    return first.range.lowerBound..<last.range.upperBound
  }
}

/// Why a snapshot was taken.
public enum SnapshotReason: Sendable, Hashable {
  /// A program image began: the library had been loaded, `main` had not been called.
  case start
  /// Some time had gone by.
  case periodic
  /// The memory of the process had grown to a new maximum, or changed by a twentieth.
  case growth
  /// The program set a mark, the n-th one; the thread that set it waited meanwhile.
  case mark(UInt64)
  /// The program was about to exit; the thread that called `exit` waited meanwhile.
  case exit

  /// The name of the reason for messages: `start`, `mark 3`.
  public var name: String {
    switch self {
    case .mark(let ordinal): "mark \(ordinal)"
    default: "\(self)"
    }
  }
}

/// Figures of a whole process, from `/proc/PID/status` and `/proc/PID/smaps`.
public struct MemoryFigures: Sendable, Equatable {
  /// All resident pages (`VmRSS`): the sum of the next three.
  public var resident: ByteCount = .zero
  /// Resident pages that no file backs (`RssAnon`): heap, stacks, written data.
  public var residentAnonymous: ByteCount = .zero
  /// Resident pages of mapped files (`RssFile`).
  public var residentFile: ByteCount = .zero
  /// Resident pages of shared memory (`RssShmem`), those of the recorder among them.
  public var residentShared: ByteCount = .zero
  /// The most that `resident` has been (`VmHWM`).
  public var peakResident: ByteCount = .zero
  /// Pages written out to swap (`VmSwap`).
  public var swapped: ByteCount = .zero
  /// The page tables (`VmPTE`); not part of `resident`.
  public var pageTables: ByteCount = .zero
  /// Threads that existed.
  public var threads = 0
  /// Resident pages of the recorder in this process, its segment and its library; part of
  /// `resident`.
  ///
  /// Nil in light snapshots.
  public var tool: ByteCount?
  /// Those of them that no file backs; part of `residentAnonymous`.
  public var toolAnonymous: ByteCount?
  /// `resident` with every page divided by the number of its users (`Pss`); nil in light snapshots.
  public var proportional: ByteCount?
  /// `residentAnonymous` so divided (`Pss_Anon`): much less than that after a fork; nil unless the
  /// program waited for the snapshot.
  public var proportionalAnonymous: ByteCount?

  /// Makes figures that are all zero.
  public init() {}
}
