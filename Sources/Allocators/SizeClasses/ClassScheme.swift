// The sizes to which allocators round: the tables of well-known ones, and simple rules.

/// A rule for the sizes of cells.
///
/// All sizes are multiples of 8, those above 8 of every scheme but a list of 16, and ascend.
public enum ClassScheme: Hashable, Sendable {
  /// 8, 16, 32, … 32 KiB.
  case powersOfTwo
  /// 16 times the Fibonacci numbers 1, 2, 3, 5, 8, … up to 32 KiB.
  case fibonacci
  /// From each power of two to the next as many equal steps, rounded up to 16 bytes, up to 32 KiB.
  case perDoubling(Int)
  /// The 36 small classes of jemalloc 5.3 (`sc.c`, `bin_info.c`), up to 14 KiB.
  case jemalloc
  /// The classes of mimalloc 2.0 (`page-queue.c`, 16-byte alignment), up to 128 KiB.
  case mimalloc
  /// The 85 classes of gperftools' tcmalloc (`common.cc`, pages of 8 KiB), up to 256 KiB.
  case tcmalloc
  /// One's own: multiples of 8 up to 1 MiB, ascending, one at least.
  case sizes([Int])

  /// Where the simple rules end.
  static let simpleLimit = 1 << 15
  /// The largest size of a list.
  static let listLimit = 1 << 20

  /// The sizes in bytes, smallest first, at least one.
  public var sizes: [Int] {
    switch self {
    case .powersOfTwo: Self.powersOfTwo(upTo: Self.simpleLimit)
    case .fibonacci: Self.fibonacci(upTo: Self.simpleLimit)
    case .perDoubling(let count): Self.perDoubling(count, upTo: Self.simpleLimit)
    case .jemalloc: Self.perDoubling(4, upTo: 14_336)
    case .mimalloc: Self.mimalloc(upTo: 131_072)
    case .tcmalloc: Self.tcmalloc(upTo: 262_144)
    case .sizes(let sizes): sizes
    }
  }

  /// The powers of two from 8 on.
  public static func powersOfTwo(upTo limit: Int) -> [Int] {
    var sizes = [8]
    while let last = sizes.last, last * 2 <= limit { sizes.append(last * 2) }
    return sizes
  }

  /// The Fibonacci numbers 1, 2, 3, 5, 8 and so on, times 16.
  public static func fibonacci(upTo limit: Int) -> [Int] {
    var sizes = [16]
    var next = 32
    while next <= limit {
      sizes.append(next)
      next += sizes[sizes.count - 2]
    }
    return sizes
  }

  /// 8, then `count` steps from each power of two to the next, rounded up to 16.
  ///
  /// With four steps these are jemalloc's classes.
  public static func perDoubling(_ count: Int, upTo limit: Int) -> [Int] {
    precondition(count > 0)
    var sizes = [8]
    var base = 8
    while base < limit {
      for step in 1...count {
        let size = (base + base * step / count + 15) & ~15
        if let last = sizes.last, size > last, size <= limit { sizes.append(size) }
      }
      base *= 2
    }
    return sizes
  }

  /// In words of 8: 1, 2, 4, 6, 8, then four steps a doubling.
  public static func mimalloc(upTo limit: Int) -> [Int] {
    var words = [1, 2, 4, 6, 8]
    var base = 8
    while base * 8 < limit {
      words += (1...4).map { base + base * $0 / 4 }
      base *= 2
    }
    return words.map { $0 * 8 }.filter { $0 <= limit }
  }

  /// Steps of an eighth of the power of two below, where classes whose spans hold equally many
  /// objects become one.
  public static func tcmalloc(upTo limit: Int) -> [Int] {
    let page = 8192
    var classes: [(size: Int, span: Int)] = []
    var size = 8
    while size <= limit {
      let batch = max(2, min(65536 / size, 32))
      var span = 0
      repeat {
        span += page
        while span % size > span / 8 { span += page }
      } while span / size < batch / 4
      if let last = classes.last, last.span == span, span / size == span / last.size {
        classes[classes.count - 1].size = size
      } else {
        classes.append((size, span))
      }
      let powerBelow = 1 << (Int.bitWidth - 1 - size.leadingZeroBitCount)
      size += size >= 128 ? min(powerBelow / 8, 8192) : size >= 16 ? 16 : 8
    }
    return classes.map(\.size)
  }
}
