// What must hold of any heap after any step, whatever its policy.

public import Allocators
public import MemoryUnits

/// Follows what a heap does, with plain arrays, and says what is wrong with it.
///
/// Drive it with every placement and every held change; each call returns the rules that the step
/// broke, and an empty list if it broke none.
public struct PlacementValidator {
  private struct Block {
    var placement: Placement
    var size: ByteCount
  }

  private var blocks: [Block] = []
  private var held: [Range<UInt64>] = []

  /// Nothing is held, nothing lives.
  public init() {}

  /// All that the live blocks cover.
  public var grantedBytes: ByteCount { blocks.reduce(.zero) { $0 + $1.placement.granted } }

  /// All that the heap has from the system.
  public var heldBytes: ByteCount {
    ByteCount(held.reduce(0) { $0 + $1.upperBound - $1.lowerBound }.asInt64)
  }

  /// The maximal runs of held bytes that no block covers, in order of address.
  public var freeRuns: [Range<Address>] {
    var edges = held.map { ($0.lowerBound, 1) } + held.map { ($0.upperBound, -1) }
    edges += blocks.map { ($0.placement.address.rawValue, -1) }
    edges += blocks.map { ($0.placement.end.rawValue, 1) }
    edges.sort { ($0.0, $0.1) < ($1.0, $1.1) }
    var runs: [Range<Address>] = []
    var depth = 0
    for (index, edge) in edges.enumerated() {
      depth += edge.1
      guard depth > 0, index + 1 < edges.count, edges[index + 1].0 > edge.0 else { continue }
      let run = Address(edge.0)..<Address(edges[index + 1].0)
      if let last = runs.last, last.upperBound == run.lowerBound {
        runs[runs.count - 1] = last.lowerBound..<run.upperBound
      } else {
        runs.append(run)
      }
    }
    return runs
  }

  /// Takes the changes of what is held that led to the next placement or followed the last free.
  public mutating func apply(_ changes: [HeldChange]) -> [String] {
    var wrong: [String] = []
    for change in changes {
      let range = change.range.lowerBound.rawValue..<change.range.upperBound.rawValue
      if range.isEmpty { wrong.append("an empty held change") }
      if change.isGrowth {
        if held.contains(where: { $0.overlaps(range) }) { wrong.append("\(range) was held") }
        held.append(range)
      } else {
        if !isHeld(range) { wrong.append("\(range) was given back but not held") }
        held = held.flatMap { Self.subtract(range, from: $0) }
      }
    }
    for block in blocks where !isHeld(Self.range(block.placement)) {
      wrong.append("the block at \(block.placement.address) is no longer held")
    }
    return wrong
  }

  /// A block was placed for this request.
  ///
  /// Apply the held changes first.
  public mutating func place(_ placement: Placement, for request: BlockRequest) -> [String] {
    var wrong: [String] = []
    let range = Self.range(placement)
    if placement.granted < max(request.size, 1) { wrong.append("granted less than requested") }
    if request.alignment > 1, range.lowerBound % UInt64(request.alignment.rawValue) != 0 {
      wrong.append("\(placement.address) is not aligned to \(request.alignment.rawValue)")
    }
    if !isHeld(range) { wrong.append("\(range) is not held") }
    for block in blocks where Self.range(block.placement).overlaps(range) {
      wrong.append("\(range) overlaps the block at \(block.placement.address)")
    }
    blocks.append(Block(placement: placement, size: request.size))
    return wrong
  }

  /// A block was freed, or is about to be placed anew by a reallocation.
  public mutating func free(_ placement: Placement) -> [String] {
    guard let index = blocks.firstIndex(where: { $0.placement == placement }) else {
      return ["no block at \(placement.address)"]
    }
    blocks.remove(at: index)
    return []
  }

  private static func range(_ placement: Placement) -> Range<UInt64> {
    placement.address.rawValue..<placement.end.rawValue
  }

  private func isHeld(_ range: Range<UInt64>) -> Bool {
    var missing = [range]
    for piece in held { missing = missing.flatMap { Self.subtract(piece, from: $0) } }
    return missing.isEmpty
  }

  private static func subtract(
    _ piece: Range<UInt64>, from range: Range<UInt64>
  ) -> [Range<UInt64>] {
    guard piece.overlaps(range) else { return [range] }
    let below = range.lowerBound..<max(range.lowerBound, piece.lowerBound)
    let above = min(range.upperBound, piece.upperBound)..<range.upperBound
    return [below, above].filter { !$0.isEmpty }
  }
}

extension UInt64 {
  fileprivate var asInt64: Int64 { Int64(bitPattern: self) }
}
