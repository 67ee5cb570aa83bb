// Random numbers that follow from a seed alone, on every machine and in every version.

/// xoshiro256** of Blackman & Vigna ("Scrambled linear pseudorandom number generators", ACM TOMS
/// 47(4), 2021), its state filled by SplitMix64 from one seed.
///
/// The functions that shape its numbers are its own, and not those of the standard library, which may
/// change.
struct WorkloadRandom: Sendable {
  private var a: UInt64
  private var b: UInt64
  private var c: UInt64
  private var d: UInt64

  init(seed: UInt64) {
    // Steele, Lea & Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    var state = seed
    func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var z = state
      z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
      z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
      return z ^ (z >> 31)
    }
    (a, b, c, d) = (next(), next(), next(), next())
  }

  /// All bits are random.
  mutating func next() -> UInt64 {
    let scrambled = Self.rotate(b &* 5, 7) &* 9
    let shifted = b << 17
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = Self.rotate(d, 45)
    return scrambled
  }

  private static func rotate(_ x: UInt64, _ bits: UInt64) -> UInt64 {
    (x << bits) | (x >> (64 - bits))
  }

  /// A whole number from 0 up to, not including, `limit`, each as likely as any other.
  ///
  /// Multiplication with rejection: Lemire, "Fast random integer generation in an interval", ACM TOMACS
  /// 29(1), 2019.
  mutating func below(_ limit: UInt64) -> UInt64 {
    precondition(limit > 0, "there is no number below 0")
    var product = next().multipliedFullWidth(by: limit)
    if product.low < limit {
      let threshold = (0 &- limit) % limit
      while product.low < threshold { product = next().multipliedFullWidth(by: limit) }
    }
    return product.high
  }

  mutating func index(below count: Int) -> Int { Int(below(UInt64(count))) }

  /// From 0 up to, not including, 1, in steps of 2^-53.
  mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// Exponential with mean 1.
  mutating func exponential() -> Double { -PortableMath.log(1 - unit()) }

  /// Normal with mean 0 and deviation 1: Marsaglia's polar method (SIAM Review 6, 1964).
  mutating func normal() -> Double {
    while true {
      let x = 2 * unit() - 1
      let y = 2 * unit() - 1
      let square = x * x + y * y
      if square > 0, square < 1 {
        return x * (-2 * PortableMath.log(square) / square).squareRoot()
      }
    }
  }
}
