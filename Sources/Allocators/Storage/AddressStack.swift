// A stack of addresses whose bottom can be taken off, too.

internal import MemoryUnits

/// Addresses, the last one on top.
///
/// All zero bits are an empty stack, so that a table of them costs nothing where it is not touched.
struct AddressStack: BitwiseCopyable {
  private var base: UnsafeMutablePointer<Address>?
  private(set) var count: UInt32
  private var capacity: UInt32

  /// The addresses from the bottom on; valid until the stack changes.
  var addresses: UnsafeBufferPointer<Address> {
    UnsafeBufferPointer(start: base, count: Int(count))
  }

  mutating func push(_ address: Address) {
    if count == capacity { grow() }
    base?[Int(count)] = address
    count += 1
  }

  /// Takes the top off, which must be there.
  mutating func pop() -> Address {
    guard let base, count > 0 else { preconditionFailure("nothing on the stack") }
    count -= 1
    return base[Int(count)]
  }

  /// Takes the bottommost ones off.
  mutating func removeBottom(_ removed: Int) {
    guard let base else { return }
    let rest = Int(count) - removed
    precondition(rest >= 0, "fewer on the stack")
    base.update(from: base + removed, count: rest)
    count = UInt32(rest)
  }

  func deallocate() { base?.deallocate() }

  private mutating func grow() {
    let larger = max(8, capacity * 2)
    let new = UnsafeMutablePointer<Address>.allocate(capacity: Int(larger))
    if let base {
      new.update(from: base, count: Int(count))
      base.deallocate()
    }
    base = new
    capacity = larger
  }
}
