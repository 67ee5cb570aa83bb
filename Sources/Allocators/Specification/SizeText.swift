// Sizes without loss, in the notation that users type.

package import MemoryUnits

package enum SizeText {
  /// The count in the largest unit that divides it, which parses back to the same count.
  ///
  /// `131072` is `128k`, `100` is `100`.
  package static func exact(_ size: ByteCount) -> String {
    var value = size.rawValue
    var unit = ""
    for larger in ["k", "M", "G", "T"] {
      guard value != 0, value % 1024 == 0 else { break }
      value /= 1024
      unit = larger
    }
    return "\(value)\(unit)"
  }
}
