// The options of `lacuna record` that choose a part of the address space.

import ArgumentParser
import Trace

/// Which regions of the address space are recorded.
struct RegionOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Record only the blocks in a random 1/N of all regions of the address space.",
      discussion: "Costs little enough for production. What is reported then is estimated.",
      valueName: "1/N"))
  var regions: String?

  @Option(
    help: ArgumentHelp(
      "The size of a region with --regions, a power of two from 4k to 4M. (default: 64k)",
      valueName: "size"))
  var regionSize: String?

  /// The sample, with a seed of its own; nil where all is recorded.
  func sampling() -> RegionSampling? {
    guard let denominator = regions.flatMap(Self.denominator), denominator > 1 else { return nil }
    return RegionSampling(
      size: regionSize.flatMap(Self.size) ?? RegionSampling.usualSize, denominator: denominator,
      seed: .random(in: 0...RegionSampling.largestSeed))
  }

  func validate() throws {
    if let regions, Self.denominator(regions) == nil {
      throw ValidationError(
        "--regions takes 1/N with N from 1 to \(RegionSampling.largestDenominator): '\(regions)'.")
    }
    guard let regionSize else { return }
    guard Self.size(regionSize) != nil else {
      throw ValidationError("--region-size takes a power of two from 4k to 4M: '\(regionSize)'.")
    }
    guard regions != nil else { throw ValidationError("--region-size needs --regions 1/N.") }
  }

  /// Reads `1/N`.
  private static func denominator(_ text: String) -> Int? {
    guard text.hasPrefix("1/"), text.dropFirst(2).allSatisfy(\.isNumber),
      let number = Int(text.dropFirst(2)),
      (1...RegionSampling.largestDenominator).contains(number)
    else { return nil }
    return number
  }

  /// Reads a number of bytes with `k` or `M` behind it.
  private static func size(_ text: String) -> Int? {
    let units: [Character: Int] = ["k": 1 << 10, "K": 1 << 10, "m": 1 << 20, "M": 1 << 20]
    let unit = text.last.flatMap { units[$0] }
    guard let number = Int(unit == nil ? text[...] : text.dropLast()),
      number > 0, number <= RegionSampling.sizes.upperBound
    else { return nil }
    let bytes = number * (unit ?? 1)
    return RegionSampling.isUsable(size: bytes) ? bytes : nil
  }
}
