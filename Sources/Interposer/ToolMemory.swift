// The library's private memory: what the stack walker remembers, of no use to anyone else.

import CaptureABI

/// One mapping for all tables, in huge pages where the system has them: every walk looks at many
/// places of them, and translating the addresses would cost more than the looks.
///
/// What threads remember of their last walks lies apart: a walk that was interrupted, by a signal
/// whose handler forks or by an attaching recorder, must find its frames as it left them. All else may
/// become empty at any time.
enum ToolMemory {
  private static let hugePage = 1 << 21
  private static let ruleBytes = UnwindRuleCache.capacity &* MemoryLayout<UnwindRuleSlot>.size
  private static let knownBytes = ModuleTable.knownEntries &* MemoryLayout<KnownModule>.size
  private static let indexBytes = StackInterner.indexEntries &* 8
  private static let adviseHugePage = 14
  private static let wipeOnFork = 18
  private static let dontNeed = 4

  /// Bytes of the tables, from the rules on, and of the frames.
  static let tableBytes = ruleBytes &+ RulePaths.bytes &+ indexBytes &+ knownBytes
  static let scratchBytes = LACUNA_RING_COUNT &* StackScratch.words &* 8

  /// Enters empty tables and fresh frames into the session; false where there is no room.
  ///
  /// A process that records not for the first time, and a forked child, have tables already. Frames
  /// of before stay mapped: some thread may be in the middle of a walk over them.
  static func map() -> Bool {
    guard let scratch = mapPrivate(bytes: scratchBytes) else { return false }
    if let rules = session.rules {
      _ = systemCall(SystemCall.madvise, Int(bitPattern: rules), tableBytes, dontNeed)
    } else {
      guard mapTables() else { return false }
    }
    session.scratch = scratch.assumingMemoryBound(to: UInt64.self)
    return true
  }

  private static func mapTables() -> Bool {
    guard let mapped = mapPrivate(bytes: tableBytes &+ hugePage) else { return false }
    let misfit = Int(bitPattern: mapped) & (hugePage &- 1)
    let start = mapped + (misfit == 0 ? 0 : hugePage &- misfit)
    _ = systemCall(SystemCall.madvise, Int(bitPattern: start), tableBytes, wipeOnFork)
    _ = systemCall(
      SystemCall.madvise, Int(bitPattern: start), tableBytes &- knownBytes, adviseHugePage)
    session.rules = start.assumingMemoryBound(to: UnwindRuleSlot.self)
    let paths = start + ruleBytes
    session.rulePaths = paths.assumingMemoryBound(to: UInt16.self)
    let index = paths + RulePaths.bytes
    session.index = index.assumingMemoryBound(to: UInt64.self)
    session.knownModules = (index + indexBytes).assumingMemoryBound(to: KnownModule.self)
    return true
  }
}
