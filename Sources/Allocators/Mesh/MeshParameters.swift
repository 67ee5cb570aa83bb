// The settings of a heap that meshes its spans.

public import MemoryUnits

/// Which free slot of a span is used next.
public enum SlotChoice: String, CaseIterable, Hashable, Sendable {
  /// Any, all alike: what meshing rests on.
  case random
  /// The lowest.
  case first
}

/// The settings of a heap that meshes its spans.
public struct MeshParameters: Hashable, Sendable {
  /// The sizes of slots.
  public var classes = ClassScheme.jemalloc
  /// The bytes of a span, whole pages up to 64 KiB; more where that holds fewer than eight slots.
  public var span: ByteCount = 4096
  /// Which free slot of a span is used next.
  public var slots = SlotChoice.random
  /// Spans are meshed after so many frees; never where it is zero.
  public var every = 1000
  /// How often each span is compared with another in a round.
  public var probes = 64
  /// What randomness follows from.
  public var seed = 1

  /// The defaults.
  public init() {}

  /// The defaults but for what is named.
  public init(
    classes: ClassScheme = .jemalloc, span: ByteCount = 4096, slots: SlotChoice = .random,
    every: Int = 1000, probes: Int = 64, seed: Int = 1
  ) {
    self.classes = classes
    self.span = span
    self.slots = slots
    self.every = every
    self.probes = probes
    self.seed = seed
  }
}
