// Where a call returns to, for good: addresses are used more than once.

/// A return address of a stack, with what tells the code that it lies in from other code that lay at
/// the same address.
@frozen
public struct CodeAddress: Hashable, Sendable {
  /// The address that the call returns to.
  public var returnAddress: UInt64
  /// The program image that was running: 0, and one more after each `exec`.
  public var image: UInt32
  /// The generation of the module (``Module/generation``); 0xffff for code that belongs to none.
  public var generation: UInt16

  /// An address in a file that nothing lay before in its place, unless said otherwise.
  @inlinable
  public init(returnAddress: UInt64, image: UInt32, generation: UInt16 = 0) {
    self.returnAddress = returnAddress
    self.image = image
    self.generation = generation
  }
}

/// The image and generation of a module or a stack's node, as one number of the format.
enum CodeVersion {
  static func pack(image: UInt32, generation: UInt16) -> UInt64 {
    UInt64(image) | UInt64(generation) << 32
  }

  /// Nil for what no writer has written.
  static func unpack(_ value: UInt64) -> (image: UInt32, generation: UInt16)? {
    guard value >> 48 == 0 else { return nil }
    return (UInt32(truncatingIfNeeded: value), UInt16(truncatingIfNeeded: value >> 32))
  }
}
