// The fit policies over a list of holes that is not in order of address.

/// A rule that is known by its name.
public protocol NamedFit: ~Copyable {
  /// As in specifications.
  static var name: FitPolicyName { get }
}

extension FirstFit: NamedFit {
  /// First fit.
  public static var name: FitPolicyName { .firstFit }
}

extension BestFit: NamedFit {
  /// Best fit.
  public static var name: FitPolicyName { .bestFit }
}

extension NextFit: NamedFit {
  /// Next fit.
  public static var name: FitPolicyName { .nextFit }
}

extension WorstFit: NamedFit {
  /// Worst fit.
  public static var name: FitPolicyName { .worstFit }
}

/// The policy of the same name over a list in the order in which the holes came; `HoleOrder` says
/// what that order is.
public struct Listed<Policy: NamedFit & ~Copyable>: FitPolicy, ~Copyable {
  @usableFromInline var index: ListIndex

  /// A policy that has seen nothing, over a list that is not in order of address.
  @inlinable
  public init(order: HoleOrder) { index = ListIndex(Policy.name, order) }

  /// Joined runs are new pieces.
  @inlinable public static var isListed: Bool { true }

  /// What it needs of the hole map: tags and start bits only.
  public static var indexes: HoleMap.Indexes { [] }

  /// The start of the hole that the scan would choose, or -1.
  @inlinable
  public mutating func choose(
    _ query: FitQuery, in map: borrowing HoleMap, inspected: inout UInt64
  ) -> Int {
    index.choose(query, &inspected)
  }

  /// Puts a new piece on the list.
  @inlinable
  public mutating func holeAppeared(_ start: Int, _ length: Int, in map: borrowing HoleMap) {
    index.append(start, length)
  }

  /// Takes a piece off the list.
  @inlinable
  public mutating func holeVanished(_ start: Int, _ length: Int) { index.remove(start, length) }

  /// Changes a piece where it stands.
  @inlinable
  public mutating func holeMoved(
    _ start: Int, _ length: Int, to newStart: Int, _ newLength: Int, in map: borrowing HoleMap
  ) {
    index.move(start, length, to: newStart, newLength)
  }
}
