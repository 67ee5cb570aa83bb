// What a fit policy looks for, and where in a hole a block would go.

/// A request in granules of the heap that searches.
public struct FitQuery: Sendable {
  /// The block's length.
  @usableFromInline let length: Int
  /// The alignment of its address; 1 when the heap's own alignment will do.
  @usableFromInline let alignment: Int
  /// The shortest gap that may stay free before an aligned block.
  @usableFromInline let shortestGap: Int
  /// The address of granule zero, in granules.
  @usableFromInline let origin: Int

  @inlinable
  init(length: Int, alignment: Int, shortestGap: Int, origin: Int) {
    self.length = length
    self.alignment = alignment
    self.shortestGap = shortestGap
    self.origin = origin
  }

  /// The lowest granule at or above `start` that is aligned and either leaves no gap above
  /// `start` or one that is long enough to be a hole.
  @inlinable
  func position(from start: Int) -> Int {
    guard alignment > 1 else { return start }
    let aligned = alignedUp(start)
    let gap = aligned - start
    return gap == 0 || gap >= shortestGap ? aligned : alignedUp(start + shortestGap)
  }

  @inlinable
  func alignedUp(_ granule: Int) -> Int {
    ((granule + origin + alignment - 1) & ~(alignment - 1)) - origin
  }

  /// Whether the block fits into a hole.
  @inlinable
  func fits(_ start: Int, _ holeLength: Int) -> Bool {
    position(from: start) + length <= start + holeLength
  }

  /// A length from which on every hole has an aligned place for the block.
  @inlinable
  var sufficientLength: Int { alignment > 1 ? length + alignment + shortestGap : length }
}
