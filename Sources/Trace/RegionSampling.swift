// Which part of the address space a sampled trace knows.

public import MemoryUnits

/// A pseudo-random 1/N of equal regions of the address space, and how to tell whether a region is
/// in it.
///
/// Every region is in the sample with probability 1/N over the seeds, and any two regions are in it
/// independently of each other: the hash is the multiply-add scheme of Dietzfelbinger, "Universal
/// hashing and k-wise independence via integer arithmetic without primes" (STACS'96), whose 17
/// upper bits are exactly pairwise independent for regions of 47-bit addresses. The places of the
/// borders depend on the seed too, in steps of a page, so that no hole is always cut by one.
public struct RegionSampling: Sendable, Equatable {
  /// Bytes of a region: a power of two.
  public let size: Int
  /// N.
  public let denominator: Int
  /// Chooses the regions; at most ``largestSeed``.
  public let seed: UInt64

  /// Added to an address before its region is taken: a multiple of the page size, less than `size`.
  public let grid: UInt64
  /// Keeps of that sum where the region begins.
  public let mask: UInt64
  /// Of the hash, by which the start of the region is multiplied.
  public let multiplier: UInt64
  /// Of the hash, added to the product.
  public let offset: UInt64
  /// Regions with a smaller hash are sampled.
  public let threshold: UInt64

  /// The sizes that a region may have: one page to 4 MiB.
  public static let sizes = 4096...4 << 20
  /// The size of a region where nobody chose another.
  public static let usualSize = 64 << 10
  /// The largest N.
  public static let largestDenominator = 65_536
  /// Seeds are exact as JSON numbers.
  public static let largestSeed: UInt64 = 1 << 53 - 1

  /// The sample that is everything.
  public static let all = RegionSampling(size: usualSize, denominator: 1, seed: 0)

  /// Whether a region may have so many bytes.
  public static func isUsable(size: Int) -> Bool {
    sizes.contains(size) && size & (size - 1) == 0
  }

  /// The sample of 1/`denominator` that a seed stands for.
  ///
  /// What is out of range is brought into it: a size is rounded down to a power of two.
  public init(size: Int, denominator: Int, seed: UInt64) {
    let bounded = UInt64(min(max(size, Self.sizes.lowerBound), Self.sizes.upperBound))
    let bytes = UInt64(1) << UInt64(63 - bounded.leadingZeroBitCount)
    self.size = Int(bytes)
    self.denominator = min(max(denominator, 1), Self.largestDenominator)
    self.seed = min(seed, Self.largestSeed)
    mask = ~(bytes &- 1)
    guard self.denominator > 1 else {
      (grid, multiplier, offset, threshold) = (0, 0, 0, 1)
      return
    }
    // Three numbers of the generator splitmix64 (Steele et al., OOPSLA'14).
    var state = self.seed
    func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var z = state
      z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
      z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
      return z ^ z >> 31
    }
    grid = next() & (bytes &- 1) & ~4095
    multiplier = next()
    offset = next()
    // 2^64 / N, rounded down: exact for powers of two, and too small by less than 2^-40 otherwise.
    threshold =
      .max / UInt64(self.denominator) &+ (.max % UInt64(self.denominator) &+ 1)
      / UInt64(self.denominator)
  }

  /// The first address of the region that an address lies in, on the grid.
  @inlinable
  public func base(of address: UInt64) -> UInt64 { (address &+ grid) & mask }

  /// Whether the region with this base is in the sample.
  @inlinable
  public func samples(base: UInt64) -> Bool { base &* multiplier &+ offset < threshold }

  /// Whether an address lies in the sample.
  @inlinable
  public func samples(_ address: Address) -> Bool { samples(base: base(of: address.rawValue)) }

  /// The addresses of the region with this base.
  ///
  /// The one at the very start of the address space is cut off at zero.
  @inlinable
  public func range(base: UInt64) -> Range<UInt64> {
    (base < grid ? 0 : base &- grid)..<base &- grid &+ UInt64(size)
  }

  /// Whether a block is in the trace: whether a sampled region holds any of its bytes, of the 16
  /// bytes in front of it, or the byte behind it.
  ///
  /// - Parameters:
  ///   - block: the address that the program got.
  ///   - usable: what the allocator made usable.
  /// - Complexity: O(N) expected, O(1) for a block that is shorter than a region.
  public func counts(block: Address, usable: ByteCount) -> Bool {
    var base = base(of: block.rawValue &- 16)
    let end = self.base(of: block.rawValue &+ UInt64(max(0, usable.rawValue)))
    while base < end {
      if samples(base: base) { return true }
      base &+= UInt64(size)
    }
    return base > end || samples(base: base)
  }
}

extension RegionSampling: Codable {
  private enum CodingKeys: CodingKey {
    case size, denominator, seed
  }

  /// Reads the three numbers that make the sample; all else follows from them.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      size: try values.decode(Int.self, forKey: .size),
      denominator: try values.decode(Int.self, forKey: .denominator),
      seed: try values.decode(UInt64.self, forKey: .seed))
  }

  /// Writes the three numbers that make the sample.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(size, forKey: .size)
    try values.encode(denominator, forKey: .denominator)
    try values.encode(seed, forKey: .seed)
  }
}
