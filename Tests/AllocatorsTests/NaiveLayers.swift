// The layers as plain as can be, over naive first fit: arrays of arrays, dictionaries, scans.

import Allocators
import MemoryUnits

/// A heap that is told the threads, too.
protocol NaiveLayer {
  var changes: [HeldChange] { get set }
  var work: Work { get }
  mutating func allocate(_ size: Int, _ alignment: Int, by thread: Int) -> Range<Int>
  mutating func free(_ block: Range<Int>, by thread: Int)
  mutating func reallocate(
    _ block: Range<Int>, _ oldSize: Int, _ size: Int, _ alignment: Int, by thread: Int
  ) -> Range<Int>
}

extension NaiveLayer {
  static func copied(_ oldSize: Int, _ size: Int) -> UInt64 { UInt64(max(min(oldSize, size), 0)) }
}

struct NaiveThreadCache: NaiveLayer {
  struct Key: Hashable {
    var thread: Int
    var sizeClass: Int
  }

  let parameters: ThreadCacheParameters
  var below: NaiveFitHeap
  var own = Work()
  var caches: [Key: [Range<Int>]] = [:]
  var returned: [Key: [Range<Int>]] = [:]
  var classes: [Range<Int>: Key] = [:]

  init(_ parameters: ThreadCacheParameters, _ below: FitParameters) {
    self.parameters = parameters
    self.below = NaiveFitHeap(.first, below)
  }

  var changes: [HeldChange] {
    get { below.changes }
    set { below.changes = newValue }
  }
  var work: Work { own + below.work }

  func sizeClass(_ size: Int, _ alignment: Int) -> Int? {
    guard size <= parameters.largest.int, alignment == 1 else { return nil }
    switch parameters.classes {
    case .multiples(let step): return NaiveFitHeap.up(max(size, 1), step.int)
    case .scheme(let scheme): return scheme.sizes.first { $0 >= size }
    }
  }

  mutating func allocate(_ size: Int, _ alignment: Int, by thread: Int) -> Range<Int> {
    guard let sizeClass = sizeClass(size, alignment) else { return below.allocate(size, alignment) }
    let key = Key(thread: thread, sizeClass: sizeClass)
    if caches[key, default: []].isEmpty, let list = returned[key], !list.isEmpty {
      let taken = Array(list.suffix(parameters.slots))
      returned[key] = Array(list.dropLast(taken.count))
      caches[key] = taken
      own.listOperations += UInt64(2 * taken.count)
    }
    if let block = caches[key, default: []].popLast() {
      own.listOperations += 1
      return block
    }
    own.refills += 1
    let count = 1 + min(parameters.batch - 1, parameters.slots)
    let fetched = (0..<count).map { _ in below.allocate(sizeClass, 1) }
    for block in fetched { classes[block] = key }
    caches[key] = fetched.dropFirst().reversed()
    own.listOperations += UInt64(count - 1)
    return fetched[0]
  }

  mutating func free(_ block: Range<Int>, by thread: Int) {
    guard let owner = classes[block] else { return below.free(block) }
    own.listOperations += 1
    if parameters.remote == .owner, owner.thread != thread {
      returned[owner, default: []].append(block)
      return
    }
    let key = Key(thread: thread, sizeClass: owner.sizeClass)
    if caches[key, default: []].count == parameters.slots {
      own.flushes += 1
      for _ in 0..<min(parameters.batch, parameters.slots) {
        let oldest = caches[key, default: []].removeFirst()
        own.listOperations += 1
        classes[oldest] = nil
        below.free(oldest)
      }
    }
    caches[key, default: []].append(block)
  }

  mutating func reallocate(
    _ block: Range<Int>, _ oldSize: Int, _ size: Int, _ alignment: Int, by thread: Int
  ) -> Range<Int> {
    let old = classes[block]?.sizeClass
    let new = sizeClass(size, alignment)
    if old == nil, new == nil { return below.reallocate(block, oldSize, size, alignment) }
    if old == new { return block }
    let moved = allocate(size, alignment, by: thread)
    own.bytesMoved += Self.copied(oldSize, size)
    free(block, by: thread)
    return moved
  }
}

struct NaiveArenas: NaiveLayer {
  let binding: ArenaBinding
  var arenas: [NaiveFitHeap]
  var threads: [Int: Int] = [:]
  var changes: [HeldChange] = []

  init(_ parameters: ArenasParameters, _ below: FitParameters) {
    binding = parameters.binding
    arenas = (0..<parameters.count).map { _ in NaiveFitHeap(.first, below) }
  }

  var work: Work { arenas.reduce(Work()) { $0 + $1.work } }

  mutating func arena(of thread: Int) -> Int {
    if binding == .thread { return thread % arenas.count }
    if threads[thread] == nil { threads[thread] = threads.count % arenas.count }
    return threads[thread] ?? -1
  }

  static func shift(_ range: Range<Int>, _ parts: Int) -> Range<Int> {
    (range.lowerBound + parts * 1_099_511_627_776)..<(range.upperBound + parts * 1_099_511_627_776)
  }

  mutating func on(_ index: Int, _ body: (inout NaiveFitHeap) -> Range<Int>) -> Range<Int> {
    arenas[index].changes = []
    let block = body(&arenas[index])
    for change in arenas[index].changes {
      let range =
        Int(change.range.lowerBound.rawValue)..<Int(change.range.upperBound.rawValue)
      changes.append(
        HeldChange(range: NaiveFitHeap.range(Self.shift(range, index)), isGrowth: change.isGrowth))
    }
    return Self.shift(block, index)
  }

  mutating func allocate(_ size: Int, _ alignment: Int, by thread: Int) -> Range<Int> {
    on(arena(of: thread)) { $0.allocate(size, alignment) }
  }

  mutating func free(_ block: Range<Int>, by thread: Int) {
    let index = block.lowerBound / 1_099_511_627_776
    _ = on(index) {
      $0.free(Self.shift(block, -index))
      return 0..<0
    }
  }

  mutating func reallocate(
    _ block: Range<Int>, _ oldSize: Int, _ size: Int, _ alignment: Int, by thread: Int
  ) -> Range<Int> {
    let index = block.lowerBound / 1_099_511_627_776
    return on(index) { $0.reallocate(Self.shift(block, -index), oldSize, size, alignment) }
  }
}

struct NaiveMmapThreshold: NaiveLayer {
  let isDynamic: Bool
  var threshold: Int
  var below: NaiveFitHeap
  var mappings: [Range<Int>] = []
  var changes: [HeldChange] = []
  var bytesMoved: UInt64 = 0
  let base = 1_099_511_627_776 + 0x1000_0000

  init(_ parameters: MmapThresholdParameters, _ below: FitParameters) {
    isDynamic = parameters.isDynamic
    threshold = parameters.bytes.int
    self.below = NaiveFitHeap(.first, below)
  }

  var work: Work {
    var work = below.work
    work.bytesMoved += bytesMoved
    return work
  }

  mutating func on(_ body: (inout NaiveFitHeap) -> Range<Int>) -> Range<Int> {
    below.changes = []
    let block = body(&below)
    changes += below.changes
    return block
  }

  mutating func note(_ range: Range<Int>, isGrowth: Bool) {
    if range.isEmpty { return }
    changes.append(HeldChange(range: NaiveFitHeap.range(range), isGrowth: isGrowth))
  }

  func isFree(_ range: Range<Int>, but own: Range<Int>? = nil) -> Bool {
    !mappings.contains { $0 != own && $0.overlaps(range) }
  }

  func lowestGap(_ length: Int, _ alignment: Int) -> Range<Int> {
    var start = NaiveFitHeap.up(base, max(alignment, 4096))
    while !isFree(start..<(start + length)) { start += max(alignment, 4096) }
    return start..<(start + length)
  }

  mutating func allocate(_ size: Int, _ alignment: Int, by thread: Int) -> Range<Int> {
    guard size >= threshold else { return on { $0.allocate(size, alignment) } }
    let mapping = lowestGap(NaiveFitHeap.up(max(size, 1), 4096), alignment)
    mappings.append(mapping)
    note(mapping, isGrowth: true)
    return mapping
  }

  mutating func free(_ block: Range<Int>, by thread: Int) {
    guard mappings.contains(block) else {
      _ = on {
        $0.free(block)
        return 0..<0
      }
      return
    }
    mappings.removeAll { $0 == block }
    note(block, isGrowth: false)
    if isDynamic, block.count <= 32 * 1024 * 1024 { threshold = max(threshold, block.count) }
  }

  mutating func reallocate(
    _ block: Range<Int>, _ oldSize: Int, _ size: Int, _ alignment: Int, by thread: Int
  ) -> Range<Int> {
    if mappings.contains(block) {
      let length = NaiveFitHeap.up(max(size, 1), 4096)
      var new = block.lowerBound..<(block.lowerBound + length)
      if block.lowerBound % max(alignment, 4096) == 0, isFree(new, but: block) {
        note(min(new.upperBound, block.upperBound)..<block.upperBound, isGrowth: false)
        note(min(new.upperBound, block.upperBound)..<new.upperBound, isGrowth: true)
      } else {
        new = lowestGap(length, alignment)
        note(block, isGrowth: false)
        note(new, isGrowth: true)
      }
      mappings.removeAll { $0 == block }
      mappings.append(new)
      return new
    }
    if size < threshold { return on { $0.reallocate(block, oldSize, size, alignment) } }
    let moved = allocate(size, alignment, by: thread)
    bytesMoved += Self.copied(oldSize, size)
    free(block, by: thread)
    return moved
  }
}
