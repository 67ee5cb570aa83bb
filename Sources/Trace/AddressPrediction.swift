// Addresses as distances from the last one of the same size class.

/// Predicts that a block lies where the last block of a similar size went, or the last of any size.
///
/// Writer and reader run the same prediction.
struct AddressPrediction {
  /// The number of this prediction in the format.
  static let identifier: UInt8 = 1
  private static let classes = 256
  /// The code that says: the address itself stands in the column of raw addresses.
  static let escape: UInt64 = 1

  private let lastOfClass: UnsafeMutablePointer<UInt64>
  private var last: UInt64 = 0

  init() {
    lastOfClass = .allocate(capacity: Self.classes)
    lastOfClass.initialize(repeating: 0, count: Self.classes)
  }

  func deallocate() { lastOfClass.deallocate() }

  mutating func reset() {
    lastOfClass.update(repeating: 0, count: Self.classes)
    last = 0
  }

  @inline(__always)
  private func sizeClass(_ size: UInt64) -> Int {
    Int(truncatingIfNeeded: min((size &+ 23) &>> 4, UInt64(Self.classes - 1)))
  }

  @inline(__always)
  private func prediction(_ sizeClass: Int) -> UInt64 {
    let ofClass = lastOfClass[sizeClass]
    return ofClass == 0 ? last : ofClass
  }

  @inline(__always)
  private mutating func note(_ address: UInt64, _ sizeClass: Int) {
    lastOfClass[sizeClass] = address
    last = address
  }

  /// The code of an address: an even one is a difference in units of 16 bytes, an odd one a
  /// difference in bytes.
  @inline(__always)
  mutating func code(_ address: UInt64, size: UInt64) -> UInt64 {
    let sizeClass = sizeClass(size)
    let difference = Int64(bitPattern: address &- prediction(sizeClass))
    note(address, sizeClass)
    if difference & 15 == 0 { return zigzag(difference &>> 4) &<< 1 }
    let code = zigzag(difference)
    return code < 1 &<< 63 ? code &<< 1 | 1 : Self.escape
  }

  /// The address that a code means; `raw` is asked where the code is the escape.
  @inline(__always)
  mutating func address(_ code: UInt64, size: UInt64, raw: () -> UInt64) -> UInt64 {
    let sizeClass = sizeClass(size)
    let address: UInt64
    if code == Self.escape {
      address = raw()
    } else if code & 1 == 0 {
      address = prediction(sizeClass) &+ UInt64(bitPattern: unzigzag(code &>> 1) &<< 4)
    } else {
      address = prediction(sizeClass) &+ UInt64(bitPattern: unzigzag(code &>> 1))
    }
    note(address, sizeClass)
    return address
  }
}
