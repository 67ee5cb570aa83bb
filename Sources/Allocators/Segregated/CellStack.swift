// The free cells of one size class, the one freed last on top.

/// A stack of free cells, and behind them the cells of the newest run that were never used.
///
/// A cell is its run's number and its offset in the run. Cells whose run went back stay in the
/// stack as stale entries until they come to the top or are swept out, and till then the number
/// of the run is not used again: so an entry is stale exactly if its run is not live. That is the
/// list from which a textbook would unlink every cell of the run.
struct CellStack {
  /// A run's number in the upper half, the offset in units of 8 in the lower.
  private var entries: UnsafeMutablePointer<UInt64>?
  private var count = 0
  private var capacity = 0
  /// How many entries may be stale.
  private var staleCount = 0
  /// The newest run, or 0, and where in it the cells begin that were never used.
  var freshRun = 0
  var freshOffset = 0
  var freshEnd = 0
  /// The first of a chain of runs that went back but may have entries here.
  var deadRuns = 0

  init() {}

  func deallocate() { entries?.deallocate() }

  var isEmpty: Bool {
    @inline(__always) get { count == 0 }
  }

  @inline(__always)
  mutating func push(_ run: Int, _ offset: Int) {
    if count == capacity { grow() }
    guard let entries else { return }
    entries[count] = UInt64(truncatingIfNeeded: run << 32 | offset >> 3)
    count &+= 1
  }

  /// Takes the top entry off, stale or not; there must be one.
  @inline(__always)
  mutating func pop() -> (run: Int, offset: Int) {
    guard let entries else { return (0, 0) }
    count &-= 1
    let entry = entries[count]
    return (Int(entry >> 32), Int(entry & 0xffff_ffff) << 3)
  }

  /// Says that this many entries became stale; returns whether to sweep.
  mutating func spoil(_ entryCount: Int) -> Bool {
    staleCount += entryCount
    return staleCount > count / 2
  }

  /// Says that no entry is stale.
  mutating func forgetStale() { staleCount = 0 }

  /// Keeps the entries whose run is live.
  mutating func sweep(isLive: (Int) -> Bool) {
    staleCount = 0
    guard let entries else { return }
    var kept = 0
    for index in 0..<count where isLive(Int(entries[index] >> 32)) {
      entries[kept] = entries[index]
      kept += 1
    }
    count = kept
  }

  @inline(never)
  private mutating func grow() {
    let larger = max(64, capacity * 2)
    let grown = UnsafeMutablePointer<UInt64>.allocate(capacity: larger)
    if let entries {
      grown.update(from: entries, count: count)
      entries.deallocate()
    }
    entries = grown
    capacity = larger
  }
}
