// Drawing sizes from a distribution.

internal import MemoryUnits

/// A size that was drawn.
struct DrawnSize {
  var size: ByteCount
  /// How long such a block lives on average, in a unit of the distribution's own; 1 where it does not
  /// say.
  var meanLifetime = 1.0
}

/// A distribution that is ready to draw from.
struct SizeSampler {
  private indirect enum Source {
    case formula(SizeDistribution)
    /// The rows, and for each the sum of the rates up to it.
    case table([EmpiricalSize], sums: [Double])
    case mixture([Source], sums: [Double])
  }

  private let source: Source

  /// Reads the files that the distribution names.
  init(_ distribution: SizeDistribution) throws(WorkloadError) {
    source = try Self.source(distribution)
  }

  private static func source(_ distribution: SizeDistribution) throws(WorkloadError) -> Source {
    switch distribution {
    case .empirical(let path):
      let table = try EmpiricalSizes(path: path)
      return .table(table.rows, sums: sums(table.rows.map(\.rate)))
    case .mixture(let parts):
      var sources: [Source] = []
      for part in parts { sources.append(try source(part.sizes)) }
      return .mixture(sources, sums: sums(parts.map(\.weight)))
    default: return .formula(distribution)
    }
  }

  /// Whether it knows how long blocks of each size live.
  var knowsLifetimes: Bool {
    guard case .table(let rows, _) = source else { return false }
    return rows.allSatisfy { ($0.live ?? 0) > 0 }
  }

  private static func sums(_ weights: [Double]) -> [Double] {
    var sum = 0.0
    return weights.map { weight in
      sum += weight
      return sum
    }
  }

  func draw(_ random: inout WorkloadRandom) -> DrawnSize { Self.draw(source, &random) }

  private static func draw(_ source: Source, _ random: inout WorkloadRandom) -> DrawnSize {
    switch source {
    case .formula(let distribution):
      return DrawnSize(size: draw(distribution, &random))
    case .table(let rows, let sums):
      let row = rows[choose(sums, &random)]
      return DrawnSize(size: row.size, meanLifetime: row.live.map { $0 / row.rate } ?? 1)
    case .mixture(let sources, let sums):
      return draw(sources[choose(sums, &random)], &random)
    }
  }

  /// The first place whose sum lies above a random part of the whole.
  private static func choose(_ sums: [Double], _ random: inout WorkloadRandom) -> Int {
    let wanted = random.unit() * (sums.last ?? 0)
    var (lower, upper) = (0, sums.count - 1)
    while lower < upper {
      let middle = (lower + upper) / 2
      if sums[middle] > wanted { upper = middle } else { lower = middle + 1 }
    }
    return lower
  }

  private static func draw(
    _ distribution: SizeDistribution, _ random: inout WorkloadRandom
  ) -> ByteCount {
    switch distribution {
    case .constant(let size): return size
    case .uniform(let from, let to):
      let count = UInt64(to.rawValue - from.rawValue) + 1
      return ByteCount(from.rawValue + Int64(random.below(count)))
    case .logUniform(let from, let to):
      let span = PortableMath.log(Double(to.rawValue) / Double(from.rawValue))
      return bytes(Double(from.rawValue) * PortableMath.exp(random.unit() * span))
    case .exponential(let mean): return bytes(Double(mean.rawValue) * random.exponential())
    case .normal(let mean, let deviation):
      return bytes(Double(mean.rawValue) + Double(deviation.rawValue) * random.normal())
    case .empirical, .mixture: return ByteCount(1)
    }
  }

  private static func bytes(_ size: Double) -> ByteCount {
    ByteCount(Int64(min(max(size.rounded(), 1), Double(SizeDistribution.largest.rawValue))))
  }
}
