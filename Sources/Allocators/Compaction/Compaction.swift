// How live blocks are moved together, when, and how much of it a heap may do.

/// The compaction of a fit heap.
public struct Compaction: Hashable, Sendable {
  /// How blocks are moved.
  public enum Method: String, CaseIterable, Hashable, Sendable {
    /// Not at all.
    case none
    /// Every block moves down to the end of the one below it (the "Lisp 2" collector; Jones, Hosking
    /// & Moss, The Garbage Collection Handbook, 2012, §3.2).
    ///
    /// The order stays, and no hole is left but what an alignment above the heap's own needs.
    case sliding
    /// From the top down, each block goes, once, to the lowest hole below it into which it fits, until the
    /// pass comes to the lowest hole (after Edwards, in Saunders, "The LISP system for the Q-32
    /// computer", 1964; Handbook §3.1).
    ///
    /// The order is lost. With blocks of one size no hole is left; of unequal ones those stay that fit
    /// no hole below them.
    case twoFinger = "two-finger"
  }

  /// When a pass is made.
  public enum Trigger: Hashable, Sendable {
    /// When a request fits no hole, but all holes together are as long as it.
    ///
    /// Not again until something was freed, unless the budget cut the last pass short.
    case failure
    /// When holes are more than this share of what the heap holds, in percent.
    ///
    /// And more than twice what the last pass left, so that a pass that leaves too much is not
    /// repeated in vain.
    case share(Int)
    /// At every so manieth request.
    case every(Int)
  }

  /// How blocks are moved.
  public var method: Method
  /// When a pass is made.
  ///
  /// The share and the count are looked at before a block is placed or resized, and after one was freed.
  public var trigger: Trigger
  /// If this is c, all blocks ever moved have at most 1/c of the bytes allocated so far; nil is no
  /// limit.
  ///
  /// A pass ends at the block that would go beyond it: c-partial compaction (Bendersky & Petrank,
  /// "Space overhead bounds for dynamic memory management with partial compaction", POPL 2011).
  public var budget: Int?

  /// No compaction, but for what is named.
  public init(method: Method = .none, trigger: Trigger = .failure, budget: Int? = nil) {
    self.method = method
    self.trigger = trigger
    self.budget = budget
  }
}
