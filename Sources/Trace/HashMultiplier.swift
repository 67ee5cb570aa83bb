// The secret number that a hash table multiplies its keys by.

/// Draws multipliers for tables whose keys come out of files and foreign programs.
///
/// With a multiplier that everybody knows, such keys can be chosen so that all have one place, and each
/// operation takes as long as the table is. One that is drawn at random cannot be met (Dietzfelbinger
/// et al., A reliable randomized algorithm for the closest-pair problem, 1997: odd multipliers are
/// universal). But most random ones are worse than the golden ratio for the keys that honest programs
/// have, numbers at equal distances: how evenly these are spread follows from the continued fraction
/// of the multiplier divided by 2^64 (Knuth, TAOCP 3, 6.4, theorem S and exercise 9). So a multiplier is
/// drawn anew until the first partial quotients are small; one in some seventy is good enough.
enum HashMultiplier {
  /// 2^64 divided by the golden ratio, all of whose partial quotients are 1.
  static let golden: UInt64 = 0x9e37_79b9_7f4a_7c15
  /// So many partial quotients are looked at: they decide for tables of up to 2^20 places and more.
  static let quotients = 20
  static let largestQuotient: UInt64 = 6

  /// Whether the multiplier spreads keys at equal distances evenly.
  static func isEven(_ multiplier: UInt64) -> Bool {
    guard multiplier > 1 else { return false }
    // The expansion of multiplier / 2^64; the first step divides 2^64 by the multiplier.
    let first = multiplier.dividingFullWidth((1, 0) as (UInt64, UInt64))
    guard first.quotient <= largestQuotient else { return false }
    var larger = multiplier
    var smaller = first.remainder
    for _ in 1..<quotients {
      guard smaller != 0, larger / smaller <= largestQuotient else { return false }
      (larger, smaller) = (smaller, larger % smaller)
    }
    return true
  }

  /// Draws a multiplier.
  ///
  /// The system gives the first number; those after it are SplitMix64's (Steele, Lea and Flood, Fast
  /// splittable pseudorandom number generators, 2014), so that one table costs one system call.
  static func draw() -> UInt64 {
    var system = SystemRandomNumberGenerator()
    var state = system.next()
    while true {
      state &+= golden
      var number = (state ^ state &>> 30) &* 0xbf58_476d_1ce4_e5b9
      number = (number ^ number &>> 27) &* 0x94d0_49bb_1331_11eb
      number = (number ^ number &>> 31) | 1
      if isEven(number) { return number }
    }
  }
}
