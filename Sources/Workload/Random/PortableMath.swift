// Logarithm and exponential that give the same bits on every machine.

/// Functions that give the same bits everywhere.
///
/// A library's functions may differ in the last bit from processor to processor, and a seed would then
/// not give the same trace everywhere. These are made of the operations that IEEE 754 defines to the
/// bit.
///
/// Both are within a few units in the last place of the true value.
package enum PortableMath {
  // ln 2 in two parts; the first has trailing zeros, so that its multiples are exact.
  private static let ln2High = 0x1.62e42fefa38p-1
  private static let ln2Low = 0x1.ef35793c7673p-45

  /// The natural logarithm of a positive finite number.
  ///
  /// The series of 2·artanh((m - 1) / (m + 1)) for m from √½ to √2.
  package static func log(_ x: Double) -> Double {
    precondition(x > 0 && x.isFinite, "only positive numbers have a logarithm")
    var mantissa = x.significand
    var exponent = Double(x.exponent)
    if mantissa > 1.414_213_562_373_095 {
      mantissa /= 2
      exponent += 1
    }
    let t = (mantissa - 1) / (mantissa + 1)
    let square = t * t
    var sum = 0.0
    for divisor in stride(from: 25.0, through: 3, by: -2) { sum = (sum + 1 / divisor) * square }
    return exponent * ln2High + (exponent * ln2Low + (2 * t + 2 * t * sum))
  }

  /// e to the power of `x`, for x from -700 to 700.
  ///
  /// Taylor's series of what is left of `x` when multiples of ln 2 are taken out.
  package static func exp(_ x: Double) -> Double {
    precondition(abs(x) <= 700, "the result would leave the range of numbers")
    let power = (x * 0x1.71547652b82fep+0).rounded()
    let rest = (x - power * ln2High) - power * ln2Low
    var sum = 1.0
    for divisor in stride(from: 14.0, through: 1, by: -1) { sum = 1 + sum * rest / divisor }
    return Double(sign: .plus, exponent: Int(power), significand: sum)
  }
}
