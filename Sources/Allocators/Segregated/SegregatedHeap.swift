// Simple segregated storage (Wilson et al. 1995, §3.6): cells of one size, one free list a size.

public import MemoryUnits

/// A layer that cuts runs from the heap below into cells of one size.
///
/// * A request takes the smallest class that holds it and is a multiple of its alignment. The cell
///   freed last in the class is used; when no cell is free, a run is taken from the heap below, and
///   its cells are used from the lowest on.
/// * A run of a class has as many cells as `slab` holds, one at least, rounded up to whole pages.
/// * When the last live cell of a run is freed and `return` is `always`, its cells leave the free
///   list and the run goes back to the heap below at once.
/// * What is beyond the last class, or aligned to more than a page, is a block of whole pages that
///   the heap below places.
/// * A block stays where it is when it is resized within its class.
/// * `Work.splits` counts the cells of each new run but one, `Work.listOperations` the cells put on
///   and taken off the free lists (all cells of a new run are put on, all of one that goes back are
///   taken off), `Work.refills` and `Work.flushes` the runs taken and given back.
public struct SegregatedHeap: Heap, ~Copyable {
  /// What the heap below got and gave back since the list was last emptied.
  public var heldChanges: [HeldChange] = []
  /// The settings.
  public let parameters: SegregatedParameters

  private struct Run {
    /// Where the cells are.
    var base: Int
    /// What the heap below granted; zero for a run that is not live.
    var granted: Int
    var liveCells: Int
    /// The class, or for a dead run the next one of its chain.
    var link: Int
  }

  private var tally = Work()
  private var source: RunSource
  private let table: ClassTable
  private var owners = PageOwners()
  private let stacks: UnsafeMutablePointer<CellStack>
  /// Run 0 is no run.
  private var runs: UnsafeMutablePointer<Run>
  private var runCapacity = 64
  private var runCount = 1
  private var unusedRuns = 0
  private let returnsRuns: Bool

  /// A layer that holds nothing yet, on a heap that holds nothing either.
  public init(_ parameters: SegregatedParameters, on below: HeapKind) {
    self.parameters = parameters
    source = RunSource(below)
    table = ClassTable(parameters.classes)
    stacks = .allocate(capacity: table.count)
    stacks.initialize(repeating: CellStack(), count: table.count)
    runs = .allocate(capacity: runCapacity)
    runs.initialize(to: Run(base: 0, granted: 0, liveCells: 0, link: 0))
    returnsRuns = parameters.returnsRuns
  }

  deinit {
    for number in 0..<table.count { stacks[number].deallocate() }
    stacks.deallocate()
    runs.deallocate()
  }

  /// The textbook work of the layer and of what is below it.
  public var work: Work { tally + source.work }

  // MARK: Requests

  /// Places a block in a cell of its class.
  public mutating func allocate(_ request: BlockRequest) -> Placement {
    let number = table.number(for: request.size.int, alignment: request.alignment.int)
    guard number >= 0 else { return source.place(request, &heldChanges) }
    let stack = stacks + number
    while !stack.pointee.isEmpty {
      let (run, offset) = stack.pointee.pop()
      guard runs[run].granted > 0 else { continue }
      return cell(run, offset, table[number])
    }
    return allocateFresh(number, request)
  }

  /// Ends a block, which must live.
  public mutating func free(_ placement: Placement) { free(placement, by: 0) }

  /// Ends a block, which must live; a run that goes back does so at the request of the thread.
  public mutating func free(_ placement: Placement, by thread: UInt32) {
    let run = owners.owner(of: placement.address)
    guard run > 0 else { return source.giveBack(placement, by: thread, &heldChanges) }
    let number = runs[run].link
    stacks[number].push(run, Int(placement.address.rawValue) &- runs[run].base)
    tally.listOperations &+= 1
    runs[run].liveCells &-= 1
    if runs[run].liveCells == 0, returnsRuns { giveBack(run, number, thread) }
  }

  /// Resizes a block: in place within its class, or where the heap below can do it.
  public mutating func reallocate(
    _ placement: Placement, oldSize: ByteCount, to request: BlockRequest
  ) -> Placement {
    let number = table.number(for: request.size.int, alignment: request.alignment.int)
    let run = owners.owner(of: placement.address)
    if run > 0, number == runs[run].link { return placement }
    if run == 0, number < 0 {
      return source.resize(placement, oldSize: oldSize, to: request, &heldChanges)
    }
    let moved = allocate(request)
    let bytes = max(min(oldSize, request.size), .zero)
    tally.bytesMoved &+= UInt64(truncatingIfNeeded: bytes.rawValue)
    free(placement, by: request.thread)
    return moved
  }

  @inline(__always)
  private mutating func cell(_ run: Int, _ offset: Int, _ size: Int) -> Placement {
    tally.listOperations &+= 1
    runs[run].liveCells &+= 1
    return Placement(
      address: Address(UInt64(truncatingIfNeeded: runs[run].base &+ offset)),
      granted: ByteCount(size))
  }

  // MARK: Runs

  /// Takes a cell that was never used, of a new run if need be.
  @inline(never)
  private mutating func allocateFresh(_ number: Int, _ request: BlockRequest) -> Placement {
    recycleDeadRuns(of: number)
    let size = table[number]
    if stacks[number].freshOffset == stacks[number].freshEnd {
      let cellCount = max(parameters.slab.int / size, 1)
      let placement = source.take(cellCount * size, for: request, &heldChanges)
      tally.refills &+= 1
      // A run beyond the table of pages is a block of its own.
      guard placement.end.rawValue <= PageOwners.limit else { return placement }
      tally.splits &+= UInt64(cellCount - 1)
      tally.listOperations &+= UInt64(cellCount)
      let run = makeRun(
        Run(
          base: Int(placement.address.rawValue), granted: placement.granted.int, liveCells: 0,
          link: number))
      owners.set(placement.address, cellCount * size, to: run)
      stacks[number].freshRun = run
      stacks[number].freshOffset = 0
      stacks[number].freshEnd = cellCount * size
    }
    let offset = stacks[number].freshOffset
    stacks[number].freshOffset += size
    return cell(stacks[number].freshRun, offset, size)
  }

  @inline(never)
  private mutating func giveBack(_ run: Int, _ number: Int, _ thread: UInt32) {
    let size = table[number]
    let cellCount = max(parameters.slab.int / size, 1)
    var entryCount = cellCount
    if stacks[number].freshRun == run {
      entryCount = stacks[number].freshOffset / size
      stacks[number].freshRun = 0
      stacks[number].freshOffset = 0
      stacks[number].freshEnd = 0
    }
    tally.listOperations &+= UInt64(cellCount)
    tally.flushes &+= 1
    let base = Address(UInt64(runs[run].base))
    owners.set(base, cellCount * size, to: 0)
    source.giveBack(
      Placement(address: base, granted: ByteCount(runs[run].granted)), by: thread,
      &heldChanges)
    runs[run].granted = 0
    runs[run].link = stacks[number].deadRuns
    stacks[number].deadRuns = run
    if stacks[number].spoil(entryCount) {
      let runs = self.runs
      stacks[number].sweep { runs[$0].granted > 0 }
      recycleDeadRuns(of: number)
    }
  }

  /// Makes the numbers of dead runs usable again; no stack may name them any more.
  private mutating func recycleDeadRuns(of number: Int) {
    stacks[number].forgetStale()
    while stacks[number].deadRuns > 0 {
      let run = stacks[number].deadRuns
      stacks[number].deadRuns = runs[run].link
      runs[run].link = unusedRuns
      unusedRuns = run
    }
  }

  private mutating func makeRun(_ run: Run) -> Int {
    if unusedRuns > 0 {
      let number = unusedRuns
      unusedRuns = runs[number].link
      runs[number] = run
      return number
    }
    if runCount == runCapacity {
      let larger = UnsafeMutablePointer<Run>.allocate(capacity: runCapacity * 2)
      larger.update(from: runs, count: runCount)
      runs.deallocate()
      runs = larger
      runCapacity *= 2
    }
    (runs + runCount).initialize(to: run)
    runCount += 1
    return runCount - 1
  }
}
