// The settings of the layer of thread caches.

public import MemoryUnits

/// Where a block goes that another thread frees than the one that fetched it.
public enum RemoteFree: String, CaseIterable, Hashable, Sendable {
  /// To the cache of the thread that frees it.
  case freeing
  /// Back to the thread that fetched it from the heap below.
  case owner
}

/// The settings of the layer of thread caches.
public struct ThreadCacheParameters: Hashable, Sendable {
  /// The most free blocks that a thread keeps of a class, from 1 to 4096.
  public var slots = 32
  /// Blocks that move at once between a cache and the heap below, from 1 to 4096.
  public var batch = 16
  /// Larger requests go past the caches; up to 256 KiB.
  public var largest: ByteCount = 1024
  /// The distance between size classes, a power of two from 8 to 4096.
  public var step: ByteCount = 16
  /// What becomes of blocks that other threads free.
  public var remote = RemoteFree.freeing

  /// The defaults but for what is named.
  public init(
    slots: Int = 32, batch: Int = 16, largest: ByteCount = 1024, step: ByteCount = 16,
    remote: RemoteFree = .freeing
  ) {
    self.slots = slots
    self.batch = batch
    self.largest = largest
    self.step = step
    self.remote = remote
  }
}
