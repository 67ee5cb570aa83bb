// The order of the list of holes, and when neighbours on it become one.

/// The order of the list of holes that the textbook's scan walks.
///
/// First fit takes the first hole of the list into which the block fits; of several holes that best
/// or worst fit might take, the first of the list is taken. Knuth (TAOCP 1 §2.5) has the list in
/// order of address or in none; Wilson, Johnstone, Neely & Boles ("Dynamic Storage Allocation",
/// IWMM 1995, §3) tell how the orders differ.
///
/// In the two orders that are not by address:
/// * The rest of a hole that a block was cut from keeps the place of the hole. Where an alignment
///   leaves a gap before the block and a rest behind it, the gap keeps the place and the rest is a
///   new piece.
/// * New pieces are also freed blocks, the tails of shrunk ones, joined runs (the joined pieces leave
///   the list), and the gaps that an alignment leaves in the wilderness. Where a sweep joins
///   several runs, they come onto the list one after the other in order of address.
/// * Next fit has a pointer into the list: to the rest of the hole that it used last, or to what
///   followed that hole where there is no rest; at first to the front, or, where new pieces come
///   there, behind them. A piece that leaves the list leaves the pointer at its successor; a placement
///   at the top of the heap leaves it alone. A scan starts at the pointer and wraps round once.
public enum HoleOrder: String, CaseIterable, Hashable, Sendable {
  /// By address, lowest first.
  case address
  /// New pieces go to the front.
  case lifo
  /// New pieces go to the back.
  case fifo

  static var words: String { allCases.map(\.rawValue).joined(separator: "|") }
}

/// When a freed block joins the free pieces next to it.
public enum CoalesceRule: String, CaseIterable, Hashable, Sendable {
  /// As soon as it is freed (Knuth's boundary tags).
  case immediate
  /// When a request fits no piece: then all neighbours become one, in one sweep over the heap in
  /// order of address, and the request is tried again before the heap is extended.
  ///
  /// There is no sweep while no two free pieces touch. What it joins to the wilderness may be
  /// given back to the system, once the request is served. The sweep looks at every piece, which
  /// `Work.holesInspected` counts.
  case deferred
  /// Never: pieces stay as they were cut, and the wilderness only shrinks.
  case never

  static var words: String { allCases.map(\.rawValue).joined(separator: "|") }
}
