// The library's private memory: what the stack walker remembers, of no use to anyone else.

import CaptureABI

/// One mapping for all tables, in huge pages where the system has them: every walk looks at many
/// places of them, and translating the addresses would cost more than the looks.
///
/// A forked child finds it empty.
enum ToolMemory {
  private static let hugePage = 1 << 21
  private static let ruleBytes = UnwindRuleCache.capacity &* MemoryLayout<UnwindRuleSlot>.size
  private static let knownBytes = ModuleTable.knownEntries &* MemoryLayout<KnownModule>.size
  private static let indexBytes = StackInterner.indexEntries &* 8
  private static let scratchBytes = LACUNA_RING_COUNT &* StackScratch.words &* 8
  static let byteCount = ruleBytes &+ indexBytes &+ scratchBytes &+ knownBytes
  private static let adviseHugePage = 14
  private static let wipeOnFork = 18

  private static let dontNeed = 4

  /// Maps the memory and enters the tables into the session; false where there is no room.
  ///
  /// In a process that records not for the first time, and in a forked child, the memory is there
  /// already and becomes empty: a thread that was stopped in the middle of a walk finds zeros.
  static func map() -> Bool {
    if let rules = session.rules {
      _ = systemCall(SystemCall.madvise, Int(bitPattern: rules), byteCount, dontNeed)
      return true
    }
    guard let mapped = mapPrivate(bytes: byteCount &+ hugePage) else { return false }
    let misfit = Int(bitPattern: mapped) & (hugePage &- 1)
    let start = mapped + (misfit == 0 ? 0 : hugePage &- misfit)
    _ = systemCall(SystemCall.madvise, Int(bitPattern: start), byteCount, wipeOnFork)
    _ = systemCall(
      SystemCall.madvise, Int(bitPattern: start), ruleBytes &+ indexBytes, adviseHugePage)
    session.rules = start.assumingMemoryBound(to: UnwindRuleSlot.self)
    session.index = (start + ruleBytes).assumingMemoryBound(to: UInt64.self)
    let scratch = start + ruleBytes + indexBytes
    session.scratch = scratch.assumingMemoryBound(to: UInt64.self)
    session.knownModules = (scratch + scratchBytes).assumingMemoryBound(to: KnownModule.self)
    return true
  }
}
