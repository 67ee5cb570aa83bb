// Requests drawn from distributions.

internal import MemoryUnits

/// Allocates where fewer bytes live than the shape wants at that moment, and frees where as many do.
///
/// What is drawn for one event does not depend on how the others are placed: a workload knows no heap.
struct SyntheticWorkload {
  private let shape: WorkloadShape
  private let parameters: SyntheticParameters
  private let sampler: SizeSampler
  private var random: WorkloadRandom
  private var blocks: LivingBlocks
  private var live: Int64 = 0

  init(
    _ shape: WorkloadShape, _ parameters: SyntheticParameters, seed: UInt64
  ) throws(WorkloadError) {
    self.shape = shape
    self.parameters = parameters
    sampler = try SizeSampler(parameters.sizes)
    if parameters.lifetimes == .empirical, !sampler.knowsLifetimes,
      case .empirical(let path) = parameters.sizes
    {
      throw .noLifetimes(path: path)
    }
    random = WorkloadRandom(seed: seed)
    blocks = LivingBlocks(parameters.lifetimes)
  }

  mutating func run(_ trace: WorkloadTrace) {
    for event in 0..<parameters.events { step(event, trace) }
  }

  private mutating func step(_ event: Int, _ trace: WorkloadTrace) {
    if parameters.reallocations > 0, blocks.count > 0,
      random.below(100) < UInt64(parameters.reallocations)
    {
      return resize(trace)
    }
    let wantsMore = !blocks.isInMidst && Double(live) < target(event)
    if wantsMore || blocks.count == 0 { allocate(trace) } else { free(trace) }
  }

  /// The bytes that are to live at an event.
  private func target(_ event: Int) -> Double {
    let all = Double(parameters.live.rawValue)
    let part = Double(event) / Double(parameters.events)
    switch shape {
    case .plateau: return all
    case .ramp: return all * part
    case .peaks:
      let position = part * Double(parameters.peaks)
      let phase = position - position.rounded(.down)
      let height = 1 - abs(2 * phase - 1)
      let base = Double(parameters.base) / 100
      return all * (base + (1 - base) * height)
    }
  }

  private mutating func allocate(_ trace: WorkloadTrace) {
    let drawn = sampler.draw(&random)
    let thread = parameters.threads > 1 ? random.below(UInt64(parameters.threads)) : 0
    let block = trace.allocate(drawn.size, thread: UInt32(thread))
    live += drawn.size.rawValue
    blocks.insert(block, meanLifetime: drawn.meanLifetime, &random)
  }

  private mutating func free(_ trace: WorkloadTrace) {
    let block = blocks.remove(&random)
    live -= block.size.rawValue
    var thread = block.thread
    if parameters.threads > 1, parameters.remote > 0,
      random.below(100) < UInt64(parameters.remote)
    {
      let others = UInt64(parameters.threads) - 1
      thread = UInt32((UInt64(thread) + 1 + random.below(others)) % UInt64(parameters.threads))
    }
    trace.free(block, thread: thread)
  }

  private mutating func resize(_ trace: WorkloadTrace) {
    let drawn = sampler.draw(&random)
    var difference: Int64 = 0
    blocks.change(&random) { block in
      difference = drawn.size.rawValue - block.size.rawValue
      trace.reallocate(&block, to: drawn.size)
    }
    live += difference
  }
}
