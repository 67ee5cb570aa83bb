// Through which functions a program asked, and whether what it began it ended by the right ones.

import Symbols
public import Trace

/// Blocks that one function began and another ended that does not go with it.
public struct WrongRelease: Sendable, Equatable {
  /// The function that began the blocks.
  public var allocation: EntryPoint
  /// The function that ended or resized them.
  public var release: EntryPoint
  /// How many there were.
  public var blocks: UInt64
  /// Where most of them were asked for.
  public var frame: NamedFrame

  /// Blocks with these figures.
  public init(allocation: EntryPoint, release: EntryPoint, blocks: UInt64, frame: NamedFrame) {
    self.allocation = allocation
    self.release = release
    self.blocks = blocks
    self.frame = frame
  }
}

/// Counts the calls of a trace by function, and the blocks that the wrong function released.
///
/// What `malloc` and its kin gave goes with `free`, and each form of `operator new` with the same
/// form of `operator delete`, sized or not (C++23, [expr.delete] and [new.delete]). Another
/// pair works by chance, as long as the operators call malloc and free.
public struct EntryPointCensus {
  private struct Block {
    var entry = EntryPoint.unknown
    var stack = StackID.unknown
  }
  private struct Pair: Hashable {
    var allocation: EntryPoint
    var release: EntryPoint
    var stack: StackID
  }

  private var calls = [UInt64](repeating: 0, count: 256)
  /// By slot.
  private var blocks: [Block] = []
  private var wrong: [Pair: UInt64] = [:]

  /// A census of no steps.
  public init() {}

  /// Counts all calls of a trace.
  ///
  /// - Complexity: O(steps), one decode without addresses.
  public init(of trace: TraceFile, slice: TraceSlice? = nil) throws {
    self.init()
    try trace.read(slice, addresses: false) {
      open($0)
    } _: {
      add($0)
    }
  }

  /// Functions that were called, and how often, in the order of the format.
  ///
  /// A function that failed or was given a null pointer was not counted, for it asked for nothing.
  public var counts: [(entry: EntryPoint, calls: UInt64)] {
    EntryPoint.allCases.compactMap {
      let count = calls[Int($0.rawValue)]
      return count == 0 || $0 == .unknown ? nil : ($0, count)
    }
  }

  /// Takes note of the blocks that live when a range begins.
  public mutating func open(_ opening: TraceOpening) {
    for request in opening.steps where request.operation == .allocate { begin(request) }
  }

  /// Counts some steps; all steps of a trace are to be given in order.
  public mutating func add(_ batch: UnsafeBufferPointer<Request>) {
    for request in batch {
      switch request.operation {
      case .allocate, .reallocateEnd:
        calls[Int(request.entry.rawValue)] &+= 1
        begin(request)
      case .reallocate:
        calls[Int(request.entry.rawValue)] &+= 1
        end(request.slot, by: request.entry)
        begin(request)
      case .free:
        calls[Int(request.entry.rawValue)] &+= 1
        end(request.slot, by: request.entry)
      case .reallocateBegin: end(request.slot, by: .realloc)
      case .freeUnknown: calls[Int(request.entry.rawValue)] &+= 1
      case .abandon, .moveBreak, .startBreak, .resizeHeap: break
      case .map, .unmap, .discard, .discardLazily, .trim, .setOption, .mark, .poolAllocate,
        .poolFree, .setBreak:
        // An mremap is two steps.
        if request.operation == .unmap, request.entry == .mremap { break }
        calls[Int(request.entry.rawValue)] &+= 1
      }
    }
  }

  private mutating func begin(_ request: Request) {
    let slot = Int(request.slot.rawValue)
    guard request.slot != .none else { return }
    while blocks.count <= slot { blocks.append(Block()) }
    blocks[slot] = Block(entry: request.entry, stack: request.stack)
  }

  private mutating func end(_ slot: Slot, by release: EntryPoint) {
    let index = Int(slot.rawValue)
    guard index < blocks.count else { return }
    let block = blocks[index]
    guard Self.form(of: block.entry) != Self.form(of: release), block.entry != .unknown,
      release != .unknown
    else { return }
    wrong[Pair(allocation: block.entry, release: release, stack: block.stack), default: 0] += 1
  }

  private enum Form { case malloc, new, newArray, newAligned, newArrayAligned }

  private static func form(of entry: EntryPoint) -> Form {
    switch entry {
    case .new, .newNothrow, .delete, .deleteSized, .deleteNothrow: .new
    case .newArray, .newArrayNothrow, .deleteArray, .deleteArraySized, .deleteArrayNothrow:
      .newArray
    case .newAligned, .newAlignedNothrow, .deleteAligned, .deleteSizedAligned,
      .deleteAlignedNothrow:
      .newAligned
    case .newArrayAligned, .newArrayAlignedNothrow, .deleteArrayAligned,
      .deleteArraySizedAligned, .deleteArrayAlignedNothrow:
      .newArrayAligned
    default: .malloc
    }
  }

  /// Pairs of functions that do not go together, those with most blocks first.
  public func wrongReleases(in trace: TraceFile) -> [WrongRelease] {
    guard !wrong.isEmpty else { return [] }
    let names = SiteNames(
      stacks: trace.stacks, symbolizer: Symbolizer(of: trace), grouping: .function)
    return wrongReleases(names)
  }

  func wrongReleases(_ names: SiteNames) -> [WrongRelease] {
    struct Total {
      var blocks: UInt64 = 0
      var most: (count: UInt64, stack: StackID) = (0, .unknown)
    }
    var totals: [Pair: Total] = [:]
    for (pair, count) in wrong {
      let functions = Pair(
        allocation: pair.allocation, release: pair.release, stack: .unknown)
      var total = totals[functions] ?? Total()
      total.blocks += count
      // Ties are broken so that the same trace always gives the same report.
      if (count, total.most.stack.rawValue) > (total.most.count, pair.stack.rawValue) {
        total.most = (count, pair.stack)
      }
      totals[functions] = total
    }
    return totals.map { functions, total in
      WrongRelease(
        allocation: functions.allocation, release: functions.release, blocks: total.blocks,
        frame: names.userFrame(of: total.most.stack))
    }.sorted {
      ($1.blocks, $0.allocation.rawValue, $0.release.rawValue)
        < ($0.blocks, $1.allocation.rawValue, $1.release.rawValue)
    }
  }
}
