// Which call sites allocate what lives long: found out by a pass over the trace.

public import MemoryUnits

/// Answers requests with the handles of blocks, and notes how long the blocks of each site live.
///
/// Age is counted in bytes allocated since the block began (Barrett & Zorn, PLDI 1993), which is
/// the same on every machine. A site's typical block is its median: a site is long-lived when more
/// than half of its blocks are. A block counts for the site that began it, however often it is
/// resized.
///
/// Takes 16 bytes a live block and 8 a site.
public struct SiteLifetimes: Heap, ~Copyable {
  /// Nothing is ever held.
  public var heldChanges: [HeldChange] = []
  /// Nothing is done.
  public var work: Work { Work() }
  /// Blocks that began.
  public private(set) var allocations = 0

  private struct Birth {
    var age: Int
    var site: UInt32
    var isLive: Bool
  }

  private struct Tally {
    var short: UInt32 = 0
    var long: UInt32 = 0
  }

  private let split: Int
  /// After so many allocations nothing more is learnt.
  private let learnsUntil: Int
  private var clock = 0
  private var births: [Birth] = []
  private var sites: [Tally] = []

  /// More live blocks, or sites, are not followed.
  private static var tableLimit: Int { 1 << 26 }

  /// Nothing is known yet.
  ///
  /// - Parameters:
  ///   - split: the age from which on a block is long-lived.
  ///   - learnsUntil: the number of allocations after which nothing more is learnt.
  public init(split: ByteCount, learnsUntil: Int = .max) {
    self.split = split.int
    self.learnsUntil = learnsUntil
  }

  /// Notes that a block begins.
  public mutating func allocate(_ request: BlockRequest) -> Placement {
    guard allocations < learnsUntil else { return Placement(address: .zero, granted: .zero) }
    let handle = Int(request.handle)
    allocations += 1
    if handle < Self.tableLimit {
      while births.count <= handle { births.append(Birth(age: 0, site: 0, isLive: false)) }
      births[handle] = Birth(age: clock, site: request.site, isLive: true)
    }
    clock &+= max(min(request.size.int, 1 << 42), 0)
    return Placement(address: Address(UInt64(handle)), granted: .zero)
  }

  /// Notes how old a block became.
  public mutating func free(_ placement: Placement) {
    guard allocations < learnsUntil else { return }
    let handle = Int(placement.address.rawValue)
    guard handle < births.count, births[handle].isLive else { return }
    births[handle].isLive = false
    let (site, age) = (Int(births[handle].site), clock &- births[handle].age)
    if site < Self.tableLimit { Self.note(site, isLong: age >= split, in: &sites) }
  }

  /// Notes the bytes that a block grows by; it goes on living.
  public mutating func reallocate(
    _ placement: Placement, oldSize: ByteCount, to request: BlockRequest
  ) -> Placement {
    clock &+= max(min((request.size - oldSize).int, 1 << 42), 0)
    return placement
  }

  /// The sites whose blocks are typically long-lived, as far as is known now.
  ///
  /// Blocks that live count by their age so far where learning stopped on the way, and as
  /// long-lived where all is over.
  public var longLivedSites: LongLivedSites {
    var tallies = sites
    for birth in births where birth.isLive && Int(birth.site) < Self.tableLimit {
      let isOld = allocations < learnsUntil || clock &- birth.age >= split
      Self.note(Int(birth.site), isLong: isOld, in: &tallies)
    }
    return LongLivedSites(isLong: tallies.map { $0.long > $0.short })
  }

  private static func note(_ site: Int, isLong: Bool, in sites: inout [Tally]) {
    while sites.count <= site { sites.append(Tally()) }
    if isLong { sites[site].long &+= 1 } else { sites[site].short &+= 1 }
  }
}

/// The sites whose blocks are typically long-lived.
public struct LongLivedSites: Sendable, Equatable {
  private let isLong: [Bool]

  /// By the number of the site; what is not there is not long-lived.
  public init(isLong: [Bool]) { self.isLong = isLong }

  /// Whether a site's blocks are.
  public func contains(_ site: UInt32) -> Bool { Int(site) < isLong.count && isLong[Int(site)] }
}
