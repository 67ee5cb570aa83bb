// Cells of one size in runs from a heap below, with nothing but arrays.

import Allocators
import MemoryUnits

/// What the two layers of cells have in common: classes, runs, and the heap below.
struct NaiveRuns<Ground: PlainHeap> {
  struct Run {
    var range: Range<Int>
    var cells: [Range<Int>]
    var size: Int
    /// Free cells, the next to be used first.
    var free: [Range<Int>]
  }

  var ground: Ground
  let sizes: [Int]
  var runs: [Run] = []
  var work = Work()

  func size(for size: Int, _ alignment: Int) -> Int? {
    guard alignment <= 4096 else { return nil }
    return sizes.first { $0 >= max(size, 1) && (alignment <= 8 || $0 % alignment == 0) }
  }

  mutating func makeRun(_ cellCount: Int, _ size: Int) {
    let bytes = (cellCount * size + 4095) / 4096 * 4096
    let range = ground.allocate(bytes, 4096)
    let cells = (0..<cellCount).map {
      (range.lowerBound + $0 * size)..<(range.lowerBound + ($0 + 1) * size)
    }
    runs.append(Run(range: range, cells: cells, size: size, free: cells))
    work.refills += 1
    work.splits += UInt64(cellCount - 1)
  }

  mutating func giveBack(_ index: Int) {
    ground.free(runs.remove(at: index).range)
    work.flushes += 1
  }

  func index(of cell: Range<Int>) -> Int? {
    runs.firstIndex { $0.range.overlaps(cell) && $0.cells.contains(cell) }
  }
}

/// A layer of cells as an oracle: which cell is next, and what happens to a freed one.
protocol NaiveCells {
  associatedtype Ground: PlainHeap
  var base: NaiveRuns<Ground> { get set }
  mutating func takeCell(_ size: Int) -> Range<Int>
  mutating func putCell(_ cell: Range<Int>)
}

struct NaiveCellHeap<Cells: NaiveCells>: PlainHeap {
  var cells: Cells

  var changes: [HeldChange] {
    get { cells.base.ground.changes }
    set { cells.base.ground.changes = newValue }
  }

  var work: Work { cells.base.work + cells.base.ground.work }

  static func up(_ size: Int) -> Int { (max(size, 1) + 4095) / 4096 * 4096 }

  mutating func allocate(_ size: Int, _ alignment: Int) -> Range<Int> {
    if let rounded = cells.base.size(for: size, alignment) { return cells.takeCell(rounded) }
    return cells.base.ground.allocate(Self.up(size), max(alignment, 4096))
  }

  mutating func free(_ block: Range<Int>) {
    if cells.base.index(of: block) == nil { return cells.base.ground.free(block) }
    cells.putCell(block)
  }

  mutating func reallocate(
    _ block: Range<Int>, _ oldSize: Int, _ size: Int, _ alignment: Int
  ) -> Range<Int> {
    let rounded = cells.base.size(for: size, alignment)
    let run = cells.base.index(of: block)
    if run != nil, rounded == block.count { return block }
    if run == nil, rounded == nil {
      return cells.base.ground.reallocate(block, oldSize, Self.up(size), max(alignment, 4096))
    }
    let moved = allocate(size, alignment)
    cells.base.work.bytesMoved += UInt64(min(oldSize, size))
    free(block)
    return moved
  }
}

/// Segregated storage: one free list for each size, over all its runs.
struct NaiveSegregated<Ground: PlainHeap>: NaiveCells {
  var base: NaiveRuns<Ground>
  let parameters: SegregatedParameters
  /// The free cells of each size, the next to be used first.
  var lists: [Int: [Range<Int>]] = [:]

  init(_ parameters: SegregatedParameters, on ground: Ground) {
    self.parameters = parameters
    base = NaiveRuns(ground: ground, sizes: parameters.classes.sizes)
  }

  mutating func takeCell(_ size: Int) -> Range<Int> {
    if lists[size, default: []].isEmpty {
      base.makeRun(max(parameters.slab.int / size, 1), size)
      lists[size] = base.runs[base.runs.count - 1].cells
      base.work.listOperations += UInt64(lists[size, default: []].count)
    }
    base.work.listOperations += 1
    if parameters.order == .address {
      lists[size, default: []].sort { $0.lowerBound < $1.lowerBound }
    }
    return lists[size, default: []].removeFirst()
  }

  mutating func putCell(_ cell: Range<Int>) {
    lists[cell.count, default: []].insert(cell, at: 0)
    base.work.listOperations += 1
    guard let index = base.index(of: cell), parameters.returnsRuns else { return }
    let run = base.runs[index]
    let others = lists[run.size, default: []].filter { !run.range.overlaps($0) }
    guard lists[run.size, default: []].count - others.count == run.cells.count else { return }
    lists[run.size] = others
    base.work.listOperations += UInt64(run.cells.count)
    base.giveBack(index)
  }
}

/// Slab caches: each slab has its own free list; partial and empty slabs stand in rows.
struct NaiveSlabs<Ground: PlainHeap>: NaiveCells {
  var base: NaiveRuns<Ground>
  let parameters: SlabParameters
  /// The first addresses of the slabs of each size, the next to be used first.
  var partial: [Int: [Int]] = [:]
  var empty: [Int: [Int]] = [:]

  init(_ parameters: SlabParameters, on ground: Ground) {
    self.parameters = parameters
    base = NaiveRuns(ground: ground, sizes: parameters.classes.sizes)
  }

  func insert(_ slab: Int, into row: inout [Int]) {
    switch parameters.partial {
    case .recent: row.insert(slab, at: 0)
    case .oldest: row.append(slab)
    case .address: row = (row + [slab]).sorted()
    }
  }

  mutating func takeCell(_ size: Int) -> Range<Int> {
    if partial[size, default: []].isEmpty {
      var slab = 0
      if empty[size, default: []].isEmpty {
        var pages = 1
        while pages * 4096 / size < parameters.objects { pages += 1 }
        base.makeRun(pages * 4096 / size, size)
        slab = base.runs[base.runs.count - 1].range.lowerBound
      } else {
        slab = empty[size, default: []].removeFirst()
        base.work.listOperations += 1
      }
      partial[size] = [slab]
      base.work.listOperations += 1
    }
    let slab = partial[size, default: []][0]
    guard let index = base.runs.firstIndex(where: { $0.range.lowerBound == slab }) else {
      return 0..<0
    }
    if parameters.order == .address {
      base.runs[index].free.sort { $0.lowerBound < $1.lowerBound }
    }
    base.work.listOperations += 1
    let cell = base.runs[index].free.removeFirst()
    if base.runs[index].free.isEmpty {
      partial[size, default: []].removeFirst()
      base.work.listOperations += 1
    }
    return cell
  }

  mutating func putCell(_ cell: Range<Int>) {
    guard let index = base.index(of: cell) else { return }
    base.runs[index].free.insert(cell, at: 0)
    base.work.listOperations += 1
    let run = base.runs[index]
    let slab = run.range.lowerBound
    let place = partial[run.size, default: []].firstIndex(of: slab)
    if run.free.count == run.cells.count {
      if let place {
        partial[run.size, default: []].remove(at: place)
        base.work.listOperations += 1
      }
      if empty[run.size, default: []].count < parameters.keep {
        insert(slab, into: &empty[run.size, default: []])
        base.work.listOperations += 1
      } else {
        base.giveBack(index)
      }
    } else if let place {
      guard parameters.partial == .recent, place != 0 else { return }
      partial[run.size, default: []].remove(at: place)
      partial[run.size, default: []].insert(slab, at: 0)
      base.work.listOperations += 1
    } else {
      insert(slab, into: &partial[run.size, default: []])
      base.work.listOperations += 1
    }
  }
}
