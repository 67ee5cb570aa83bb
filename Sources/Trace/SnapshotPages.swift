// Which pages are there, and which blocks wait in the caches of the threads.

public import MemoryUnits

/// Which pages of the anonymous mappings of a snapshot are in memory.
///
/// The recorder's own mappings are left out.
public struct PagePresence: Sendable, Equatable {
  /// How it was found out.
  public var source: Source
  /// Pages in memory: ascending, apart from each other, whole pages.
  ///
  /// The page of zeros that the kernel shares out for memory which was only read does not count, as
  /// it does not count as resident either.
  public var present: [Range<Address>]
  /// Pages written out to swap; likewise.
  public var swapped: [Range<Address>]

  /// Makes a description, or one that says nothing.
  public init(
    source: Source = .unknown, present: [Range<Address>] = [], swapped: [Range<Address>] = []
  ) {
    self.source = source
    self.present = present
    self.swapped = swapped
  }

  /// How the presence of pages was found out.
  ///
  /// The raw values are part of the trace format.
  public enum Source: UInt8, Sendable, CaseIterable {
    /// It was not: nothing is known of any page.
    case unknown = 0
    /// By the `PAGEMAP_SCAN` request of Linux 6.7 and later.
    case pagemapScan = 1
    /// From `/proc/PID/pagemap`; pages of zeros were told apart by their users.
    case pagemap = 2
  }

  /// The bytes of the pages that are there.
  public var presentBytes: ByteCount { present.reduce(.zero) { $0 + $1.byteCount } }
}

/// The blocks that one thread has freed and glibc keeps at hand for it (its *tcache*).
public struct ThreadCache: Sendable, Equatable {
  /// The thread.
  public var thread: ThreadIndex
  /// The block in which glibc keeps the lists: a live one of 640 bytes that the program never asked
  /// for.
  ///
  /// Zero where the thread has none yet, or none any more.
  public var structure: Address
  /// The blocks by size, small ones first; nil where the lists could not be read, or made no sense
  /// because the thread was just changing them.
  public var bins: [Bin]?

  /// The number of blocks; nil where it is not known.
  public var blockCount: Int? { bins?.reduce(0) { $0 + $1.blocks.count } }

  /// Describes the cache of a thread.
  public init(thread: ThreadIndex, structure: Address, bins: [Bin]?) {
    self.thread = thread
    self.structure = structure
    self.bins = bins
  }

  /// The cached blocks of one size.
  public struct Bin: Sendable, Equatable {
    /// The bytes that each of them would make usable.
    public var usable: ByteCount
    /// Their addresses, ascending.
    public var blocks: [Address]

    /// Describes blocks of one size.
    public init(usable: ByteCount, blocks: [Address]) {
      self.usable = usable
      self.blocks = blocks
    }
  }
}
