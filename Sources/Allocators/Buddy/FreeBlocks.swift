// The free blocks of a buddy system: one queue for each order.

/// Free blocks by order, the lowest address first, and the order of the free block at a place.
///
/// Places count smallest blocks from the bottom of the address space; a block of order `k` is
/// 2^k of them and starts at a multiple of 2^k.
@usableFromInline
struct FreeBlocks: ~Copyable {
  static let orderCount = 64
  private static let chunkShift = 22

  /// One byte for each place: the order of the free block that starts there, plus one; else zero.
  @usableFromInline var orders = ChunkDirectory(chunkByteCount: 1 << FreeBlocks.chunkShift)
  private var queues: UnsafeMutablePointer<AddressQueue>
  /// One bit for each order of which there is a free block.
  private var present: UInt64 = 0

  init() {
    queues = .allocate(capacity: Self.orderCount)
    queues.initialize(repeating: AddressQueue(), count: Self.orderCount)
  }

  @inlinable deinit { deallocate() }

  @usableFromInline
  func deallocate() {
    for order in 0..<Self.orderCount { queues[order].deallocate() }
    queues.deallocate()
  }

  /// Makes the places up to and including `place` askable.
  mutating func extend(to place: Int) { orders.extend(to: (place >> Self.chunkShift) + 1) }

  /// Whether the free block of exactly this order starts here.
  @inline(__always)
  func contains(_ place: Int, _ order: Int) -> Bool {
    Self.contains(orders, place, order)
  }

  @inline(__always)
  private static func contains(
    _ orders: borrowing ChunkDirectory, _ place: Int, _ order: Int
  ) -> Bool {
    let number = place >> chunkShift
    guard number < orders.count, let chunk = orders.chunk(number) else { return false }
    return byte(chunk, place).pointee == UInt8(truncatingIfNeeded: order &+ 1)
  }

  @inline(__always)
  private static func byte(
    _ chunk: UnsafeMutableRawPointer, _ place: Int
  ) -> UnsafeMutablePointer<UInt8> {
    (chunk + place & ((1 << chunkShift) - 1)).assumingMemoryBound(to: UInt8.self)
  }

  @inline(__always)
  mutating func insert(_ place: Int, _ order: Int) {
    queues[order].push(place) { Self.contains(orders, $0, order) }
    let chunk = orders.writableChunk(place >> Self.chunkShift)
    Self.byte(chunk, place).pointee = UInt8(truncatingIfNeeded: order &+ 1)
    present |= 1 << UInt64(truncatingIfNeeded: order)
  }

  /// Takes out the free block of this order that starts here.
  @inline(__always)
  mutating func remove(_ place: Int, _ order: Int) {
    let chunk = orders.writableChunk(place >> Self.chunkShift)
    Self.byte(chunk, place).pointee = 0
    if queues[order].vanish() { present &= ~(1 << UInt64(truncatingIfNeeded: order)) }
  }

  /// Takes out the lowest free block of the smallest order that is at least this; the place is -1
  /// when there is none.
  @inline(__always)
  mutating func take(atLeast order: Int) -> (place: Int, order: Int) {
    let orders = present & (~0 << UInt64(truncatingIfNeeded: order))
    guard orders != 0 else { return (-1, 0) }
    let found = orders.trailingZeroBitCount
    let place = queues[found].lowest { Self.contains(self.orders, $0, found) }
    remove(place, found)
    return (place, found)
  }

  /// All free blocks, in order of address.
  ///
  /// For looking, not for every event.
  var all: [(place: Int, order: Int)] {
    var blocks: [(place: Int, order: Int)] = []
    for order in 0..<Self.orderCount where present >> UInt64(order) & 1 != 0 {
      var next = queues[order].lowestWhere { contains($0, order) }
      while next >= 0 {
        blocks.append((next, order))
        let last = next
        next = queues[order].lowestWhere { $0 > last && contains($0, order) }
      }
    }
    return blocks.sorted { $0.place < $1.place }
  }
}
