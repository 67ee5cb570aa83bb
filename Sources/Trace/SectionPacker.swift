// Which strategy packs which column: tried from time to time, and when a column changes its nature.

/// Packs the sections of one chunk after another, each with the strategy that suits its column.
final class SectionPacker {
  /// How much work may be done.
  enum Effort: Equatable {
    /// Whoever feeds the writer waits: bytes are coded one by one.
    case hurried
    /// The strategy that is known to be good; all of them where `compares` is set.
    case usual(compares: Bool)
    /// The smallest that any strategy makes.
    case best
  }

  /// What is known of the sections of an id.
  private struct Choice {
    var strategy = Deflater.Strategy.matches
    /// Packed bytes for 1024 raw ones when the strategies were compared last; 0 before that.
    var share = 0
    /// Sections since then.
    var age = 0
  }

  /// Where a search for repetitions packs to less than one part in so many, matches are so long that a
  /// thorough search takes little longer than a quick one.
  private static let deepShare = 8
  /// Sections of fewer bytes are not worth a comparison.
  private static let fewBytes = 1024
  /// So many bytes of a section are tried.
  private static let sampleBytes = 1 << 14
  /// So many sections are packed alike before a change calls for another comparison.
  private static let patience = 8
  private let deflater: Deflater
  private var choices = [Choice](repeating: Choice(), count: 256)
  private var spare: [UInt8] = []

  /// Packs with this level of zlib where it searches thoroughly.
  init(deepLevel: Int32 = 6) { deflater = Deflater(deepLevel: deepLevel) }

  /// Packs a section into fewer than `raw.count` bytes at `output`, which has room for so many; nil
  /// where that is not possible.
  func pack(
    _ id: UInt8, _ raw: UnsafeBufferPointer<UInt8>, into output: UnsafeMutablePointer<UInt8>,
    _ effort: Effort
  ) -> Int? {
    switch effort {
    case .hurried: return deflater.pack(raw, .huffmanOnly, into: output, capacity: raw.count)
    case .best:
      return smallest(of: [.matches, .huffmanOnly, .runs, .deepMatches], raw, into: output)?.count
    case .usual(let compares):
      choices[Int(id)].age += 1
      let choice = choices[Int(id)]
      let isWorthwhile = raw.count >= Self.fewBytes
      if isWorthwhile && (compares || choice.share == 0) { return compare(id, raw, into: output) }
      let packed = deflater.pack(raw, choice.strategy, into: output, capacity: raw.count)
      // A column that packs much better or worse than it did may have become another kind of column.
      let share = Self.share(packed, raw)
      if !isWorthwhile || choice.age < Self.patience
        || share * 8 > choice.share * 7 && share * 8 < choice.share * 9
      {
        return packed
      }
      return compare(id, raw, into: output)
    }
  }

  private static func share(_ packed: Int?, _ raw: UnsafeBufferPointer<UInt8>) -> Int {
    max(1, (packed ?? raw.count) * 1024 / max(1, raw.count))
  }

  /// Tries all strategies that are cheap enough on the beginning of a section, remembers the best, and
  /// packs with that.
  ///
  /// Looking for repetitions takes two to three times as long as coding bytes alone, so it must gain a
  /// twentieth to be preferred.
  private func compare(
    _ id: UInt8, _ raw: UnsafeBufferPointer<UInt8>, into output: UnsafeMutablePointer<UInt8>
  ) -> Int? {
    let sample = UnsafeBufferPointer(rebasing: raw.prefix(Self.sampleBytes))
    var best = smallest(of: [.huffmanOnly, .runs], sample, into: output)
    for strategy in [Deflater.Strategy.matches, .deepMatches] {
      let limit = best?.count ?? sample.count
      if strategy == .deepMatches, limit * Self.deepShare > sample.count { break }
      let count = deflater.pack(sample, strategy, into: output, capacity: sample.count)
      if let count, count * 21 < limit * 20 { best = (strategy, count) }
    }
    let strategy = best?.strategy ?? .huffmanOnly
    let packed = deflater.pack(raw, strategy, into: output, capacity: raw.count)
    choices[Int(id)] = Choice(strategy: strategy, share: Self.share(packed, raw))
    return packed
  }

  private func smallest(
    of strategies: [Deflater.Strategy], _ raw: UnsafeBufferPointer<UInt8>,
    into output: UnsafeMutablePointer<UInt8>
  ) -> (strategy: Deflater.Strategy, count: Int)? {
    var best: (strategy: Deflater.Strategy, count: Int)?
    for strategy in strategies {
      // One more byte than the best so far may have is room enough to see that it is not better.
      let capacity = best?.count ?? raw.count
      if spare.count < raw.count { spare = [UInt8](repeating: 0, count: raw.count) }
      spare.withUnsafeMutableBufferPointer { spare in
        guard let spare = spare.baseAddress,
          let count = deflater.pack(raw, strategy, into: spare, capacity: capacity)
        else { return }
        output.update(from: spare, count: count)
        best = (strategy, count)
      }
    }
    return best
  }
}
