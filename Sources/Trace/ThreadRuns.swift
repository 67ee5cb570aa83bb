// Which threads the steps of a chunk belong to, as runs.

/// The last threads that had a run, the latest first.
///
/// Writer and reader keep the same list, by the numbers that the threads have in the chunk. Threads
/// take turns, so the next run is mostly one of the first few.
struct RecentThreads {
  static let most = 64
  private let threads: UnsafeMutablePointer<Int>
  private var count = 0

  init() { threads = .allocate(capacity: Self.most) }

  func deallocate() { threads.deallocate() }

  mutating func reset() { count = 0 }

  /// How many threads had a run after the last one of this thread; nil where that is too long ago.
  func rank(of thread: Int) -> Int? { (0..<count).first { threads[$0] == thread } }

  /// The thread of a rank, or nil.
  func thread(_ rank: Int) -> Int? { rank < count ? threads[rank] : nil }

  /// Puts a thread first, which had this rank, or none.
  mutating func note(_ thread: Int, rank: Int?) {
    if rank == nil { count = min(count + 1, Self.most) }
    var place = rank ?? count - 1
    while place > 0 {
      threads[place] = threads[place - 1]
      place -= 1
    }
    threads[0] = thread
  }
}

/// The runs of a chunk under construction, and what each thread referred to last.
struct ThreadRuns {
  /// Threads of the chunk, in order of appearance.
  var list = Column(capacity: 10 * TraceFormat.stepsPerChunk)
  var lengths = Column(capacity: 10 * TraceFormat.stepsPerChunk)
  /// For each run, which thread it is of, as ``RunCursor`` reads it.
  var ranks = Column(capacity: 10 * TraceFormat.stepsPerChunk)

  /// The thread of the last step, and its number in this chunk.
  private(set) var current: UInt32 = 0
  private(set) var local = 0
  /// Threads in this chunk.
  private(set) var count = 0
  private var runStart = 0
  private var recent = RecentThreads()
  /// For each thread of the trace, its number in this chunk; valid where `marks` has `mark`.
  private var locals: [UInt32] = []
  private var marks: [UInt32] = []
  private var mark: UInt32 = 1
  private var lastReferences: UnsafeMutablePointer<UInt64> =
    .allocate(capacity: TraceFormat.stepsPerChunk)

  func deallocate() {
    list.deallocate()
    lengths.deallocate()
    ranks.deallocate()
    recent.deallocate()
    lastReferences.deallocate()
  }

  mutating func removeAll() {
    list.removeAll()
    lengths.removeAll()
    ranks.removeAll()
    recent.reset()
    count = 0
    local = 0
    runStart = 0
    mark &+= 1
  }

  /// Ends the last run, whose length nobody needs where all steps are of one thread.
  mutating func close(at step: Int) {
    if count > 1 {
      endRun(at: step)
    } else {
      ranks.removeAll()
    }
  }

  /// Begins a run of another thread; returns what that thread referred to last.
  mutating func change(
    to thread: UInt32, at step: Int, lastReference: UInt64, firstAllocation: UInt64
  ) -> UInt64 {
    if step > 0 {
      endRun(at: step)
      lastReferences[local] = lastReference
    }
    current = thread
    runStart = step
    let index = Int(thread)
    while locals.count <= index {
      locals.append(0)
      marks.append(0)
    }
    if marks[index] == mark {
      local = Int(locals[index])
      let rank = recent.rank(of: local)
      ranks.varint(UInt64(rank ?? RecentThreads.most + local))
      recent.note(local, rank: rank)
    } else {
      marks[index] = mark
      locals[index] = UInt32(truncatingIfNeeded: count)
      local = count
      lastReferences[local] = firstAllocation
      count += 1
      list.varint(UInt64(thread))
      ranks.byte(0)
      recent.note(local, rank: nil)
    }
    return lastReferences[local]
  }

  private mutating func endRun(at step: Int) { lengths.varint(UInt64(step - runStart)) }
}

/// The runs of a chunk being read, in either layout.
struct RunCursor {
  private var lengths: ColumnCursor?
  private var ranks: ColumnCursor?
  private var version: UInt8 = 1
  private var threads = 0
  private var seen = 0
  private var recent = RecentThreads()

  func deallocate() { recent.deallocate() }

  /// Prepares for a chunk of so many threads.
  mutating func begin(_ payload: ChunkPayload, version: UInt8, threads: Int) {
    self.version = version
    self.threads = threads
    lengths = payload.cursor(version == 1 ? .threadRuns : .runLengths)
    ranks = payload.cursor(.runRanks)
    seen = 0
    recent.reset()
  }

  /// The next run, with the number of its thread in the chunk; nil where there is none that makes
  /// sense.
  mutating func next() -> (length: UInt64, thread: Int)? {
    guard let length = Self.number(&lengths) else { return nil }
    if version == 1 {
      guard let thread = Self.number(&lengths), thread < threads else { return nil }
      return (length, Int(thread))
    }
    guard let rank = Self.number(&ranks), let thread = thread(rank) else { return nil }
    return (length, thread)
  }

  private mutating func thread(_ rank: UInt64) -> Int? {
    if rank == 0 {
      guard seen < threads else { return nil }
      recent.note(seen, rank: nil)
      seen += 1
      return seen - 1
    }
    if rank < RecentThreads.most {
      guard let thread = recent.thread(Int(rank)) else { return nil }
      recent.note(thread, rank: Int(rank))
      return thread
    }
    guard rank - UInt64(RecentThreads.most) < seen else { return nil }
    let thread = Int(rank) - RecentThreads.most
    recent.note(thread, rank: nil)
    return thread
  }

  private static func number(_ column: inout ColumnCursor?) -> UInt64? {
    guard let cursor = column, cursor.next < cursor.end else { return nil }
    return column?.varint()
  }
}
