// How many blocks of the program a block of a trace stands for.

public import MemoryUnits
public import Trace

/// The weights of the blocks of a trace: 1, or N and 0 where one region in N is recorded.
///
/// A block belongs to the region in which it begins, header included, and stands for N blocks where
/// that region is recorded; blocks that only reach into one stand for none. So sums over weighted
/// blocks have the true sums as their means (Horvitz & Thompson, 1952).
public struct SampleWeights: Sendable {
  private let regions: RegionSampling?
  private let headerBytes: UInt64

  /// The weights of the blocks of a trace with these metadata.
  public init(_ metadata: TraceMetadata) {
    regions = metadata.regions
    headerBytes = UInt64(clamping: metadata.headerBytes)
  }

  /// Whether the weight of a block depends on its address.
  public var needAddresses: Bool { regions != nil }

  /// N, or 1 where all blocks are recorded.
  public var denominator: Int { regions?.denominator ?? 1 }

  /// The blocks that one at this address stands for.
  @inline(__always)
  public func weight(of address: Address) -> Int64 {
    guard let regions else { return 1 }
    let isIn = regions.samples(base: regions.base(of: address.rawValue &- headerBytes))
    return isIn ? Int64(regions.denominator) : 0
  }
}
