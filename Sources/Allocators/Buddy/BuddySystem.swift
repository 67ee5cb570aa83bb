// The relatives of the binary buddy system: which sizes they have, and how they cut them.

/// A buddy system other than the binary one.
public enum BuddySystem: String, CaseIterable, Hashable, Sendable {
  /// Fibonacci numbers, each cut into the two before it (Hirschberg, CACM 16(10) 1973).
  case fibonacci = "fibonacci-buddy"
  /// 2^k and 3·2^k; 2^(k+2) is cut into 3·2^k and 2^k, and 3·2^k into 2^(k+1) and 2^k (Shen &
  /// Peterson, CACM 17(10) 1974).
  case weighted = "weighted-buddy"
  /// Two binary systems side by side, one of 2^k and one of 3·2^k (Wise 1978).
  case double = "double-buddy"

  var summary: String {
    switch self {
    case .fibonacci: "Fibonacci buddies: a block is cut into the two sizes before its own"
    case .weighted: "weighted buddies: 2^k and 3·2^k, cut 3:1 and 2:1"
    case .double: "double buddies: a binary system of 2^k and one of 3·2^k"
    }
  }
}

/// The sizes of one tree of buddies, in units of the smallest block, and how each is cut.
///
/// A class above the first is cut into a lower and an upper part, of which the lower is of the class
/// before it, or both are of the first.
struct BuddyRule: ~Copyable {
  /// Which part of its parent a block is: the lower, or one of up to three kinds of upper, so
  /// that class and side tell the parent's class.
  typealias Side = Int
  static let lower = 0
  static let sideCount = 4
  static let classLimit = 128

  let count: Int
  private let sizes: UnsafeMutablePointer<Int>
  private let alignments: UnsafeMutablePointer<Int>
  private let upperClasses: UnsafeMutablePointer<Int>
  private let upperSides: UnsafeMutablePointer<Int>
  private let parents: UnsafeMutablePointer<Int>
  /// The first class of at least 2^k units.
  private let firstClasses: UnsafeMutablePointer<Int>

  /// One class of a system.
  private struct Cut {
    var size: Int
    /// What every address of such a block is a multiple of, from the start of the tree.
    var alignment: Int
    /// The class of the upper part.
    var upper: Int
  }

  /// The rule of a tree whose root has at most `limit` units; `tree` is 1 for the 3·2^k of the
  /// double system, else 0.
  init(_ system: BuddySystem, tree: Int, limit: Int) {
    var cuts: [Cut] = []
    while cuts.count < Self.classLimit, let next = Self.cut(system, tree, cuts.count, cuts),
      next.size <= limit || cuts.isEmpty
    {
      cuts.append(next)
    }
    count = cuts.count
    sizes = .allocate(capacity: count)
    alignments = .allocate(capacity: count)
    upperClasses = .allocate(capacity: count)
    upperSides = .allocate(capacity: count)
    parents = .allocate(capacity: count * Self.sideCount)
    parents.initialize(repeating: -1, count: count * Self.sideCount)
    firstClasses = .allocate(capacity: Int.bitWidth)
    for (number, cut) in cuts.enumerated() {
      (sizes + number).initialize(to: cut.size)
      (alignments + number).initialize(to: cut.alignment)
      (upperClasses + number).initialize(to: cut.upper)
      (upperSides + number).initialize(to: 0)
      guard number > 0 else { continue }
      var side = 1
      while parents[cut.upper * Self.sideCount + side] >= 0 { side += 1 }
      precondition(side < Self.sideCount, "a class is the upper part of too many others")
      upperSides[number] = side
      parents[cut.upper * Self.sideCount + side] = number
      parents[(number - 1) * Self.sideCount] = number
    }
    for power in 0..<Int.bitWidth {
      let found = cuts.firstIndex { $0.size >= 1 << min(power, 62) } ?? count
      (firstClasses + power).initialize(to: found)
    }
  }

  deinit {
    sizes.deallocate()
    alignments.deallocate()
    upperClasses.deallocate()
    upperSides.deallocate()
    parents.deallocate()
    firstClasses.deallocate()
  }

  private static func cut(
    _ system: BuddySystem, _ tree: Int, _ number: Int, _ before: [Cut]
  ) -> Cut? {
    switch system {
    case .fibonacci:
      guard number > 1 else { return Cut(size: number + 1, alignment: 1, upper: 0) }
      let size = before[number - 1].size + before[number - 2].size
      return Cut(size: size, alignment: 1, upper: number - 2)
    case .weighted:
      guard number > 1 else { return Cut(size: number + 1, alignment: number + 1, upper: 0) }
      // 3, 4, 6, 8, 12, …: both parts of 3·2^r are powers of two, and the lower part of 2^(r+2),
      // which 3·2^r always is, starts where that does.
      let power = 1 << (number / 2 - 1)
      let isThree = number % 2 == 0
      let upper = max(number - (isThree ? 3 : 4), 0)
      return isThree
        ? Cut(size: 3 * power, alignment: 4 * power, upper: upper)
        : Cut(size: 4 * power, alignment: 4 * power, upper: upper)
    case .double:
      let power = 1 << number
      return Cut(
        size: tree == 0 ? power : 3 * power, alignment: power, upper: max(number - 1, 0))
    }
  }

  @inline(__always)
  func size(_ number: Int) -> Int { sizes[number] }

  @inline(__always)
  func alignment(_ number: Int) -> Int { alignments[number] }

  /// The class of the upper part of a block.
  @inline(__always)
  func upperClass(_ number: Int) -> Int { upperClasses[number] }

  /// The side of that part.
  @inline(__always)
  func upperSide(_ number: Int) -> Side { upperSides[number] }

  /// The class of what a block is a part of; -1 for a root.
  @inline(__always)
  func parent(_ number: Int, _ side: Side) -> Int { parents[number &* Self.sideCount &+ side] }

  /// The smallest class of at least so many units that has the alignment; `count` if there is none.
  @inline(__always)
  func number(for units: Int, _ alignment: Int) -> Int {
    var number = number(for: units)
    while number < count, alignments[number] < alignment { number &+= 1 }
    return number
  }

  /// The smallest class of at least so many units; `count` if there is none.
  @inline(__always)
  func number(for units: Int) -> Int {
    var number = firstClasses[Int.bitWidth &- 1 &- max(units, 1).leadingZeroBitCount]
    while number < count, sizes[number] < units { number &+= 1 }
    return number
  }
}
