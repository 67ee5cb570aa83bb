// The settings of the layer of arenas.

/// How threads come to their arenas.
public enum ArenaBinding: String, CaseIterable, Hashable, Sendable {
  /// By the number of the thread, modulo the number of arenas.
  case thread
  /// In turn, each thread when it first allocates.
  case roundRobin = "round-robin"
}

/// The settings of the layer of arenas.
public struct ArenasParameters: Hashable, Sendable {
  /// Heaps side by side, from 1 to 64.
  public var count = 4
  /// How threads come to them.
  public var binding = ArenaBinding.thread

  /// The defaults but for what is named.
  public init(count: Int = 4, binding: ArenaBinding = .thread) {
    self.count = count
    self.binding = binding
  }
}
