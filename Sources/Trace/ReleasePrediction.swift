// Which function released a block, guessed from the one that it was asked for by.

/// Predicts that blocks of one family are released as the last one of that family was.
///
/// Writer and reader run the same prediction; it begins anew with each chunk.
struct ReleasePrediction {
  static let families = 5
  /// malloc and its kin, new, new[], aligned new, aligned new[].
  private static let initial: [EntryPoint] = [
    .free, .delete, .deleteArray, .deleteAligned, .deleteArrayAligned,
  ]

  private let last: UnsafeMutablePointer<EntryPoint>

  init() {
    last = .allocate(capacity: Self.families)
    reset()
  }

  func deallocate() { last.deallocate() }

  func reset() {
    for (family, entry) in Self.initial.enumerated() {
      (last + family).initialize(to: entry)
    }
  }

  /// The family of blocks that were asked for through a function; part of the format.
  static func family(of entry: EntryPoint) -> UInt8 {
    switch entry {
    case .new, .newNothrow: 1
    case .newArray, .newArrayNothrow: 2
    case .newAligned, .newAlignedNothrow: 3
    case .newArrayAligned, .newArrayAlignedNothrow: 4
    default: 0
    }
  }

  /// The function that is expected to release a block of a family.
  @inline(__always)
  func release(of family: UInt8) -> EntryPoint { last[Int(family)] }

  @inline(__always)
  func note(_ release: EntryPoint, of family: UInt8) { last[Int(family)] = release }
}

/// The family of each stack's function, by the number of the stack.
struct StackFamilies {
  private(set) var families: UnsafeMutablePointer<UInt8>
  private var count: Int
  private var capacity: Int

  init() {
    capacity = 1 << 12
    families = .allocate(capacity: capacity)
    families.initialize(to: 0)
    count = 1
  }

  func deallocate() { families.deallocate() }

  @inline(__always)
  func family(of stack: UInt32) -> UInt8 {
    Int(stack) < count ? families[Int(stack)] : 0
  }

  /// Stacks are numbered in order, from 1 on.
  mutating func note(_ stack: UInt32, _ entry: EntryPoint) {
    guard Int(stack) == count else { return }
    if count == capacity {
      let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity * 2)
      larger.moveInitialize(from: families, count: count)
      families.deallocate()
      families = larger
      capacity *= 2
    }
    (families + count).initialize(to: ReleasePrediction.family(of: entry))
    count += 1
  }
}
