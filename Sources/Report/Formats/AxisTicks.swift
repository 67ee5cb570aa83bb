// Where an axis has its ticks and what stands beside them: round numbers in fitting units.

/// A labelled place on an axis, in the unit of the data.
struct Tick: Equatable {
  var value: Double
  var label: String
}

/// Ticks from zero up to the first round number that holds the data.
enum AxisTicks {
  /// Round byte counts: 1, 2 or 5 times a power of ten of the largest binary unit of which the
  /// data hold at least one.
  static func bytes(upTo maximum: Double, count: Int = 5) -> [Tick] {
    let units: [(String, Double)] = [
      ("B", 1), ("KiB", 0x1p10), ("MiB", 0x1p20), ("GiB", 0x1p30), ("TiB", 0x1p40),
      ("PiB", 0x1p50), ("EiB", 0x1p60),
    ]
    return ticks(upTo: maximum, units: units, count: count)
  }

  /// Round spans of time, from nanoseconds to days.
  static func time(upToNanoseconds maximum: Double, count: Int = 6) -> [Tick] {
    let units: [(String, Double)] = [
      ("ns", 1), ("µs", 1e3), ("ms", 1e6), ("s", 1e9), ("min", 6e10), ("h", 3.6e12), ("d", 8.64e13),
    ]
    return ticks(upTo: maximum, units: units, count: count, atLeast: 2)
  }

  /// Round counts, thousands as `k`, millions as `M`.
  static func counts(upTo maximum: Double, count: Int = 5) -> [Tick] {
    let units: [(String, Double)] = [("", 1), ("k", 1e3), ("M", 1e6), ("G", 1e9), ("T", 1e12)]
    return ticks(upTo: maximum, units: units, count: count)
  }

  /// Fractions over 1 as percents.
  static func fractions() -> [Tick] {
    [0, 0.25, 0.5, 0.75, 1].map { Tick(value: $0, label: Formats.percent($0)) }
  }

  /// The smallest of 1, 2 and 5 times a power of ten that is at least `rough`.
  static func niceStep(_ rough: Double) -> Double {
    guard rough > 0, rough.isFinite else { return 1 }
    var power = 1.0
    while power > rough { power /= 10 }
    while power * 10 <= rough { power *= 10 }
    for factor in [1.0, 2, 5] where power * factor >= rough * (1 - 1e-9) { return power * factor }
    return power * 10
  }

  /// Ticks in the largest unit of which `maximum` holds at least `atLeast`; steps are not finer
  /// than one of the smallest unit, because half a byte is none.
  private static func ticks(
    upTo maximum: Double, units: [(String, Double)], count: Int, atLeast: Double = 1
  ) -> [Tick] {
    let maximum = maximum.isFinite && maximum > 0 ? maximum : 1
    let (name, scale) = units.last { maximum >= $0.1 * atLeast } ?? units[0]
    var step = niceStep(maximum / scale / Double(max(count, 1)))
    if scale == units[0].1 { step = max(step, 1) }
    let last = Int((maximum / scale / step - 1e-9).rounded(.up))
    return (0...max(last, 1)).map { index in
      let value = Double(index) * step
      let text = Formats.shortest(value)
      let label = name.isEmpty ? text : "\(text) \(name)"
      return Tick(value: value * scale, label: index == 0 ? "0" : label)
    }
  }
}
