// Which block is freed next: the rules of lifetimes.

/// The live blocks of a synthetic workload, in the order that a rule of lifetimes needs.
///
/// - Complexity: O(1) for each operation, O(log n) with lifetimes of each block's own.
struct LivingBlocks {
  private struct Entry {
    var block: WorkloadBlock
    /// When its time is up, where blocks have lifetimes of their own.
    var due: Double
    /// The number of its allocation.
    var birth: Int
  }

  private let rule: WorkloadLifetimes
  /// A queue from `first` on, a stack, a set, or a heap with the earliest end on top.
  private var entries: [Entry] = []
  private var first = 0
  private var births = 0
  /// The moment at which the block ended that was freed last.
  private var clock = 0.0

  init(_ rule: WorkloadLifetimes) { self.rule = rule }

  var count: Int { entries.count - first }

  /// Whether the phase of the block that was freed last has more blocks, which end with it.
  private(set) var isInMidst = false

  mutating func insert(
    _ block: WorkloadBlock, meanLifetime: Double, _ random: inout WorkloadRandom
  ) {
    let due = rule == .empirical ? clock + meanLifetime * random.exponential() : 0
    entries.append(Entry(block: block, due: due, birth: births))
    births += 1
    if rule == .empirical { rise() }
  }

  /// Takes out the block that the rule names; there must be one.
  mutating func remove(_ random: inout WorkloadRandom) -> WorkloadBlock {
    precondition(count > 0, "no block is left to free")
    switch rule {
    case .exponential:
      entries.swapAt(random.index(below: entries.count), entries.count - 1)
      return entries.removeLast().block
    case .lifo: return entries.removeLast().block
    case .fifo: return removeFirst().block
    case .phases(let length):
      let phase = entries[first].birth / length
      let block = removeFirst().block
      isInMidst = count > 0 && entries[first].birth / length == phase
      return block
    case .empirical:
      entries.swapAt(0, entries.count - 1)
      let entry = entries.removeLast()
      sink()
      clock = max(clock, entry.due)
      return entry.block
    }
  }

  /// Changes any block, each as likely as any other; there must be one.
  mutating func change(_ random: inout WorkloadRandom, _ body: (inout WorkloadBlock) -> Void) {
    body(&entries[first + random.index(below: count)].block)
  }

  private mutating func removeFirst() -> Entry {
    let entry = entries[first]
    first += 1
    if first > 4096, first * 2 > entries.count {
      entries.removeFirst(first)
      first = 0
    }
    return entry
  }

  // MARK: A binary heap by the moment at which blocks end

  private mutating func rise() {
    var child = entries.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard entries[child].due < entries[parent].due else { return }
      entries.swapAt(child, parent)
      child = parent
    }
  }

  private mutating func sink() {
    var parent = 0
    while true {
      var least = 2 * parent + 1
      guard least < entries.count else { return }
      if least + 1 < entries.count, entries[least + 1].due < entries[least].due { least += 1 }
      guard entries[least].due < entries[parent].due else { return }
      entries.swapAt(least, parent)
      parent = least
    }
  }
}
