// A prefix code of bounded length for symbols with known counts, as deflate writes them.

/// A canonical Huffman code (RFC 1951, 3.2.2).
struct PrefixCode {
  /// Of each symbol its code, the first bit lowest, and above sixteen bits the length of it.
  let codes: UnsafeMutablePointer<UInt32>
  /// The lengths alone; zero for symbols that do not occur.
  let lengths: UnsafeMutablePointer<UInt8>
  private let keys: UnsafeMutablePointer<UInt64>
  private let weights: UnsafeMutablePointer<UInt32>
  private var perLength = [Int](repeating: 0, count: 64)
  private var count = 0

  init(capacity: Int) {
    codes = .allocate(capacity: capacity)
    lengths = .allocate(capacity: capacity)
    keys = .allocate(capacity: capacity)
    weights = .allocate(capacity: capacity)
  }

  func deallocate() {
    codes.deallocate()
    lengths.deallocate()
    keys.deallocate()
    weights.deallocate()
  }

  /// The bits that all symbols take together.
  func bits(_ counts: UnsafePointer<UInt32>) -> Int {
    var sum = 0
    for symbol in 0..<count { sum &+= Int(counts[symbol]) &* Int(lengths[symbol]) }
    return sum
  }

  /// Makes the code in which no symbol takes more than `longest` bits.
  ///
  /// Counts sum to less than 2^31.
  mutating func build(_ counts: UnsafePointer<UInt32>, _ count: Int, longest: Int) {
    self.count = count
    var used = 0
    for symbol in 0..<count where counts[symbol] > 0 {
      keys[used] = UInt64(counts[symbol]) &<< 9 | UInt64(symbol)
      used += 1
    }
    lengths.update(repeating: 0, count: count)
    var sorted = UnsafeMutableBufferPointer(start: keys, count: used)
    sorted.sort()
    for place in 0..<used { weights[place] = UInt32(truncatingIfNeeded: keys[place] &>> 9) }
    if used == 1 { weights[0] = 1 } else { Self.findDepths(weights, used) }
    bound(used, longest)
    // The rarest symbols, which come first, get the longest codes.
    var place = 0
    for length in stride(from: longest, through: 1, by: -1) {
      for _ in 0..<perLength[length] {
        lengths[Int(keys[place] & 511)] = UInt8(length)
        place += 1
      }
    }
    assignCodes(longest)
  }

  /// Turns weights in rising order into the depths of their leaves in a Huffman tree, in place
  /// (Moffat & Katajainen, WADS 1995).
  private static func findDepths(_ a: UnsafeMutablePointer<UInt32>, _ n: Int) {
    guard n > 1 else { return }
    // Weights of inner nodes, then of those joined the parents.
    var (leaf, root) = (0, 0)
    for next in 0..<n - 1 {
      var sum: UInt32 = 0
      for _ in 0..<2 {
        if leaf >= n || root < next && a[root] < a[leaf] {
          sum &+= a[root]
          a[root] = UInt32(next)
          root += 1
        } else {
          sum &+= a[leaf]
          leaf += 1
        }
      }
      a[next] = sum
    }
    // Depths of inner nodes.
    a[n - 2] = 0
    for next in stride(from: n - 3, through: 0, by: -1) { a[next] = a[Int(a[next])] + 1 }
    // Depths of leaves: what is not an inner node at a depth is a leaf there.
    var (available, depth) = (1, UInt32(0))
    var inner = n - 2
    var next = n - 1
    while available > 0 {
      var used = 0
      while inner >= 0, a[inner] == depth {
        used += 1
        inner -= 1
      }
      while available > used {
        a[next] = depth
        next -= 1
        available -= 1
      }
      available = 2 * used
      depth += 1
    }
  }

  /// Counts the codes of each length after no length is beyond the longest.
  private mutating func bound(_ used: Int, _ longest: Int) {
    for length in perLength.indices { perLength[length] = 0 }
    for place in 0..<used { perLength[min(Int(weights[place]), longest)] += 1 }
    // What the lengths take of the space of codes, in units of the longest.
    var taken = 0
    for length in 1...longest { taken += perLength[length] << (longest - length) }
    while taken > 1 << longest {
      // A code of the longest length goes below one that is shorter, which becomes longer by one.
      perLength[longest] -= 1
      var length = longest - 1
      while perLength[length] == 0 { length -= 1 }
      perLength[length] -= 1
      perLength[length + 1] += 2
      taken -= 1
    }
  }

  private mutating func assignCodes(_ longest: Int) {
    var nexts = [UInt32](repeating: 0, count: 16)
    var code: UInt32 = 0
    for length in 1...longest {
      code = (code + UInt32(length == 1 ? 0 : perLength[length - 1])) << 1
      nexts[length] = code
    }
    for symbol in 0..<count {
      let length = Int(lengths[symbol])
      guard length > 0 else {
        codes[symbol] = 0
        continue
      }
      codes[symbol] = Self.reversed(nexts[length], length) | UInt32(length) << 16
      nexts[length] += 1
    }
  }

  private static func reversed(_ code: UInt32, _ length: Int) -> UInt32 {
    var (rest, result) = (code, UInt32(0))
    for _ in 0..<length {
      result = result << 1 | rest & 1
      rest >>= 1
    }
    return result
  }
}

/// The lengths of a code as deflate writes them: with repetitions (RFC 1951, 3.2.7).
struct CodeLengths {
  static let symbolCount = 19
  static let longestCode = 7
  private static let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

  let counts: UnsafeMutablePointer<UInt32>
  /// A symbol, and what follows it, in pairs.
  private let items: UnsafeMutablePointer<UInt8>
  private var itemCount = 0

  init() {
    counts = .allocate(capacity: Self.symbolCount)
    items = .allocate(capacity: 1024)
  }

  func deallocate() {
    counts.deallocate()
    items.deallocate()
  }

  /// Takes the lengths of a code, and that of one code of distances, which is zero.
  mutating func collect(_ lengths: UnsafePointer<UInt8>, _ count: Int) {
    counts.update(repeating: 0, count: Self.symbolCount)
    itemCount = 0
    var index = 0
    while index < count {
      let length = lengths[index]
      var run = 1
      while index + run < count, lengths[index + run] == length { run += 1 }
      index += run
      append(length, run)
    }
    add(0)
  }

  private mutating func append(_ length: UInt8, _ run: Int) {
    var rest = run
    if length == 0 {
      while rest >= 11 {
        let part = min(rest, 138)
        add(18, UInt8(part - 11))
        rest -= part
      }
      if rest >= 3 {
        add(17, UInt8(rest - 3))
        rest = 0
      }
    } else {
      add(length)
      rest -= 1
      while rest >= 3 {
        let part = min(rest, 6)
        add(16, UInt8(part - 3))
        rest -= part
      }
    }
    for _ in 0..<rest { add(length) }
  }

  private mutating func add(_ symbol: UInt8, _ extra: UInt8 = 0) {
    items[2 * itemCount] = symbol
    items[2 * itemCount + 1] = extra
    itemCount += 1
    counts[Int(symbol)] += 1
  }

  private static func extraBits(_ symbol: UInt8) -> UInt64 {
    switch symbol {
    case 16: 2
    case 17: 3
    case 18: 7
    default: 0
    }
  }

  /// How many lengths of lengths are written: all up to the last that is not zero, at least four.
  func describedLengths(_ code: PrefixCode) -> Int {
    let last = Self.order.lastIndex { code.lengths[$0] > 0 } ?? 0
    return max(last + 1, 4)
  }

  func bits(_ code: PrefixCode) -> Int {
    var sum = 0
    for symbol in 0..<Self.symbolCount {
      let bits = Int(code.lengths[symbol]) + Int(Self.extraBits(UInt8(symbol)))
      sum += Int(counts[symbol]) * bits
    }
    return sum
  }

  func write(_ code: PrefixCode, _ described: Int, _ sink: inout BitSink) {
    for symbol in Self.order.prefix(described) { sink.put(UInt64(code.lengths[symbol]), 3) }
    for item in 0..<itemCount {
      let symbol = items[2 * item]
      sink.put(code: code.codes[Int(symbol)])
      sink.put(UInt64(items[2 * item + 1]), Self.extraBits(symbol))
    }
  }
}
