// The settings of the layer of thread caches.

public import MemoryUnits

/// Where a block goes that another thread frees than the one that fetched it.
public enum RemoteFree: String, CaseIterable, Hashable, Sendable {
  /// To the cache of the thread that frees it.
  case freeing
  /// Back to the thread that fetched it from the heap below.
  case owner
}

/// The size classes of caches.
public enum CacheClasses: Hashable, Sendable {
  /// All multiples of a power of two from 8 to 4096.
  case multiples(of: ByteCount)
  /// Those of an allocator, or one's own; requests above the last go past the caches.
  case scheme(ClassScheme)

  static func areMultiples(of step: ByteCount) -> Bool {
    step >= 8 && step <= 4096 && step.rawValue & (step.rawValue - 1) == 0
  }

  /// The sizes, up to the first that holds `largest`.
  func sizes(upTo largest: Int) -> [Int] {
    switch self {
    case .multiples(let step):
      precondition(Self.areMultiples(of: step), "classes lie a power of two apart")
      return Array(stride(from: step.int, to: largest + step.int, by: step.int))
    case .scheme(let scheme): return scheme.sizes
    }
  }
}

/// The settings of the layer of thread caches.
public struct ThreadCacheParameters: Hashable, Sendable {
  /// The most free blocks that a thread keeps of a class, from 1 to 4096.
  public var slots = 32
  /// Blocks that move at once between a cache and the heap below, from 1 to 4096.
  public var batch = 16
  /// Larger requests go past the caches; up to 256 KiB.
  public var largest: ByteCount = 1024
  /// The sizes to which requests are rounded up.
  public var classes = CacheClasses.multiples(of: 16)
  /// What becomes of blocks that other threads free.
  public var remote = RemoteFree.freeing

  /// The defaults but for what is named.
  public init(
    slots: Int = 32, batch: Int = 16, largest: ByteCount = 1024,
    classes: CacheClasses = .multiples(of: 16),
    remote: RemoteFree = .freeing
  ) {
    self.slots = slots
    self.batch = batch
    self.largest = largest
    self.classes = classes
    self.remote = remote
  }
}
