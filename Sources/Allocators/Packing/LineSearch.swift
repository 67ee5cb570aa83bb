// A local search for the ranks with which few blocks pack lowest.

/// Improves the ranks of a ``LinePacker``.
///
/// A trial moves one block, as a rule one that ends above the load, to another rank, as a rule a
/// higher one; the new ranks stay unless they are worse by one of two goals: the height, and the
/// sum of what blocks reach above the load, which tells more of two packings that are equally high.
/// Each goal has a third of the work for itself; the lowest packing then has both in turn for the
/// rest. Randomness is seeded: the result is always the same.
struct LineSearch: ~Copyable {
  /// Problems of more blocks take too long for enough trials.
  static let blockLimit = 2000
  /// Lines and blocks that all trials together may look at: some seconds.
  private static let lookLimit = 1_000_000_000

  private var packer: LinePacker
  private let sizes: [Int]
  private let load: Int
  /// What a trial costs apart from looking; so there are at most some hundred trials a block.
  private let trialCost: Int
  private var random: UInt64 = 1

  private struct State {
    var ranked: [UInt32]
    var height = Int.max
    var excess = Int.max
  }

  private enum Goal: CaseIterable { case height, excess }

  init(_ problem: borrowing PackingProblem) {
    packer = LinePacker(problem)
    var sizes: [Int] = []
    for block in 0..<problem.count { sizes.append(problem.size(block)) }
    self.sizes = sizes
    load = problem.load
    trialCost = Self.lookLimit / (400 * max(problem.count, 1))
  }

  /// The lowest packing found.
  mutating func search(_ start: [UInt32]) -> Packing {
    var best = State(ranked: start)
    for goal in Goal.allCases {
      let found = improve(State(ranked: start), goal, looks: Self.lookLimit / 3)
      if found.height < best.height { best = found }
    }
    for part in 0..<8 where best.height > load {
      best = improve(best, part % 2 == 0 ? .excess : .height, looks: Self.lookLimit / 24)
    }
    _ = packer.place(best.ranked)
    var packing = Packing(count: packer.count)
    for block in best.ranked {
      packing.place(Int(block), at: packer.places[Int(block)], size: sizes[Int(block)])
    }
    return packing
  }

  /// The lowest packing that is found on the way to a goal.
  private mutating func improve(_ start: State, _ goal: Goal, looks: Int) -> State {
    var rest = looks
    var state = start
    measure(&state)
    var best = state
    var high = blocksAboveLoad(state)
    while rest > 0, best.height > load {
      var trial = state
      let before = packer.looks
      let from = high.isEmpty || below(3) == 0 ? below(trial.ranked.count) : high[below(high.count)]
      let block = trial.ranked.remove(at: from)
      trial.ranked.insert(block, at: below(below(4) == 0 ? trial.ranked.count + 1 : from + 1))
      measure(&trial)
      rest -= packer.looks - before + trialCost
      switch goal {
      case .height: guard trial.height <= state.height else { continue }
      case .excess: guard trial.excess <= state.excess else { continue }
      }
      state = trial
      high = blocksAboveLoad(state)
      if state.height <= best.height { best = state }
    }
    return best
  }

  /// Packs, and notes how well.
  private mutating func measure(_ state: inout State) {
    state.height = packer.place(state.ranked)
    state.excess = 0
    for block in sizes.indices {
      state.excess += max(packer.places[block] + sizes[block] - load, 0)
    }
  }

  /// The ranks of the blocks that the last packing has end above the load.
  private func blocksAboveLoad(_ state: State) -> [Int] {
    state.ranked.indices.filter {
      let block = Int(state.ranked[$0])
      return packer.places[block] + sizes[block] > load
    }
  }

  /// A number below a bound (SplitMix64; Steele, Lea & Flood, OOPSLA 2014).
  private mutating func below(_ bound: Int) -> Int {
    random &+= 0x9e37_79b9_7f4a_7c15
    var z = random
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return Int(truncatingIfNeeded: (z ^ (z >> 31)) >> 1) % bound
  }
}
