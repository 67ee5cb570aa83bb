// From a size to its class with one look into a table.

internal import MemoryUnits

/// The sizes of a scheme, and for every multiple of 8 the class that holds it.
public struct ClassTable: ~Copyable {
  /// How many classes there are.
  public let count: Int
  /// The largest size in bytes.
  public let largest: Int
  private let sizes: UnsafeMutablePointer<Int>
  private let classes: UnsafeMutablePointer<UInt16>

  /// The table of a scheme.
  public init(_ scheme: ClassScheme) { self.init(sizes: scheme.sizes) }

  /// A table of ascending multiples of 8.
  ///
  /// Takes two bytes for each multiple of 8 up to the largest.
  init(sizes list: [Int]) {
    precondition(!list.isEmpty && list.count < 1 << 16, "a class table has one class at least")
    count = list.count
    largest = list[list.count - 1]
    sizes = .allocate(capacity: count)
    classes = .allocate(capacity: largest / 8 + 1)
    var unit = 0
    for (number, size) in list.enumerated() {
      precondition(size > 0 && size % 8 == 0 && unit <= size / 8, "class sizes ascend by eights")
      (sizes + number).initialize(to: size)
      while unit <= size / 8 {
        (classes + unit).initialize(to: UInt16(number))
        unit += 1
      }
    }
  }

  deinit {
    sizes.deallocate()
    classes.deallocate()
  }

  /// The size of a class in bytes.
  @inline(__always)
  public subscript(number: Int) -> Int { sizes[number] }

  /// The class of the smallest size that holds so many bytes, or -1 beyond the largest.
  ///
  /// A size of zero counts as one byte. O(1).
  @inline(__always)
  public func number(for size: Int) -> Int {
    guard size <= largest else { return -1 }
    return Int(classes[(max(size, 1) &+ 7) >> 3])
  }

  /// The class of the smallest size that holds so many bytes and is a multiple of the alignment, a
  /// power of two; -1 if there is none.
  ///
  /// Cells of such a size are aligned when the run that they are cut from is.
  @inline(__always)
  public func number(for size: Int, alignment: Int) -> Int {
    let number = number(for: size)
    return alignment <= 8 ? number : aligned(number, alignment)
  }

  private func aligned(_ first: Int, _ alignment: Int) -> Int {
    guard first >= 0, alignment <= ByteCount.page.int else { return -1 }
    var number = first
    while number < count, sizes[number] & (alignment - 1) != 0 { number += 1 }
    return number < count ? number : -1
  }
}
