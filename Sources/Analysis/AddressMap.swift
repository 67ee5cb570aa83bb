// Which bytes of an address space are held, which of them live, and what lies between.

internal import Glibc
import MemoryUnits
import Replay

/// The state of every 8 bytes of a 47-bit address space: not held, free, or live.
///
/// A directory has an entry for each 4 MiB. Where these are all in one state, the entry says so;
/// else it points to a ``Leaf``. In the same way a page in one state needs no bits. So blocks of
/// any size cost little, and the memory taken follows the span of the heap: 1/1024 of it, and 1/64
/// of the pages on which blocks lie beside holes.
///
/// Sets of bytes, not blocks, are kept. A block that overlaps another, or bytes that are not held,
/// as only a damaged trace can have it, changes those bytes alone to which the change can happen;
/// the sums and counts below stay true of the map, and the case is counted as a conflict.
struct AddressMap: ~Copyable {
  /// One past the highest address: user space on x86-64.
  static var limit: UInt64 { 1 << 47 }

  /// An entry of the directory.
  ///
  /// Zero where nothing was ever held, a state that holds for all 4 MiB, or the address of a leaf.
  struct Entry: BitwiseCopyable, Equatable {
    var rawValue: UInt

    static let unseen = Entry(rawValue: 0)
    static let notHeld = Entry(rawValue: 1)
    static let freshlyHeld = Entry(rawValue: 2)
    static let freed = Entry(rawValue: 3)
    static let covered = Entry(rawValue: 4)

    /// The leaf, or nil where one state holds for all.
    @inline(__always)
    var leaf: Leaf? {
      guard rawValue > 4, let base = UnsafeMutableRawPointer(bitPattern: rawValue) else {
        return nil
      }
      return Leaf(base: base)
    }

    /// The state of all pages where there is no leaf.
    var uniformState: PageState {
      switch self {
      case .freshlyHeld: .freshlyHeld
      case .freed: .freed
      case .covered: .covered
      default: .notHeld
      }
    }

    /// The entry for 4 MiB in the state of one page.
    init(all state: PageState) {
      switch state {
      case .freshlyHeld: self = .freshlyHeld
      case .freed: self = .freed
      case .covered: self = .covered
      default: self = .notHeld
      }
    }

    init(rawValue: UInt) { self.rawValue = rawValue }
  }

  let directory = FlatTable<Entry>(count: 1 << 25)
  var pool = LeafPool()
  /// The entries that are not `unseen`, in no order.
  var seen: [UInt32] = []
  var seenIsSorted = true

  /// Maximal runs of free bytes, those at the tops of held ranges among them.
  var freeRuns: Int64 = 0
  /// Held bytes that no block covers.
  var freeBytes: Int64 = 0
  /// Held pages that a block covered some of since they came to be held.
  var touchedPages: Int64 = 0
  /// Changes that could not happen to all bytes that they named.
  var conflicts: UInt64 = 0

  init() {}

  /// 1 where these eight bytes are held and free, else 0.
  @inline(__always)
  func isFree(_ granule: UInt64) -> Int64 {
    let index = Int(truncatingIfNeeded: granule >> 19)
    guard index < directory.count else { return 0 }
    let entry = directory.base[index]
    guard let leaf = entry.leaf else {
      return entry == .freshlyHeld || entry == .freed ? 1 : 0
    }
    let page = Int(truncatingIfNeeded: granule >> 9) & 1023
    let state = leaf.pages[page]
    if state.isUniform { return state.free == 0 ? 0 : 1 }
    let word = leaf.freeBits(page)[Int(truncatingIfNeeded: granule >> 6) & 7]
    return Int64(truncatingIfNeeded: word >> (granule & 63) & 1)
  }

  /// The held bytes on a page that no block covers.
  func freeBytes(onPage page: UInt64) -> Int64 {
    let index = Int(page >> 10)
    guard index < directory.count else { return 0 }
    let entry = directory.base[index]
    let state = entry.leaf?.pages[Int(page & 1023)] ?? entry.uniformState
    return Int64(state.free)
  }

  /// Eight-byte granules from the one that contains `lower` to the one that contains the byte
  /// before `upper`; none beyond the limit.
  @inline(__always)
  static func granules(_ lower: Address, _ upper: Address) -> Range<UInt64> {
    let end = (min(upper.rawValue, limit) &+ 7) >> 3
    return min(lower.rawValue >> 3, end)..<end
  }

  mutating func hold(_ range: Range<Address>) {
    apply(.hold, Self.granules(range.lowerBound, range.upperBound))
  }

  mutating func release(_ range: Range<Address>) {
    apply(.release, Self.granules(range.lowerBound, range.upperBound))
  }

  /// A block begins to cover the bytes from `lower` up to `upper`.
  @inline(__always)
  mutating func begin(_ lower: Address, _ upper: Address) {
    let granules = Self.granules(lower, upper)
    if !applyQuickly(.begin, granules) { apply(.begin, granules) }
  }

  /// A block no longer covers these bytes.
  @inline(__always)
  mutating func end(_ lower: Address, _ upper: Address) {
    let granules = Self.granules(lower, upper)
    if !applyQuickly(.end, granules) { apply(.end, granules) }
  }
}
