// The settings that first, best, next and worst fit share.

public import MemoryUnits

/// When a heap gives the free run at its top back to the system.
public enum TrimRule: Hashable, Sendable {
  case never
  /// As soon as there is more of it than this; zero trims always.
  case above(ByteCount)

  /// As soon as there is any.
  public static let always = TrimRule.above(0)
}

/// The settings of a fit heap.
///
/// The defaults model the heap of a textbook: no headers, nothing ever given back.
public struct FitParameters: Hashable, Sendable {
  /// Bytes that the heap adds to each block for itself.
  ///
  /// A real heap writes them below the address that it returns, which is the same as a heap of
  /// addresses shifted by one header that has them at the block's end. So a placement's address is
  /// the one that the program sees, and its granted bytes count the header behind it.
  public var header: ByteCount = 0
  /// All addresses and granted sizes are multiples of it.
  ///
  /// A power of two up to 256 MiB.
  public var align: ByteCount = 16
  /// The smallest piece that a split leaves over: a smaller rest stays with the block.
  public var min: ByteCount = 16
  /// The heap takes from the system, and gives back, multiples of this, rounded up to `align`.
  public var growth: ByteCount = 4096
  /// When free space at the top goes back to the system.
  public var trim: TrimRule = .never
  /// The order of the list of holes.
  public var order: HoleOrder = .address
  /// When a freed block joins its free neighbours.
  public var coalesce: CoalesceRule = .immediate
  /// Whether and when live blocks are moved together.
  ///
  /// Only for lists in order of address whose neighbours join at once.
  public var compaction = Compaction()

  /// The defaults.
  public init() {}

  /// The defaults but for what is named.
  public init(
    header: ByteCount = 0, align: ByteCount = 16, min: ByteCount = 16, growth: ByteCount = 4096,
    trim: TrimRule = .never, order: HoleOrder = .address, coalesce: CoalesceRule = .immediate,
    compaction: Compaction = Compaction()
  ) {
    self.header = header
    self.align = align
    self.min = min
    self.growth = growth
    self.trim = trim
    self.order = order
    self.coalesce = coalesce
    self.compaction = compaction
  }
}
